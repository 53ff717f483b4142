#include "sim/sim_provider.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "providers/price.h"
#include "tokens/estimator.h"

namespace llmbatch::sim {
namespace {

ports::HttpResponse Response(int status, std::string body) {
  return ports::HttpResponse{.status = status, .headers = {}, .body = std::move(body)};
}

std::string ErrorBody(const std::string& type, const std::string& code) {
  return R"({"error":{"message":"simulated","type":")" + type + R"(","param":null,"code":")" +
         code + R"("}})";
}

std::int64_t OutputTokens(const std::string& text) {
  return static_cast<std::int64_t>(text.size() / 4 + 1);
}

std::string Completion(const std::string& text, const std::string& finish_reason,
                       std::int64_t input_tokens) {
  json::Writer writer;
  writer.BeginObject().Key("id").String("sim").Key("choices").BeginArray().BeginObject();
  writer.Key("index").Int(0).Key("finish_reason").String(finish_reason);
  writer.Key("message")
      .BeginObject()
      .Key("role")
      .String("assistant")
      .Key("content")
      .String(text)
      .EndObject();
  writer.EndObject().EndArray();
  writer.Key("usage").BeginObject().Key("prompt_tokens").Int(input_tokens);
  writer.Key("completion_tokens").Int(OutputTokens(text)).EndObject();
  return writer.EndObject().Take();
}

// Tasks are known by their system texts.
std::string TaskOf(const std::string& body) {
  constexpr std::pair<const char*, const char*> kTasks[] = {
      {kFormSystem, "form"},       {kSortSystem, "sort"}, {kSameSystem, "same"},
      {kCompareSystem, "compare"}, {kAskSystem, "ask"},   {kJoinSystem, "join"},
      {kPlanSystem, "plan"}};
  for (const auto& [system, task] : kTasks) {
    if (body.find(system) != std::string::npos) return task;
  }
  return "label";
}

}  // namespace

void SimProvider::Execute(int replica, ports::Command& command) {
  if (auto* start = std::get_if<ports::StartCall>(&command)) {
    Start(replica, *start);
  } else if (auto* abort = std::get_if<ports::AbortCall>(&command)) {
    End(replica, abort->call,
        ports::TransportFailure{
            .fault = ports::TransportFault::kAborted, .maybe_processed = true, .message = {}},
        {});
  }
}

// Each provider has one.
std::string SimProvider::ModelOf(const std::string& provider) const {
  for (const auto& [route, model] : plan_.options.catalog->models) {
    if (route.provider == provider) return route.provider + "/" + route.model;
  }
  return provider;
}

void SimProvider::Start(int replica, ports::StartCall& command) {
  running_.emplace(std::pair(replica, command.call),
                   std::vector<std::string>{"provider:" + command.request.provider,
                                            "model:" + ModelOf(command.request.provider),
                                            "task:" + TaskOf(command.request.body)});
  ++in_flight_;
  ++calls_started_;
  const std::string provider = command.request.provider;
  const auto held = held_.find(provider);
  if (held != held_.end() && schedule_.now() >= held->second.from &&
      schedule_.now() < held->second.until)
    hold_broken_ = true;
  std::vector<std::string> keys;
  ports::HttpOutcome outcome = Respond(command.request.provider, command.request.body, keys);
  base::Duration duration = base::Duration(static_cast<std::int64_t>(
      static_cast<double>(plan_.provider_latency.count()) * (0.5 + rng_.Unit())));
  const auto* failure = std::get_if<ports::TransportFailure>(&outcome);
  if (failure != nullptr && failure->fault == ports::TransportFault::kTimeout)
    duration = command.request.timeout;
  schedule_.After(duration, [this, replica, provider, call = command.call,
                             outcome = std::move(outcome), keys]() mutable {
    if (running_.contains({replica, call})) NoteHold(provider, outcome);
    End(replica, call, std::move(outcome), keys);
  });
}

void SimProvider::NoteHold(const std::string& provider, const ports::HttpOutcome& outcome) {
  const auto* response = std::get_if<ports::HttpResponse>(&outcome);
  if (response == nullptr) return;
  for (const model::Header& header : response->headers) {
    if (header.name != "retry-after") continue;
    // So long it takes at the most until all replicas know.
    const base::Timestamp from = schedule_.now() + std::chrono::milliseconds(20);
    const base::Timestamp until = schedule_.now() + std::chrono::seconds(std::stol(header.value));
    Held& held = held_[provider];
    if (until <= held.until) continue;
    held = Held{.from = schedule_.now() < held.until ? held.from : from, .until = until};
  }
}

void SimProvider::End(int replica, model::CallId call, ports::HttpOutcome outcome,
                      const std::vector<std::string>& keys) {
  if (running_.erase({replica, call}) == 0) return;
  --in_flight_;
  for (const std::string& key : keys) ++answered_[key];
  deliver_(replica, ports::CallCompleted{.call = call, .outcome = std::move(outcome)});
}

std::int64_t SimProvider::InFlightOf(int replica) const {
  return std::count_if(running_.begin(), running_.end(),
                       [replica](const auto& each) { return each.first.first == replica; });
}

std::map<std::string, std::int64_t> SimProvider::InFlightByPool(const std::set<int>& but_of) const {
  std::map<std::string, std::int64_t> calls;
  for (const auto& [call, pools] : running_) {
    if (but_of.contains(call.first)) continue;
    for (const std::string& pool : pools) ++calls[pool];
  }
  return calls;
}

void SimProvider::Vanish(int replica) {
  in_flight_ -= static_cast<std::int64_t>(
      std::erase_if(running_, [replica](const auto& each) { return each.first.first == replica; }));
}

void SimProvider::Bill(const model::RouteEntry& route, std::int64_t input_tokens,
                       std::int64_t output_tokens) {
  const auto cost =
      providers::CostOf({.input_tokens = input_tokens, .output_tokens = output_tokens},
                        plan_.options.catalog->models.at(route).prices, model::kStandardTier, {});
  billed_ += cost.value_or(model::NanoUsd{}).nanos;
}

void SimProvider::Judge(const std::string& scope, const model::RateLimits& rates,
                        std::int64_t tokens) {
  // A second saved up, and what is booked or runs while figures are learnt: at each replica as many
  // calls as it holds permits, or two.
  const std::int64_t calls = 2 * plan_.permit_limit + 2 * plan_.replicas + 2;
  constexpr std::int64_t kMostTokensOfCall = 2'000;
  const auto [place, added] = judges_.try_emplace(
      scope, Judges{.requests = RateJudge(rates.requests_per_minute,
                                          calls + rates.requests_per_minute / 60),
                    .tokens = RateJudge(rates.tokens_per_minute,
                                        calls * kMostTokensOfCall + rates.tokens_per_minute / 60)});
  Judges& judges = place->second;
  if (!judges.requests.Take(1, schedule_.now())) rate_passed_ = true;
  if (!judges.tokens.Take(tokens, schedule_.now())) rate_passed_ = true;
}

// Of parts only the first ones are counted: others may have the same name.
SimProvider::Item SimProvider::AboutDocuments(json::Value input, const std::string& nonce) {
  Item item{.nonce = nonce, .key = {}, .text = {}, .member = "value"};
  const auto documents = input.Find("documents");
  const json::Value about = documents ? documents->At(0) : input;
  if (const auto text = about.Find("text")) item.text = std::string(text->AsString());
  const bool is_whole = !about.Find("parts") && !input.Find("answers");
  const auto name = about.Find(documents ? "document" : "id");
  if (is_whole && name && name->AsString().starts_with(kCounted))
    item.key = std::string(name->AsString());
  return item;
}

SimProvider::Item SimProvider::AboutUnits(json::Value input, const std::string& nonce) {
  Item item{.nonce = nonce, .key = std::string(input.Find("goal")->AsString()), .text = {}};
  item.member = "units";
  item.first_unit = *input.Find("first_unit")->AsInt64();
  item.last_unit = *input.Find("last_unit")->AsInt64();
  item.key += "." + std::to_string(item.first_unit);
  return item;
}

std::string SimProvider::NameOf(const Item& item) { return item.key.substr(0, item.key.find('.')); }

// Now and then fewer than were asked for. Each is written once: an answer is known by it.
void SimProvider::WriteUnits(json::Writer& writer, const Item& item) {
  std::int64_t last = item.last_unit;
  if (rng_.Chance(0.2))
    last -= static_cast<std::int64_t>(
        rng_.Below(static_cast<std::uint64_t>(last - item.first_unit + 1)));
  const std::string name = NameOf(item) + ".";
  writer.BeginArray();
  for (std::int64_t unit = item.first_unit; unit <= last; ++unit) {
    writer.BeginObject().Key("title");
    writer.String(name + std::to_string(unit) + " " + std::to_string(++units_written_));
    writer.EndObject();
  }
  writer.EndArray();
}

ports::HttpOutcome SimProvider::Respond(const std::string& provider, const std::string& body,
                                        std::vector<std::string>& answered_keys) {
  const auto request = json::Document::Parse(body);
  LLMBATCH_CHECK(request.ok());
  std::vector<Item> items;
  std::int64_t tokens = 0;
  const json::Value messages = *request->root().Find("messages");
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const std::string_view content = messages.At(i).Find("content")->AsString();
    tokens += tokens::EstimateTokens(content, tokens::Method::kClasses, tokens::Family::kO200k);
    if (i + 1 < messages.size()) continue;
    const auto array = json::Document::Parse(content);
    LLMBATCH_CHECK(array.ok());
    for (std::size_t k = 0; k < array->root().size(); ++k) {
      const json::Value item = array->root().At(k);
      const json::Value input = *item.Find("input");
      const std::string nonce(item.Find("id")->AsString());
      if (input.Find("first_unit")) {
        items.push_back(AboutUnits(input, nonce));
        continue;
      }
      const auto key = input.Find("key");
      if (input.Find("documents") || input.Find("answers") || input.Find("parts") ||
          (!key && input.Find("text"))) {
        items.push_back(AboutDocuments(input, nonce));
        continue;
      }
      if (!key) {
        const auto id = input.Find("id");
        const bool session = input.Find("transcript").has_value();
        items.push_back({.nonce = nonce,
                         .key = std::string(id ? id->AsString() : std::string_view()),
                         .text = {},
                         .member = !id       ? "groups"
                                   : session ? "generalIntent"
                                             : "value"});
        continue;
      }
      items.push_back({.nonce = nonce,
                       .key = std::string(key->AsString()),
                       .text = std::string(input.Find("text")->AsString())});
    }
  }
  const bool chosen = provider == kChosenProvider;
  for (Item& item : items) {
    if (item.key.starts_with(kPopularKey)) {
      // Several jobs have it; each route has an answer of its own.
      if (chosen) item.key += kChosenRoute;
    } else if (!item.key.empty()) {
      const bool chose = item.key.find(kChosenRoute) != std::string::npos;
      if (chose != chosen) route_broken_ = true;
    }
  }
  highest_items_ = std::max(highest_items_, static_cast<std::int64_t>(items.size()));
  highest_tokens_ = std::max(highest_tokens_, tokens);

  const model::RouteEntry route{.provider = provider,
                                .model = std::string(request->root().Find("model")->AsString())};
  const model::ModelInfo& model = plan_.options.catalog->models.at(route);
  const std::int64_t room = model.context_window_tokens -
                            request->root().Find("max_completion_tokens")->AsInt64().value_or(0);
  // An item alone may be anything.
  if (items.size() > 1 && tokens * 10 > room * 11) context_passed_ = true;
  Judge(provider, plan_.options.catalog->providers.at(provider).rates, tokens);
  Judge(provider + "/" + route.model, model.rates, tokens);

  if (rng_.Below(1000) < plan_.provider_errors) {
    had_faults_ = true;
    return Fail();
  }
  if (std::any_of(items.begin(), items.end(),
                  [](const Item& item) { return item.text.starts_with(kPoison); })) {
    return Response(400, ErrorBody("invalid_request_error", "content_filter"));
  }
  bool cut_off = false;
  const std::string text = Answer(items, answered_keys, cut_off);
  Bill(route, tokens, OutputTokens(text));
  return Response(200, Completion(text, cut_off ? "length" : "stop", tokens));
}

ports::HttpOutcome SimProvider::Fail() {
  using ports::TransportFailure;
  using ports::TransportFault;
  switch (rng_.Below(8)) {
    case 0: {
      ports::HttpResponse response = Response(429, ErrorBody("requests", "rate_limit_exceeded"));
      response.headers.push_back({.name = "retry-after", .value = std::to_string(rng_.Below(3))});
      return response;
    }
    case 1:
      return Response(429, ErrorBody("insufficient_quota", "insufficient_quota"));
    case 2:
      return Response(500, "");
    case 3:
      return Response(503, ErrorBody("server_error", "overloaded"));
    case 4:
      return TransportFailure{
          .fault = TransportFault::kTimeout, .maybe_processed = true, .message = "t"};
    case 5:
      return TransportFailure{
          .fault = TransportFault::kConnectionLost, .maybe_processed = true, .message = "l"};
    case 6:
      return Response(200, "{\"choices\":[]}");
    default:
      return TransportFailure{
          .fault = TransportFault::kConnect, .maybe_processed = false, .message = "c"};
  }
}

std::string SimProvider::Answer(const std::vector<Item>& items,
                                std::vector<std::string>& answered_keys, bool& cut_off) {
  const bool faulty = rng_.Below(1000) < plan_.bad_answers;
  const std::uint64_t fault = faulty ? rng_.Below(7) : 100;
  had_faults_ = had_faults_ || faulty;
  if (fault == 0) return "I am sorry, there is nothing to say.";
  json::Writer writer;
  writer.BeginObject().Key("results").BeginArray();
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (fault == 1 && rng_.Chance(0.5)) continue;              // missing
    const int times = fault == 2 && rng_.Chance(0.3) ? 2 : 1;  // doubled
    const bool wrong_type = fault == 3 && rng_.Chance(0.5);    // against the schema
    for (int k = 0; k < times; ++k) {
      writer.BeginObject().Key("id").String(items[i].nonce);
      writer.Key(items[i].member);
      if (wrong_type) {
        writer.Int(7);
      } else if (items[i].member == "groups") {
        writer.BeginArray().EndArray();
      } else if (items[i].member == "units") {
        WriteUnits(writer, items[i]);
      } else {
        writer.String(items[i].key);
      }
      writer.EndObject();
    }
    if (times == 1 && !wrong_type && fault != 5 && !items[i].key.empty())
      answered_keys.push_back(items[i].key);
  }
  if (fault == 4)
    writer.BeginObject().Key("id").String("0000").Key("label").String("foreign").EndObject();
  std::string text = writer.EndArray().EndObject().Take();
  if (fault == 5) {
    text.resize(static_cast<std::size_t>(rng_.Below(text.size())));
    cut_off = rng_.Chance(0.7);
    // Whether or not the answer says so.
    cut_off_.insert(NameOf(items.front()));
  }
  if (fault == 6) text = "Here you are:\n```json\n" + text + "\n```\nDone.";
  return text;
}

}  // namespace llmbatch::sim
