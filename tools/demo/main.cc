// llmbatch-demo: the real daemon against an embedded Kafka and a provider twin, without any account
// or key.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.h"
#include "child.h"
#include "conversations.h"
#include "json/value.h"
#include "json/writer.h"
#include "kafka/consumer.h"
#include "kafka/embedded_cluster.h"
#include "kafka/publisher.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"
#include "screen.h"
#include "tally.h"

namespace {

using namespace llmbatch;  // NOLINT(google-build-using-namespace): a program, not a library
namespace fs = std::filesystem;

constexpr int kPartitions = 4;
constexpr int kJobs = 5;
constexpr int kItemsPerJob = 60;
constexpr int kSingleItems = 200;
constexpr std::int64_t kItems = kJobs * kItemsPerJob + kSingleItems;
constexpr base::Duration kPatience = std::chrono::seconds(60);

struct Options {
  std::string bin;      // folder of llmbatchd and provider-twin
  std::string configs;  // folder with tasks/ and prices.toml
  std::string work;     // folder for configuration and logs
};

std::size_t Append(char* data, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

std::optional<std::string> Get(const std::string& url) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy(curl_easy_init(),
                                                                 curl_easy_cleanup);
  std::string body;
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, 1000L);
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  if (curl_easy_perform(easy.get()) != CURLE_OK) return std::nullopt;
  return body;
}

std::int64_t Number(const json::Value& object, std::string_view name) {
  const auto value = object.Find(name);
  return value && value->is(json::Kind::kNumber) ? value->AsInt64().value_or(0) : 0;
}

// Waits until a file has a line, as the programs tell their ports.
std::optional<std::string> AwaitLine(const std::string& path, demo::Child& child,
                                     const std::string& marker) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (child.running() && std::chrono::steady_clock::now() < deadline) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
      if (line.find(marker) != std::string::npos) return line;
    }
    runtime::Inbox pause;
    pause.WaitUntil(runtime::ReadClock().steady + std::chrono::milliseconds(20));
  }
  return std::nullopt;
}

std::string MakeConfig(const Options& options, const std::string& brokers,
                       const std::string& twin) {
  return "task_files = [\"" + options.configs + "/tasks/*.toml\"]\nprices = \"" + options.configs +
         "/prices.toml\"\n\n[kafka]\nbrokers = \"" + brokers +
         "\"\ninstance = \"demo\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n[limits]\nconcurrency = "
         "5\n\n"
         "[providers.openai]\napi = \"openai\"\nbase_url = \"" +
         twin + "/v1\"\nallow_private = true\n";
}

void WriteInput(json::Writer& writer, base::Rng& rng) {
  const demo::Conversation conversation = demo::MakeConversation(rng);
  writer.Key("input").BeginObject().Key("channel").String(conversation.channel);
  writer.Key("transcript").String(conversation.transcript).EndObject();
}

std::vector<ports::PublishRecord> MakeRequests() {
  base::Rng rng(2026);
  std::vector<ports::PublishRecord> records;
  const auto add = [&records](std::string key, std::string value) {
    records.push_back(
        {.publish = {records.size() + 1},
         .message = std::make_shared<const ports::Message>(ports::Message{
             .topic = "llm.requests", .key = std::move(key), .value = std::move(value)})});
  };
  for (int j = 1; j <= kJobs; ++j) {
    const std::string id = "job-" + std::to_string(j);
    json::Writer writer;
    writer.BeginObject()
        .Key("kind")
        .String("job")
        .Key("job_id")
        .String(id)
        .Key("workflow")
        .String("map");
    writer.Key("task")
        .String("analyze_conversations")
        .Key("user_id")
        .String("user-" + std::to_string(j));
    writer.Key("items").BeginArray();
    for (int i = 1; i <= kItemsPerJob; ++i) {
      writer.BeginObject().Key("id").String(id + "/" + std::to_string(i));
      WriteInput(writer, rng);
      writer.EndObject();
    }
    add(id, writer.EndArray().EndObject().Take());
  }
  for (int i = 1; i <= kSingleItems; ++i) {
    const std::string id = "conversation-" + std::to_string(i);
    json::Writer writer;
    writer.BeginObject().Key("kind").String("item").Key("id").String(id).Key("task").String(
        "analyze_conversations");
    WriteInput(writer, rng);
    add(id, writer.EndObject().Take());
  }
  return records;
}

void ReadStatus(const std::string& admin, demo::Moment& moment) {
  const auto body = Get(admin + "/status");
  if (!body) return;
  const auto document = json::Document::Parse(*body);
  if (!document) return;
  if (const auto calls = document->root().Find("calls")) {
    moment.in_flight = Number(*calls, "in_flight");
    moment.waiting_for_permit = Number(*calls, "waiting_for_permit");
    moment.backing_off = Number(*calls, "backing_off");
  }
  moment.gathering = Number(document->root(), "requests");
  const auto limits = document->root().Find("limits");
  if (limits && limits->size() > 0) moment.permits = Number(limits->At(0), "limit");
}

// Joining a consumer group takes the embedded Kafka a few seconds.
bool AwaitPartitions(const std::string& admin, demo::Child& daemon) {
  const base::Timestamp deadline = runtime::ReadClock().steady + kPatience;
  while (daemon.running() && runtime::ReadClock().steady < deadline) {
    const auto body = Get(admin + "/status");
    const auto document = json::Document::Parse(body.value_or(""));
    if (document) {
      const auto assigned = document->root().Find("assigned");
      // Those of the requests, and those of the commands.
      if (assigned && assigned->size() == 2 * kPartitions) return true;
    }
    runtime::Inbox pause;
    pause.WaitUntil(runtime::ReadClock().steady + std::chrono::milliseconds(50));
  }
  return false;
}

void PrintSummary(const demo::Moment& end, const demo::Tally& tally, const std::string& twin,
                  const Options& options) {
  std::int64_t requests = 0;
  std::int64_t highest = 0;
  std::int64_t most_items = 0;
  if (const auto body = Get(twin + "/_twin/summary")) {
    if (const auto document = json::Document::Parse(*body)) {
      requests = Number(document->root(), "requests");
      highest = Number(document->root(), "highest_concurrency");
      most_items = Number(document->root(), "max_items_per_request");
    }
  }
  const double per_call =
      requests == 0 ? 0 : static_cast<double>(tally.results()) / static_cast<double>(requests);
  std::cout << "\n"
            << tally.results() << " items answered in " << end.seconds << " s by " << requests
            << " calls: " << per_call << " items a call (at most " << most_items
            << "), repeated and failed calls included\n"
            << "never more than " << highest << " calls at once, " << end.permits << " allowed\n"
            << tally.input_tokens() << " input and " << tally.output_tokens() << " output tokens, $"
            << model::ToDecimal(tally.cost())
            << " at the prices of configs/prices.toml\n\nwhat the conversations were about:\n";
  for (const auto& [topic, count] : tally.by_topic()) {
    const double share = static_cast<double>(count) /
                         static_cast<double>(std::max<std::int64_t>(1, tally.results()));
    std::cout << "  " << demo::Bar(share, 20) << " " << count << " " << topic << "\n";
  }
  std::cout << "\nwhere to look next:\n"
            << "  " << options.work << "/llmbatchd.toml   the configuration that just ran\n"
            << "  " << options.work << "/llmbatchd.log    what the daemon said\n"
            << "  configs/tasks/analyze_conversations.toml   the task: prompt, schema, batching\n"
            << "  docs/life-of-a-request.md                  what happened to each item\n";
}

int Fail(const std::string& message) {
  std::cerr << "demo: " << message << "\n";
  return 1;
}

int Run(const Options& options) {
  fs::create_directories(options.work);
  auto cluster = kafka::EmbeddedCluster::Start(1);
  if (!cluster) return Fail(cluster.error().message);
  for (const char* topic :
       {"llm.requests", "llm.results", "llm.progress", "llm.dead-letters", "llm.control"}) {
    if (const auto made = (*cluster)->CreateTopic(topic, kPartitions); !made)
      return Fail(made.error().message);
  }
  // A provider like those one meets: slow now and then, with limits, and not always right.
  auto twin = demo::Child::Start(
      {options.bin + "/provider-twin", "--port", "0", "--seed", "7", "--latency",
       "lognormal:700,0.4", "--error-rate", "429=0.05,500=0.03", "--retry-after-seconds", "1",
       "--answer-fault", "missing=0.01,fenced=0.1"},
      options.work + "/provider-twin.log");
  if (!twin) return Fail(twin.error().message);
  const auto listening = AwaitLine(options.work + "/provider-twin.log", **twin, "listening on ");
  if (!listening)
    return Fail("the provider twin did not start; see " + options.work + "/provider-twin.log");
  const std::string twin_url = "http://" + listening->substr(listening->rfind(' ') + 1);

  const std::string config_path = options.work + "/llmbatchd.toml";
  std::ofstream(config_path) << MakeConfig(options, (*cluster)->bootstrap(), twin_url);
  auto daemon = demo::Child::Start({options.bin + "/llmbatchd", "--config", config_path},
                                   options.work + "/llmbatchd.log");
  if (!daemon) return Fail(daemon.error().message);
  const auto started = AwaitLine(options.work + "/llmbatchd.log", **daemon, "\"started\"");
  if (!started) return Fail("llmbatchd did not start; see " + options.work + "/llmbatchd.log");
  const auto log_line = json::Document::Parse(*started);
  if (!log_line) return Fail("llmbatchd's log is not JSON");
  const std::string admin =
      "http://127.0.0.1:" + std::string(log_line->root().Find("admin_port")->AsString());

  runtime::Inbox inbox;
  auto publisher = kafka::Publisher::Start(
      {.connection = {.brokers = (*cluster)->bootstrap(), .client_id = "demo"}}, inbox);
  if (!publisher) return Fail(publisher.error().message);
  auto consumer = kafka::Consumer::Start(
      {.connection = {.brokers = (*cluster)->bootstrap(), .client_id = "demo"},
       .group = "demo",
       .topics = {"llm.results", "llm.progress"}},
      inbox);
  if (!consumer) return Fail(consumer.error().message);

  std::cout << "llmbatchd runs against an embedded Kafka and a provider twin; " << kItems
            << " conversations in 8 languages: " << kJobs << " jobs of " << kItemsPerJob << " and "
            << kSingleItems << " single ones\n\n"
            << "waiting until the daemon has its partitions …\n"
            << std::flush;
  if (!AwaitPartitions(admin, **daemon)) {
    return Fail("llmbatchd got no partitions; see " + options.work + "/llmbatchd.log");
  }
  (*publisher)->Publish(MakeRequests());
  demo::Tally tally;
  demo::Screen screen;
  demo::Moment moment{.items = kItems};
  const base::Timestamp begin = runtime::ReadClock().steady;
  base::Timestamp next_show = begin;
  while (tally.results() < kItems || tally.jobs_ended() < kJobs) {
    for (const ports::Event& event : inbox.WaitUntil(next_show)) {
      if (const auto* record = std::get_if<ports::RecordReceived>(&event))
        tally.Read(record->record);
    }
    const base::Timestamp now = runtime::ReadClock().steady;
    moment.seconds = base::ToSeconds(now - begin);
    if (now - begin > kPatience || !(*daemon)->running()) {
      return Fail("it did not come to its end; see " + options.work + "/llmbatchd.log");
    }
    if (now < next_show) continue;
    next_show = now + std::chrono::milliseconds(100);
    ReadStatus(admin, moment);
    screen.Show(moment, tally);
  }
  (*daemon)->Stop();
  screen.Show(demo::Moment{.seconds = moment.seconds, .items = kItems, .permits = moment.permits},
              tally);
  PrintSummary(moment, tally, twin_url, options);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Shows llmbatchd at work, without any account or key.", "llmbatch-demo");
  app.add_option("--bin", options.bin, "Folder of llmbatchd and provider-twin")->required();
  app.add_option("--configs", options.configs, "Folder with tasks/ and prices.toml")->required();
  app.add_option("--work", options.work, "Folder for configuration and logs")->required();
  CLI11_PARSE(app, argc, argv);
  for (std::string* path : {&options.bin, &options.configs, &options.work})
    *path = fs::absolute(*path).string();
  return Run(options);
}
