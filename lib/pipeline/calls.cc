#include "pipeline/calls.h"

#include <algorithm>
#include <string_view>

#include "base/check.h"
#include "pipeline/observations.h"
#include "providers/codec.h"

namespace llmbatch::pipeline {
namespace {

constexpr base::Duration kOverdueCheckInterval = std::chrono::seconds(1);

std::string DrawNonce(base::Rng& rng) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string nonce(16, '0');
  std::uint64_t bits = rng.Uint64();
  for (char& digit : nonce) {
    digit = kDigits[bits & 0xFU];
    bits >>= 4U;
  }
  return nonce;
}

}  // namespace

Calls::Calls(const Options& options, RequestTable& requests, base::Rng& rng)
    : options_(options),
      requests_(requests),
      rng_(rng),
      permits_(options.permits),
      queue_({.probe_interval = options.probe_interval}),
      limits_(options.call_limits),
      charging_(options, limits_),
      holds_(options.backoff) {
  SetPools(*options.catalog, options.permits.limit);
}

Call& Calls::NewCall(BatchPlan plan, base::Timestamp now) {
  const model::BatchId id = batch_ids_.Next();
  Call call;
  call.id = id;
  call.batch_name = options_.start_id + "-" + std::to_string(id.value);
  call.recipe = std::move(plan.recipe);
  call.lane = call.planned_for = plan.lane;
  call.attempts = plan.attempts;
  call.requests = std::move(plan.requests);
  call.created = now;
  std::erase_if(call.requests,
                [this](model::RequestId request) { return !requests_.contains(request); });
  for (const model::RequestId request : call.requests) {
    const auto found = requests_.find(request);
    call.urgent = call.urgent || found->second.item.real_time;
    call.priority = std::max(call.priority, found->second.item.priority);
    const auto& deadline = found->second.item.deadline;
    if (deadline) call.due = std::min(call.due.value_or(*deadline), *deadline);
  }
  call.of_jobs = std::any_of(call.requests.begin(), call.requests.end(), [this](auto request) {
    return requests_.at(request).job.has_value();
  });
  TakeTurn(call);
  return calls_.emplace(id, std::move(call)).first->second;
}

void Calls::Begin(BatchPlan plan, base::Timestamp now) {
  if (stopped_) return;
  Call& call = NewCall(std::move(plan), now);
  if (call.requests.empty()) return Erase(call.id);
  Note(call, jobs::BatchStatus::kPending);
  Enqueue(call, now);
}

void Calls::Note(const Call& call, jobs::BatchStatus status) {
  if (!call.of_jobs) return;
  jobs::BatchNews news{.batch_id = call.batch_name,
                       .status = status,
                       .model = ModelName(LaneOf(call)),
                       .members = {},
                       .usage = call.usage};
  for (const model::RequestId id : call.requests) {
    const auto found = requests_.find(id);
    if (found != requests_.end() && found->second.job)
      news.members.push_back({found->second.job->job, found->second.item.id});
  }
  batch_news_.push_back(std::move(news));
}

void Calls::BackOff(Call& call, base::Timestamp until) {
  call.state = CallState::kBackingOff;
  call.not_before = until;
  backing_off_.emplace(until, call.id);
  Note(call, jobs::BatchStatus::kPending);
}

void Calls::Erase(model::BatchId id) {
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;
  Note(found->second,
       found->second.answered ? jobs::BatchStatus::kCompleted : jobs::BatchStatus::kFailed);
  ForgetUsers(found->second);
  calls_.erase(found);
}

void Calls::Prune(Call& call, base::Now now, Verdicts& verdicts) {
  std::erase_if(call.requests, [&](model::RequestId id) {
    const auto found = requests_.find(id);
    if (found == requests_.end()) return true;
    const Request& request = found->second;
    if (request.abandoned) {
      abandoned_.push_back(id);
      return true;
    }
    if (!request.item.deadline || *request.item.deadline > now.wall) return false;
    verdicts.push_back(Fail(request, call, model::ErrorCode::kDeadlineExceeded,
                            "the item's deadline passed before it was answered", call.attempts));
    return true;
  });
}

void Calls::SetStage(const Call& call, Stage stage) {
  for (const model::RequestId id : call.requests) {
    if (const auto found = requests_.find(id); found != requests_.end())
      found->second.stage = stage;
  }
}

void Calls::MarkSent(const Call& call, ports::Commands& out) const {
  ports::MarkSent mark{.keys = {},
                       .call = call.batch_name + "/" + std::to_string(call.attempt.value),
                       .claim_ttl = options_.ledger_ttl};
  mark.keys.reserve(call.requests.size());
  for (const model::RequestId id : call.requests) mark.keys.push_back(ClaimKey(requests_.at(id)));
  out.emplace_back(std::move(mark));
}

bool Calls::TryStart(Call& call, base::Now now, Verdicts& verdicts, ports::Commands& out) {
  Prune(call, now, verdicts);
  if (call.planned_for != call.lane && !FitToLane(call, now.steady)) return false;
  KeepWithinCaps(call, verdicts);
  if (call.requests.empty()) return false;

  const Lane& lane = LaneOf(call);
  const model::Task& task = call.recipe->task();
  call.nonces.clear();
  const Request& first = requests_.at(call.requests.front());
  call.estimated_tokens = lane.planner.fixed_tokens() + first.context_tokens;
  std::vector<batching::PromptItem> items;
  items.reserve(call.requests.size());
  for (std::size_t i = 0; i < call.requests.size(); ++i) call.nonces.push_back(DrawNonce(rng_));
  std::set<model::RequestId> jobs;
  for (std::size_t i = 0; i < call.requests.size(); ++i) {
    const Request& request = requests_.at(call.requests[i]);
    call.estimated_tokens += request.tokens;
    if (request.job) jobs.insert(request.job->job);
    items.push_back({.nonce = call.nonces[i], .input = &request.item.input});
  }
  std::vector<providers::Message> messages;
  for (const model::Turn& turn : first.history) {
    const bool by_model = turn.speaker == model::Speaker::kModel;
    messages.push_back({.role = by_model ? providers::Role::kAssistant : providers::Role::kUser,
                        .text = turn.text});
  }
  batching::Prompt prompt = call.recipe->prompt_template().Render(
      items, first.company ? std::string_view(first.company->context_json) : std::string_view());
  messages.push_back({.role = providers::Role::kUser, .text = std::move(prompt.user)});
  providers::ChatRequest chat{.model = lane.route.model,
                              .system = std::move(prompt.system),
                              .messages = std::move(messages),
                              .max_output_tokens = lane.OutputLimit(task),
                              .response_schema_json = call.recipe->answer_schema_json(),
                              .parameters_json = task.ParametersFor(lane.route)};
  const auto stream_above = lane.model.stream_above_output_tokens
                                ? lane.model.stream_above_output_tokens
                                : lane.provider.stream_above_output_tokens;
  chat.stream = stream_above && chat.max_output_tokens > *stream_above;
  const providers::Codec* codec = providers::CodecFor(lane.provider.api);
  LLMBATCH_CHECK(codec != nullptr);
  ports::HttpRequest http = codec->Encode(chat, lane.provider, task.timeout);
  if (chat.stream) http.idle_timeout = lane.provider.stream_idle_timeout;
  call.state = CallState::kInFlight;
  call.attempt = call_ids_.Next();
  call.aborted = false;
  call.started = now.steady;
  call.limit_version = permits_.LimitVersion(call.permit_class);
  attempts_.emplace(call.attempt, call.id);
  jobs_called_.insert(jobs_called_.end(), jobs.begin(), jobs.end());
  NoteStart(call, out);
  turns_.OnServed(call.turn);
  if (limits_.NeedsOf(call.id) != nullptr) limits_.OnStarted(call.id);
  SetStage(call, Stage::kInFlight);
  Note(call, jobs::BatchStatus::kInProgress);
  MarkSent(call, out);
  out.emplace_back(ports::StartCall{.call = call.attempt, .request = std::move(http)});
  return true;
}

bool Calls::WaitsForProvider(const Call& call, base::Timestamp now) const {
  if (call.state == CallState::kBackingOff) return true;
  return call.state == CallState::kWaitingForPermit && queue_.IsShutOut(call, now);
}

void Calls::EndOverdue(base::Now now, Verdicts& verdicts) {
  if (now.steady < next_overdue_check_) return;
  next_overdue_check_ = now.steady + kOverdueCheckInterval;
  // Thousands may be waiting: their items are looked at only if there can be something to see.
  const bool some_abandoned = std::exchange(some_abandoned_, false);
  std::vector<model::BatchId> ended;
  for (auto& [id, call] : calls_) {
    if (call.state == CallState::kInFlight) continue;
    if (some_abandoned || call.due) Prune(call, now, verdicts);
    const bool waited_too_long =
        now.steady >= call.created + options_.max_wait && WaitsForProvider(call, now.steady);
    if (!waited_too_long && !call.requests.empty()) continue;
    Prune(call, now, verdicts);
    for (const model::RequestId request : call.requests) {
      verdicts.push_back(Fail(requests_.at(request), call, model::ErrorCode::kProviderUnavailable,
                              "no provider of the route could be asked within max_wait",
                              call.attempts));
    }
    ended.push_back(id);
  }
  for (const model::BatchId id : ended) {
    Call& call = calls_.at(id);
    if (call.state == CallState::kBackingOff) backing_off_.erase({call.not_before, id});
    StopWaiting(call);
    Erase(id);
  }
}

Verdicts Calls::Advance(base::Now now, ports::Commands& out) {
  Verdicts verdicts;
  while (!backing_off_.empty() && backing_off_.begin()->first <= now.steady) {
    Call& call = calls_.at(backing_off_.begin()->second);
    backing_off_.erase(backing_off_.begin());
    Enqueue(call, now.steady);
  }
  EndOverdue(now, verdicts);
  limits_.SetDate(now.wall);
  EndExhausted(now, verdicts);
  LetBookedGo(now.steady);
  const auto has_permit = [&](CallQueue::PermitClass id) {
    return permits_.MayTake(id, now.steady);
  };
  while (!stopped_) {
    const auto order = queue_.Pop(now.steady, has_permit);
    if (!order) break;
    Call& call = calls_.at(order->id);
    call.turn = order->turn;
    const bool taken = permits_.TryTake(call.permit_class, now.steady);
    LLMBATCH_CHECK(taken);
    if (TryStart(call, now, verdicts, out)) {
      out.emplace_back(Observed(ports::Metric::kPermitWaitSeconds,
                                base::ToSeconds(now.steady - call.waiting_since)));
    } else {
      permits_.GiveBack(call.permit_class, now.steady);
      limits_.Remove(order->id);
      Erase(order->id);
      for (BatchPlan& plan : std::exchange(divided_, {})) Begin(std::move(plan), now.steady);
    }
  }
  BeginPostponed(now.steady);
  permits_.SetUsers(weight_of_users_);
  permits_.SetWanted(stopped_ ? std::map<CallQueue::PermitClass, admission::PermitKeeper::Wish>()
                              : queue_.Startable(now.steady));
  if (auto sync = permits_.NextSync(sync_ids_.Next(), now.steady))
    out.emplace_back(*std::move(sync));
  BookLimits(now.steady, out);
  return verdicts;
}

std::optional<base::Timestamp> Calls::Deadline(base::Timestamp now) const {
  std::optional<base::Timestamp> deadline = permits_.Deadline();
  const auto consider = [&deadline](std::optional<base::Timestamp> other) {
    if (other) deadline = deadline ? std::min(*deadline, *other) : other;
  };
  consider(queue_.Deadline(now));
  consider(limits_.Deadline(now));
  if (!backing_off_.empty()) consider(backing_off_.begin()->first);
  if (calls_.size() > attempts_.size()) consider(next_overdue_check_);
  return deadline;
}

void Calls::StopStarting() {
  stopped_ = true;
  for (auto it = calls_.begin(); it != calls_.end();) {
    if (it->second.state == CallState::kInFlight) {
      ++it;
      continue;
    }
    StopWaiting(it->second);
    ForgetUsers(it->second);
    it = calls_.erase(it);
  }
  backing_off_.clear();
}

void Calls::AbortAll(ports::Commands& out) {
  for (const auto& [attempt, batch] : attempts_)
    out.emplace_back(ports::AbortCall{.call = attempt});
}

bool Calls::IsOrphan(const Call& call) const {
  return std::none_of(call.requests.begin(), call.requests.end(),
                      [this](model::RequestId id) { return requests_.contains(id); });
}

void Calls::AbortOrphans(ports::Commands& out) {
  some_abandoned_ = true;
  std::vector<model::CallId> orphans;
  for (const auto& [attempt, batch] : attempts_) {
    const Call& call = calls_.at(batch);
    if (!call.aborted && IsOrphan(call)) orphans.push_back(attempt);
  }
  std::sort(orphans.begin(), orphans.end());
  for (const model::CallId attempt : orphans) {
    Call& call = calls_.at(attempts_.at(attempt));
    call.aborted = true;
    out.emplace_back(ports::AbortCall{.call = attempt});
    out.emplace_back(Observed(ports::Metric::kCallsCancelled, 1,
                              {LaneOf(call).route.provider, LaneOf(call).route.model}));
    ObserveDoubt(LaneOf(call).route, charging_.MostOf(call), out);
  }
}

std::int64_t Calls::Count(CallState state) const {
  switch (state) {
    case CallState::kWaitingForLimit:
      return limits_.waiting();
    case CallState::kInFlight:
      return static_cast<std::int64_t>(attempts_.size());
    case CallState::kBackingOff:
      return static_cast<std::int64_t>(backing_off_.size());
    case CallState::kWaitingForPermit:
      return static_cast<std::int64_t>(queue_.size());
  }
  return 0;
}

}  // namespace llmbatch::pipeline
