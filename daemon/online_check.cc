#include "online_check.h"

#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <variant>

#include "drivers.h"
#include "http/client.h"
#include "kafka/topic_reader.h"
#include "providers/codec.h"
#include "redis/connection.h"
#include "redis/server_facts.h"
#include "redis/signals.h"
#include "redis/wakeup.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"

namespace llmbatch::daemon {
namespace {

constexpr base::Duration kPatience = std::chrono::seconds(10);
constexpr base::Duration kPause = std::chrono::milliseconds(100);
using Findings = std::vector<Finding>;
using enum Finding::Kind;

std::set<std::string> TopicsOf(const config::Config& config) {
  const config::Kafka& kafka = config.kafka;
  std::set<std::string> topics{kafka.results, kafka.progress, kafka.dead_letters};
  for (const std::string& topic : kafka.requests) {
    if (!topic.starts_with('^')) topics.insert(topic);
  }
  if (!kafka.control.empty()) topics.insert(kafka.control);
  for (const config::Binding& binding : kafka.bindings) topics.insert(binding.topic);
  for (const auto& [name, task] : config.catalog->tasks) {
    if (!task->results_topic.empty()) topics.insert(task->results_topic);
  }
  return topics;
}

// A topic that was just made, or whose leader moves, is without one for a moment.
base::Result<std::vector<kafka::PartitionRange>> RangesOf(kafka::TopicReader& reader,
                                                          const std::string& topic,
                                                          base::Timestamp deadline) {
  for (;;) {
    auto ranges = reader.Ranges(topic, deadline);
    const bool may_pass = !ranges && ranges.error().kind == base::ErrorKind::kUnavailable;
    if (!may_pass || runtime::ReadClock().steady >= deadline) return ranges;
    std::this_thread::sleep_for(kPause);
  }
}

void CheckKafka(const config::Config& config, Findings& findings) {
  std::vector<std::string> said;
  kafka::TopicReaderOptions options;
  options.connection = ConnectionTo(config.kafka, [&said](const ports::LogLine& line) {
    if (line.level >= ports::LogLevel::kWarning) said.push_back(line.message);
  });
  auto reader = kafka::TopicReader::Make(std::move(options));
  if (!reader) {
    findings.push_back({kError, "kafka: " + reader.error().message});
    return;
  }
  const base::Timestamp deadline = runtime::ReadClock().steady + kPatience;
  for (const std::string& topic : TopicsOf(config)) {
    const auto ranges = RangesOf(**reader, topic, deadline);
    if (ranges) {
      findings.push_back(
          {kFine, "kafka: topic " + topic + ": " + std::to_string(ranges->size()) + " partitions"});
      continue;
    }
    findings.push_back({kError, "kafka: topic " + topic + ": " + ranges.error().message});
    // The others would wait for the same.
    if (ranges.error().kind != base::ErrorKind::kNotFound) break;
  }
  reader->reset();
  const bool all_fine = findings.back().kind == kFine;
  for (std::string& text : said)
    findings.push_back({all_fine ? kWarning : kError, std::move(text)});
}

void CheckRedis(const config::Config& config, Findings& findings) {
  if (config.redis.url.empty()) {
    findings.push_back({kWarning, "redis: none is configured: this is for one replica on its own"});
    return;
  }
  auto address = redis::ParseAddress(config.redis.url);
  if (!address) {
    findings.push_back({kError, "redis: " + address.error().message});
    return;
  }
  if (!config.redis.user.empty()) address->user = config.redis.user;
  if (!config.redis.password.empty()) address->password = config.redis.password;
  address->ca_file = config.redis.ca_file;
  redis::BlockBrokenPipeSignal();
  const redis::Wakeup never;
  auto connection =
      redis::Connection::Open(*address, {.connect = kPatience, .reply = kPatience}, never.fd());
  if (!connection) {
    findings.push_back({kError, "redis: " + connection.error().message});
    return;
  }
  if (const auto facts = redis::PrepareServer(*connection); !facts) {
    findings.push_back({kError, "redis: " + facts.error().message});
    return;
  }
  findings.push_back({kFine, "redis: " + address->Name() + " answers"});
  for (const std::string& risk : redis::RiskySettings(*connection)) {
    findings.push_back({kWarning, "redis: " + risk});
  }
}

// The first model that a task asks of each provider.
std::map<std::string, std::string> ModelsInUse(const model::Catalog& catalog) {
  std::map<std::string, std::string> models;
  for (const auto& [route, info] : catalog.models) models.emplace(route.provider, route.model);
  return models;
}

Finding Judge(const std::string& name, const std::string& base_url,
              const ports::HttpOutcome& outcome) {
  const std::string about = "providers." + name + ": ";
  if (const auto* failure = std::get_if<ports::TransportFailure>(&outcome)) {
    return {kError, about + "does not answer at " + base_url + ": " + failure->message};
  }
  const int status = std::get<ports::HttpResponse>(outcome).status;
  const std::string answers = "answers HTTP " + std::to_string(status);
  if (status == 401 || status == 403) return {kError, about + answers + ": the key is refused"};
  if (status == 404) {
    return {kError, about + answers + ": base_url or the model's name is wrong"};
  }
  if (status == 429 || status >= 500) return {kWarning, about + answers + " now"};
  if (status >= 300 && status < 400) {
    return {kError, about + answers + ": base_url leads elsewhere"};
  }
  return {kFine, about + "answers"};
}

void CheckProviders(const config::Config& config, Findings& findings) {
  runtime::Inbox inbox;
  auto client = http::Client::Start(EndpointsOf(config), inbox);
  if (!client) {
    findings.push_back({kError, client.error().message});
    return;
  }
  std::map<model::CallId, std::string> asked;
  std::vector<http::Command> commands;
  for (const auto& [name, model] : ModelsInUse(*config.catalog)) {
    const model::Provider& provider = config.catalog->providers.at(name);
    ports::HttpRequest request =
        providers::CodecFor(provider.api)->Encode({.model = model}, provider, kPatience);
    request.body = "{}";
    const model::CallId call{asked.size() + 1};
    asked.emplace(call, name);
    commands.emplace_back(ports::StartCall{.call = call, .request = std::move(request)});
  }
  (*client)->Execute(std::move(commands));
  while (!asked.empty()) {
    for (const ports::Event& event : inbox.WaitUntil(std::nullopt)) {
      const auto* completed = std::get_if<ports::CallCompleted>(&event);
      if (completed == nullptr) continue;
      const auto found = asked.find(completed->call);
      if (found == asked.end()) continue;
      const std::string& base_url = config.providers.at(found->second).base_url;
      findings.push_back(Judge(found->second, base_url, completed->outcome));
      asked.erase(found);
    }
  }
}

}  // namespace

std::vector<Finding> CheckOnline(const config::Config& config) {
  Findings findings;
  CheckKafka(config, findings);
  CheckRedis(config, findings);
  CheckProviders(config, findings);
  return findings;
}

}  // namespace llmbatch::daemon
