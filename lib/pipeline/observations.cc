#include "pipeline/observations.h"

#include <initializer_list>
#include <utility>

#include "base/result.h"
#include "providers/failure.h"
#include "workflows/registry.h"

namespace llmbatch::pipeline {
namespace {

using ports::Metric;

constexpr double kNanosPerUsd = 1e9;

void Add(ports::Commands& out, Metric metric, double value, const model::RouteEntry& route,
         std::string_view third) {
  out.emplace_back(Observed(metric, value, {route.provider, route.model, std::string(third)}));
}

}  // namespace

ports::Observe Observed(Metric metric, double value,
                        std::array<std::string, ports::kMaxLabels> labels) {
  return ports::Observe{.metric = metric, .value = value, .labels = std::move(labels)};
}

void ObserveNoFailures(const model::Catalog& catalog, ports::Commands& out) {
  const auto none = [&out](Metric metric, std::initializer_list<std::string_view> labels) {
    for (const std::string_view label : labels) {
      out.emplace_back(Observed(metric, 0, {std::string(label)}));
    }
  };
  none(Metric::kRecords, {"item", "job", "malformed"});
  none(Metric::kLedgerFailures, {"look_up", "store"});
  none(Metric::kCommits, {"ok", "failed"});
  out.emplace_back(Observed(Metric::kPermitsLearnt, 0));
  none(Metric::kCallsRepeated, {"in_doubt", "timeout", "connection_lost"});
  none(Metric::kConfigReloads, {"ok", "refused"});
  for (const std::string_view workflow : workflows::Names()) {
    using enum model::JobStatus;
    for (const model::JobStatus end : {kCompleted, kFailed, kCancelled}) {
      out.emplace_back(
          Observed(Metric::kJobs, 0, {std::string(workflow), std::string(model::ToString(end))}));
    }
  }
  using base::ErrorKind;
  for (const ErrorKind kind : {ErrorKind::kTooLarge, ErrorKind::kUnavailable, ErrorKind::kTimeout,
                               ErrorKind::kDenied, ErrorKind::kInternal}) {
    none(Metric::kPublishFailures, {base::ToString(kind)});
  }
  using enum providers::FailureClass;
  for (const auto& [route, model] : catalog.models) {
    Add(out, Metric::kProviderRequests, 0, route, "ok");
    for (const providers::FailureClass failure :
         {kRateLimited, kQuotaExhausted, kOverloaded, kAuth, kTransport, kTimeout, kProtocol}) {
      Add(out, Metric::kProviderRequests, 0, route, providers::ToString(failure));
    }
    Add(out, Metric::kCostUnknown, 0, route, "");
  }
}

void ObserveCall(const model::RouteEntry& route, std::string_view outcome, base::Duration duration,
                 ports::Commands& out) {
  Add(out, Metric::kProviderRequests, 1, route, outcome);
  Add(out, Metric::kCallSeconds, base::ToSeconds(duration), route, outcome);
}

void ObserveUsage(const model::RouteEntry& route, const model::Usage& usage,
                  std::optional<model::NanoUsd> cost, ports::Commands& out) {
  const std::array<std::pair<std::string_view, std::int64_t>, 5> types{{
      {"input", usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens},
      {"cached", usage.cached_input_tokens},
      {"cache_write", usage.cache_write_tokens},
      {"output", usage.output_tokens - usage.reasoning_tokens},
      {"reasoning", usage.reasoning_tokens},
  }};
  for (const auto& [type, tokens] : types) {
    if (tokens > 0) Add(out, Metric::kTokens, static_cast<double>(tokens), route, type);
  }
  Add(out, Metric::kTokenUsage, static_cast<double>(usage.input_tokens), route, "input");
  Add(out, Metric::kTokenUsage, static_cast<double>(usage.output_tokens), route, "output");
  if (cost) {
    Add(out, Metric::kCostUsd, static_cast<double>(cost->nanos) / kNanosPerUsd, route, "");
  } else {
    ObserveUnknownCost(route, out);
  }
}

void ObserveRatio(const model::RouteEntry& route, std::string_view task, double ratio,
                  ports::Commands& out) {
  Add(out, Metric::kEstimateRatio, ratio, route, task);
}

void ObserveUnknownCost(const model::RouteEntry& route, ports::Commands& out) {
  Add(out, Metric::kCostUnknown, 1, route, "");
}

void ObserveDoubt(const model::RouteEntry& route, const std::optional<model::NanoUsd>& amount,
                  ports::Commands& out) {
  if (!amount) return;
  Add(out, Metric::kCostInDoubtUsd, static_cast<double>(amount->nanos) / kNanosPerUsd, route, "");
}

void ObserveRateLimits(const model::RouteEntry& route, const providers::RateLimits& limits,
                       ports::Commands& out) {
  const auto tell = [&](const providers::RateLimits::Window& window, std::string_view kind) {
    if (window.remaining) {
      Add(out, Metric::kRateLimitRemaining, static_cast<double>(*window.remaining), route, kind);
    }
  };
  tell(limits.requests, "requests");
  tell(limits.tokens, "tokens");
}

void ObserveAdaptiveChange(const std::string& pool, ports::AdaptiveChange last,
                           ports::Commands& out) {
  using Change = ports::AdaptiveChange;
  for (const Change change :
       {Change::kStart, Change::kGrowth, Change::kRefusal, Change::kLatency}) {
    out.emplace_back(Observed(Metric::kAdaptiveChange, change == last ? 1 : 0,
                              {pool, std::string(ports::ToString(change))}));
  }
}

void ObserveReading(const Call& call, const Reading& reading, ports::Commands& out) {
  const std::string& task = call.recipe->task().name;
  if (reading.repair != "none")
    out.emplace_back(Observed(Metric::kAnswerRepairs, 1, {task, reading.repair}));
  for (std::size_t i = 0; i < answers::kEditKinds; ++i) {
    const auto kind = static_cast<answers::EditKind>(i);
    const std::size_t times = reading.edits.Of(kind);
    if (times == 0) continue;
    out.emplace_back(Observed(Metric::kAnswerEdits, static_cast<double>(times),
                              {task, std::string(answers::ToString(kind))}));
  }
  if (reading.foreign_ids > 0) {
    out.emplace_back(Observed(Metric::kAnswerProblems, reading.foreign_ids, {task, "foreign_id"}));
  }
  if (reading.blocked) {
    out.emplace_back(Observed(Metric::kAnswerProblems, 1, {task, "blocked"}));
    return;
  }
  for (const ItemReading& item : reading.items) {
    if (item.output_json) continue;
    out.emplace_back(
        Observed(Metric::kAnswerProblems, 1, {task, std::string(model::ToString(item.problem))}));
  }
}

}  // namespace llmbatch::pipeline
