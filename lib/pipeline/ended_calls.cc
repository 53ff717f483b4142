// Calls, last part: what an answer or a failure means for the call's items, and what it cost.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "pipeline/calls.h"
#include "pipeline/observations.h"
#include "providers/codec.h"
#include "providers/price.h"

namespace llmbatch::pipeline {
namespace {

constexpr int kMostSharedTries = 2;

// A call that was served at another tier than it asked for is billed at that one.
std::optional<model::NanoUsd> CostOf(const Lane& lane, const std::optional<model::Usage>& usage,
                                     const std::string& tier, base::WallTime now) {
  if (!usage) return std::nullopt;
  return providers::CostOf(*usage, lane.model.prices, tier.empty() ? lane.tier : tier, now);
}

}  // namespace

Verdicts Calls::OnCompleted(const ports::CallCompleted& event, base::Now now,
                            ports::Commands& out) {
  Verdicts verdicts;
  const auto attempt = attempts_.find(event.call);
  if (attempt == attempts_.end()) return verdicts;
  Call& call = calls_.at(attempt->second);
  attempts_.erase(attempt);
  permits_.GiveBack(call.permit_class, now.steady);
  SetStage(call, Stage::kQueued);

  const auto* failure = std::get_if<ports::TransportFailure>(&event.outcome);
  if (failure != nullptr && failure->fault == ports::TransportFault::kAborted &&
      (stopped_ || IsOrphan(call))) {
    // We gave it up ourselves: nobody wants its items any more, or they are as open as they were,
    // and the next owner asks them.
    SettleLimits(call, {});
    NoteEnd(call, std::nullopt, {}, now.steady, out);
    Erase(call.id);
    return verdicts;
  }
  const Lane& lane = LaneOf(call);
  const providers::Codec* codec = providers::CodecFor(lane.provider.api);
  std::variant<providers::Completion, providers::CallFailure> decoded;
  if (const auto* response = std::get_if<ports::HttpResponse>(&event.outcome)) {
    decoded = codec->Decode(*response, now.wall);
    const providers::RateLimits told = codec->RateLimitsOf(*response, now.wall);
    ObserveRateLimits(lane.route, told, out);
    charging_.Correct(call, told);
  } else {
    decoded = providers::Classify(*failure);
  }
  if (const auto* completion = std::get_if<providers::Completion>(&decoded)) {
    ObserveCall(lane.route, "ok", now.steady - call.started, out);
    NoteEnd(call, admission::Breaker::Sign::kAnswers, {}, now.steady, out);
    TellLimit(call, *completion, now);
    const auto cost = CostOf(lane, completion->usage, completion->tier, now.wall);
    SettleLimits(call, {.usage = completion->usage, .cost = cost, .maybe_billed = true});
    Book(call, *completion, cost, out);
    OnAnswer(call, *completion, now, verdicts, out);
  } else {
    const auto& call_failure = std::get<providers::CallFailure>(decoded);
    ObserveCall(lane.route, providers::ToString(call_failure.cls), now.steady - call.started, out);
    EndFailed(call, call_failure, now, out);
    BookFailed(call, call_failure, now, out);
    OnFailure(call, call_failure, now, verdicts, out);
  }
  return verdicts;
}

void Calls::Book(const Call& call, const providers::Completion& completion,
                 const std::optional<model::NanoUsd>& cost, ports::Commands& out) {
  const Lane& lane = LaneOf(call);
  if (!completion.usage) {
    // What the call cost isn't known, so what its items cost isn't either.
    for (const model::RequestId id : call.requests) {
      if (const auto found = requests_.find(id); found != requests_.end())
        found->second.cost.reset();
    }
    ObserveUnknownCost(lane.route, out);
    return;
  }
  const auto items = static_cast<std::int64_t>(call.requests.size());
  call.recipe->ObserveAnswer(completion.usage->output_tokens, items);
  LaneOf(call).output.Observe(items, completion.usage->output_tokens);
  BookUsage(call, *completion.usage, cost, /*is_all=*/true, out);
}

void Calls::BookFailed(Call& call, const providers::CallFailure& failure, base::Now now,
                       ports::Commands& out) {
  const auto cost = CostOf(LaneOf(call), failure.usage, failure.tier, now.wall);
  // Without a whole report, what was expected counts for limits and caps.
  const bool is_all = failure.usage && !failure.usage_is_partial;
  SettleLimits(call, {.usage = is_all ? failure.usage : std::nullopt,
                      .cost = is_all ? cost : std::nullopt,
                      .maybe_billed = failure.maybe_billed});
  if (failure.maybe_billed && !is_all) {
    Doubt(call, failure.usage ? cost : model::NanoUsd{}, out);
  }
  if (failure.usage) {
    BookUsage(call, *failure.usage, cost, is_all, out);
  } else if (failure.prompt_tokens) {
    LearnRatio(call, *failure.prompt_tokens, out);
  }
}

std::vector<std::int64_t> Calls::WeightsOf(const Call& call) const {
  std::vector<std::int64_t> weights;
  weights.reserve(call.requests.size());
  for (const model::RequestId id : call.requests) {
    const auto found = requests_.find(id);
    weights.push_back(found == requests_.end() ? 0 : found->second.tokens);
  }
  return weights;
}

void Calls::Doubt(const Call& call, const std::optional<model::NanoUsd>& reported,
                  ports::Commands& out) {
  std::optional<model::NanoUsd> amount = charging_.MostOf(call);
  if (amount && reported) amount = std::max(*amount - *reported, model::NanoUsd{});
  ObserveDoubt(LaneOf(call).route, amount, out);
  ShareDoubt(call, amount);
}

void Calls::ShareDoubt(const Call& call, const std::optional<model::NanoUsd>& amount) {
  const auto shares = providers::ShareOut(amount.value_or(model::NanoUsd{}), WeightsOf(call));
  for (std::size_t i = 0; i < call.requests.size(); ++i) {
    const auto found = requests_.find(call.requests[i]);
    if (found == requests_.end()) continue;
    model::Add(found->second.cost_in_doubt, amount ? std::optional(shares[i]) : std::nullopt);
  }
}

void Calls::DoubtCallsOf(model::RequestId job) {
  for (const auto& [attempt, batch] : attempts_) {
    const Call& call = calls_.at(batch);
    const bool of_others =
        std::any_of(call.requests.begin(), call.requests.end(), [&](model::RequestId id) {
          const auto found = requests_.find(id);
          return found != requests_.end() && !(found->second.job && found->second.job->job == job);
        });
    if (!of_others) ShareDoubt(call, charging_.MostOf(call));
  }
}

void Calls::LearnRatio(const Call& call, std::int64_t input_tokens, ports::Commands& out) {
  Lane& lane = LaneOf(call);
  lane.calibration.Observe(call.estimated_tokens, input_tokens);
  ObserveRatio(lane.route, call.recipe->task().name, lane.calibration.ratio(), out);
}

void Calls::BookUsage(const Call& call, const model::Usage& usage,
                      const std::optional<model::NanoUsd>& cost, bool is_all,
                      ports::Commands& out) {
  LearnRatio(call, usage.input_tokens, out);
  ObserveUsage(LaneOf(call).route, usage, cost, out);

  const std::vector<std::int64_t> weights = WeightsOf(call);
  const std::vector<model::Usage> shares = providers::ShareOut(usage, weights);
  const std::vector<model::NanoUsd> costs =
      providers::ShareOut(cost.value_or(model::NanoUsd{}), weights);
  for (std::size_t i = 0; i < call.requests.size(); ++i) {
    const auto found = requests_.find(call.requests[i]);
    if (found == requests_.end()) continue;
    Request& request = found->second;
    request.usage += shares[i];
    if (cost && request.cost) {
      *request.cost += costs[i];
      if (is_all && request.job && request.job->cap) request.job->cap->Spend(costs[i]);
    } else {
      request.cost.reset();
    }
  }
}

void Calls::OnAnswer(Call& call, const providers::Completion& completion, base::Now now,
                     Verdicts& verdicts, ports::Commands& out) {
  call.usage = completion.usage;
  Reading reading = ReadCompletion(call, completion);
  ObserveReading(call, reading, out);
  if (reading.blocked) {
    OnRefused(call, model::ErrorCode::kContentFiltered, "the provider refused to answer", now,
              verdicts);
    return;
  }
  const bool answered =
      std::any_of(reading.items.begin(), reading.items.end(),
                  [](const ItemReading& item) { return item.output_json.has_value(); });
  if (reading.truncated && !answered && call.requests.size() > 1) {
    Split(call, model::ErrorCode::kAnswerTruncated, "the answer did not fit the output limit", now,
          verdicts);
    return;
  }
  call.answered = true;
  SettleItems(call, std::move(reading), now, verdicts, out);
}

void Calls::SettleItems(Call& call, Reading reading, base::Now now, Verdicts& verdicts,
                        ports::Commands& out) {
  const int max_answers = call.recipe->task().max_item_attempts;
  std::vector<model::RequestId> together;
  std::vector<model::RequestId> alone;
  for (std::size_t i = 0; i < call.requests.size(); ++i) {
    const auto found = requests_.find(call.requests[i]);
    if (found == requests_.end()) continue;
    Request& request = found->second;
    ItemReading& item = reading.items[i];
    if (item.output_json) {
      verdicts.push_back(Succeed(request, call, std::move(*item.output_json), reading, now.steady));
      continue;
    }
    if (request.abandoned) {
      abandoned_.push_back(request.id);
      continue;
    }
    ++request.answers_wanting;
    // Alone it would be cut off again: whoever asked makes it smaller.
    const bool too_long = request.alone && item.problem == model::ErrorCode::kAnswerTruncated;
    if (too_long || request.answers_wanting >= max_answers) {
      verdicts.push_back(Fail(request, call, item.problem, "no usable answer to this item",
                              request.answers_wanting));
    } else {
      // A neighbour may be what spoils the answer, or the item may spoil those of its neighbours:
      // it has two tries with others at the most, and the last one is made alone in any case.
      const bool is_suspect = request.answers_wanting >= kMostSharedTries;
      const bool is_last = request.answers_wanting + 1 >= max_answers;
      (is_suspect || is_last ? alone : together).push_back(request.id);
    }
  }
  const std::shared_ptr<Recipe> recipe = call.recipe;
  const std::size_t lane = call.lane;
  Erase(call.id);
  if (!together.empty() || !alone.empty()) {
    out.emplace_back(Observed(
        ports::Metric::kProviderRetries, static_cast<double>(together.size() + alone.size()),
        {recipe->lanes()[lane].route.provider, recipe->lanes()[lane].route.model, "item"}));
  }
  if (!together.empty())
    Begin({.recipe = recipe, .lane = lane, .requests = std::move(together)}, now.steady);
  for (const model::RequestId id : alone)
    Begin({.recipe = recipe, .lane = lane, .requests = {id}}, now.steady);
}

void Calls::OnFailure(Call& call, const providers::CallFailure& failure, base::Now now,
                      Verdicts& verdicts, ports::Commands& out) {
  const model::ErrorCode code = providers::ErrorCodeFor(failure.cls);
  if (failure.maybe_billed) {
    out.emplace_back(Observed(
        ports::Metric::kCallsRepeated, 1,
        {failure.cls == providers::FailureClass::kTimeout ? "timeout" : "connection_lost"}));
  }
  Prune(call, now, verdicts);
  if (call.requests.empty()) return Erase(call.id);
  switch (providers::ActionFor(failure.cls)) {
    case providers::Action::kRetry:
      RetryLater(call, failure, now, verdicts, out);
      return;
    case providers::Action::kSplit:
      if (failure.cls != providers::FailureClass::kContextTooLong)
        return OnRefused(call, code, failure.message, now, verdicts);
      if (call.requests.size() == 1 && MoveToRoomier(call, now.steady)) return;
      Split(call, code, failure.message, now, verdicts);
      return;
    case providers::Action::kFail:
      GiveUp(call, code, failure.message, now, verdicts);
      return;
    case providers::Action::kHold:
      break;
  }
  if (call.lane + 1 < call.recipe->lanes().size()) {
    GiveUp(call, code, failure.message, now, verdicts);
  } else {
    Enqueue(call, now.steady);
  }
}

void Calls::RetryLater(Call& call, const providers::CallFailure& failure, base::Now now,
                       Verdicts& verdicts, ports::Commands& out) {
  if (call.uses_up_attempt) ++call.attempts;
  if (call.attempts >= call.recipe->task().max_attempts) {
    GiveUp(call, providers::ErrorCodeFor(failure.cls), failure.message, now, verdicts);
    return;
  }
  const Lane& lane = LaneOf(call);
  out.emplace_back(Observed(
      ports::Metric::kProviderRetries, 1,
      {lane.route.provider, lane.route.model, std::string(providers::ToString(failure.cls))}));
  const base::Duration delay = admission::NextDelay(options_.backoff, call.attempts, rng_);
  const base::Timestamp held_until = queue_.HeldUntil(call, now.steady).value_or(now.steady);
  BackOff(call, held_until + delay);
}

void Calls::Split(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
                  Verdicts& verdicts) {
  Prune(call, now, verdicts);
  if (call.requests.size() <= 1) {
    for (const model::RequestId id : call.requests) {
      verdicts.push_back(Fail(requests_.at(id), call, code, message, call.attempts + 1));
    }
    Erase(call.id);
    return;
  }
  const auto middle = call.requests.begin() + static_cast<std::ptrdiff_t>(call.requests.size() / 2);
  BatchPlan first{
      .recipe = call.recipe, .lane = call.lane, .requests = {call.requests.begin(), middle}};
  BatchPlan second{
      .recipe = call.recipe, .lane = call.lane, .requests = {middle, call.requests.end()}};
  Erase(call.id);
  Begin(std::move(first), now.steady);
  Begin(std::move(second), now.steady);
}

void Calls::OnRefused(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
                      Verdicts& verdicts) {
  Prune(call, now, verdicts);
  if (call.requests.size() != 1) return Split(call, code, message, now, verdicts);
  ++call.attempts;
  GiveUp(call, code, message, now, verdicts);
}

void Calls::GiveUp(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
                   Verdicts& verdicts) {
  Prune(call, now, verdicts);
  if (call.lane + 1 < call.recipe->lanes().size() && !call.requests.empty()) {
    ++call.lane;
    call.attempts = 0;
    Enqueue(call, now.steady);
    return;
  }
  for (const model::RequestId id : call.requests) {
    verdicts.push_back(Fail(requests_.at(id), call, code, message, std::max(1, call.attempts)));
  }
  Erase(call.id);
}

Verdict Calls::Fail(const Request& request, const Call& call, model::ErrorCode code,
                    std::string_view message, int attempts) const {
  const std::string& fallback = call.recipe->task().fallback_json;
  Verdict verdict{.request = request.id, .outcome = {}, .queued = call.started - request.arrived};
  model::ItemOutcome& outcome = verdict.outcome;
  outcome.status = fallback.empty() ? model::ResultStatus::kError : model::ResultStatus::kFallback;
  outcome.output_json = fallback;
  outcome.error = model::ItemError{.code = code,
                                   .message = std::string(message),
                                   .retryable = model::IsRetryable(code),
                                   .attempts = attempts};
  outcome.model = ModelName(LaneOf(call));
  outcome.batch_id = call.batch_name;
  outcome.usage = request.usage;
  outcome.cost = request.cost;
  outcome.cost_in_doubt = request.cost_in_doubt;
  verdict.queued = std::max(base::Duration::zero(), verdict.queued);
  return verdict;
}

Verdict Calls::Succeed(const Request& request, const Call& call, std::string output,
                       const Reading& reading, base::Timestamp now) const {
  Verdict verdict{.request = request.id, .outcome = {}, .queued = call.started - request.arrived};
  model::ItemOutcome& outcome = verdict.outcome;
  outcome.status = model::ResultStatus::kOk;
  outcome.output_json = std::move(output);
  outcome.model = ModelName(LaneOf(call));
  outcome.batch_id = call.batch_name;
  outcome.usage = request.usage;
  outcome.cost = request.cost;
  outcome.cost_in_doubt = request.cost_in_doubt;
  outcome.duration = now - call.started;
  if (reading.repair != "none") outcome.repair = reading.repair;
  outcome.repair_edits = static_cast<std::int64_t>(reading.edits.total());
  return verdict;
}

}  // namespace llmbatch::pipeline
