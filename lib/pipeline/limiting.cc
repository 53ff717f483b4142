// Calls, second part: limits that a call is booked with before it waits for a permit.
#include <algorithm>
#include <string>

#include "pipeline/calls.h"
#include "pipeline/observations.h"

namespace llmbatch::pipeline {
namespace {

// So many calls may be booked and wait for a permit, as there are permits, so that none is idle.
constexpr std::int64_t kLeastAhead = 2;

}  // namespace

void Calls::TakeTurn(Call& call) {
  std::map<std::string, std::int64_t> tokens;  // by user
  for (const model::RequestId id : call.requests) {
    const Request& request = requests_.at(id);
    tokens[request.item.user_id] += request.tokens;
  }
  const auto& weights = options_.catalog->user_weights;
  std::vector<admission::FairTurns::Part> parts;
  for (const auto& [user, amount] : tokens) {
    const auto weight = weights.find(user);
    parts.push_back({.user = call.recipe->task().name + " " + user,
                     .amount = amount,
                     .weight = weight == weights.end() ? 1 : weight->second});
  }
  call.turn = turns_.Next(parts);
  for (auto& [user, amount, weight] : parts) {
    WaitingUser& waiting = users_[user];
    if (waiting.calls++ == 0) {
      waiting.number = ++last_user_number_;
      waiting.weight = weight;
      weight_of_users_ += weight;
    }
    call.only_user = parts.size() == 1 ? waiting.number : 0;
    call.users.push_back(std::move(user));
  }
}

void Calls::ForgetUsers(const Call& call) {
  for (const std::string& user : call.users) {
    const auto waiting = users_.find(user);
    if (--waiting->second.calls > 0) continue;
    weight_of_users_ -= waiting->second.weight;
    users_.erase(waiting);
  }
}

void Calls::Enqueue(Call& call, base::Timestamp now) {
  call.waiting_since = now;
  ChooseLane(call, now);
  WaitForLimits(call, now);
}

void Calls::WaitForLimits(Call& call, base::Timestamp now) {
  auto needs = charging_.NeedsOf(call, requests_);
  if (needs.empty()) return WaitForPermit(call, now);
  call.state = CallState::kWaitingForLimit;
  const model::RouteEntry& route = LaneOf(call).route;
  limits_.Push(OrderOf(call), route.provider + "/" + route.model,
               charging_.GroupOf(call, requests_), std::move(needs));
}

void Calls::WaitForPermit(Call& call, base::Timestamp now) {
  call.state = CallState::kWaitingForPermit;
  call.waiting_since = now;
  call.permit_class = PermitClassOf(call);
  queue_.Push(call);
}

void Calls::StopWaiting(const Call& call) {
  if (call.state == CallState::kWaitingForPermit) queue_.Remove(call);
  limits_.Remove(call.id);
}

void Calls::LetBookedGo(base::Timestamp now) {
  for (const model::BatchId id : limits_.TakeReady(now)) WaitForPermit(calls_.at(id), now);
}

void Calls::BookLimits(base::Timestamp now, ports::Commands& out) {
  const std::int64_t ahead = std::max(kLeastAhead, permits_.held());
  if (auto command = limits_.Next(reserve_ids_.Next(), ahead, now)) {
    out.emplace_back(*std::move(command));
  }
}

void Calls::SettleLimits(Call& call, const CallUse& use) {
  ReleaseCaps(call, use);
  const auto* needs = limits_.NeedsOf(call.id);
  if (needs != nullptr) limits_.Settle(call.id, charging_.UsedOf(call, *needs, use));
}

void Calls::OnReserved(const ports::CallsReserved& event, base::Timestamp now) {
  limits_.OnReserved(event, permits_.live_replicas(), now);
}

void Calls::OnSynced(const ports::PermitsSynced& event, base::Timestamp now) {
  permits_.OnSynced(event, now);
  if (!event.outcome) return;
  for (const ports::RouteHold& hold : event.outcome->holds) OnHeld(hold, now);
}

void Calls::OnHeld(const ports::RouteHold& hold, base::Timestamp now) {
  if (ports::IsBreaker(hold)) return OnBreakerTold(hold, now);
  holds_.OnTold(hold, now);
  queue_.Hold({.provider = hold.provider, .model = hold.model}, now + hold.left);
}

bool Calls::HoldRouteOf(const Call& call, const providers::CallFailure& failure, base::Now now,
                        ports::Commands& out) {
  using Cure = admission::HoldKeeper::Cure;
  const bool adaptive = IsAdaptive(call);
  const bool limited = failure.cls == providers::FailureClass::kRateLimited ||
                       (adaptive && failure.cls == providers::FailureClass::kOverloaded);
  if (!limited && !failure.retry_after) return true;
  const model::RouteEntry& route = LaneOf(call).route;
  auto refusal = holds_.OnRefused(route, call.started, failure.retry_after,
                                  adaptive ? Cure::kLowerLimit : Cure::kTime, now.steady, rng_);
  const base::Timestamp held_until = now.steady + refusal.hold.left;
  queue_.Hold(route, held_until);
  if (limited) {
    permits_.OnRefused(call.permit_class, call.limit_version, call.started, held_until);
  }
  if (refusal.new_burst) {
    out.emplace_back(Observed(ports::Metric::kRefusalBursts, 1, {route.provider, route.model}));
  }
  if (refusal.longer) out.emplace_back(ports::HoldRoute{std::move(refusal.hold)});
  return refusal.new_burst;
}

}  // namespace llmbatch::pipeline
