#include "pipeline/call_queue.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::pipeline {

std::string_view ToString(CallState state) {
  switch (state) {
    case CallState::kWaitingForLimit:
      return "waiting_for_limit";
    case CallState::kWaitingForPermit:
      return "waiting_for_permit";
    case CallState::kInFlight:
      return "in_flight";
    case CallState::kBackingOff:
      return "backing_off";
  }
  return "waiting_for_permit";
}

admission::CallOrder OrderOf(const Call& call) {
  return {.not_urgent = !call.urgent,
          .negated_priority = -call.priority,
          .turn = call.turn,
          .id = call.id,
          .created = call.created,
          .user = call.only_user,
          .due = call.due};
}

CallQueue::Provider& CallQueue::ProviderNamed(const std::string& name) {
  return providers_.try_emplace(name, breaker_).first->second;
}

CallQueue::Provider& CallQueue::ProviderOf(const Call& call) {
  const model::Provider& options = LaneOf(call).provider;
  Provider& provider = ProviderNamed(options.name);
  // One that is known may have been changed since the recipe was made.
  if (provider.concurrency == 0) provider.concurrency = options.concurrency;
  return provider;
}

void CallQueue::SetProviders(const std::map<std::string, model::Provider>& providers) {
  for (const auto& [name, options] : providers) {
    ProviderNamed(name).concurrency = options.concurrency;
  }
}

CallQueue::Gate& CallQueue::GateOf(const Call& call) {
  return ProviderOf(call).gates[LaneOf(call).route.model];
}

std::int64_t CallQueue::Gate::size() const {
  std::size_t size = 0;
  for (const auto& [id, calls] : waiting) size += calls.size();
  return static_cast<std::int64_t>(size);
}

void CallQueue::Push(const Call& call) {
  const bool added = GateOf(call).waiting[call.permit_class].Push(OrderOf(call));
  LLMBATCH_CHECK(added);
  ++size_;
}

void CallQueue::Remove(const Call& call) {
  if (GateOf(call).waiting[call.permit_class].Remove(OrderOf(call))) --size_;
}

std::vector<CallQueue::Waiting*> CallQueue::Open(
    base::Timestamp now, const std::function<bool(PermitClass)>& has_permit) {
  std::vector<Waiting*> open;
  for (auto& [name, provider] : providers_) {
    if (provider.in_flight >= provider.concurrency || !provider.breaker.MayStart(now)) continue;
    for (auto& [model, gate] : provider.gates) {
      if (now < gate.held_until) continue;
      for (auto& [id, waiting] : gate.waiting) {
        if (!waiting.empty() && has_permit(id)) open.push_back(&waiting);
      }
    }
  }
  return open;
}

std::optional<admission::CallOrder> CallQueue::Pop(
    base::Timestamp now, const std::function<bool(PermitClass)>& has_permit) {
  const std::vector<Waiting*> open = Open(now, has_permit);
  Waiting::Oldest oldest;
  for (const Waiting* waiting : open) waiting->NoteOldest(oldest);
  const auto priority = Waiting::PriorityInTurn(oldest, now);
  if (!priority) return std::nullopt;
  Waiting* from = nullptr;
  std::optional<admission::CallOrder> best;
  for (Waiting* waiting : open) {
    const auto first = waiting->FirstOf(*priority);
    if (!first || (best && *best < *first)) continue;
    best = first;
    from = waiting;
  }
  from->Take(*priority);
  --size_;
  return best;
}

std::map<CallQueue::PermitClass, admission::PermitKeeper::Wish> CallQueue::Startable(
    base::Timestamp now) const {
  std::map<PermitClass, admission::PermitKeeper::Wish> startable;
  for (const auto& [name, provider] : providers_) {
    if (!provider.breaker.MayStart(now)) continue;
    std::int64_t room = std::max<std::int64_t>(0, provider.concurrency - provider.in_flight);
    if (provider.breaker.open()) room = std::min<std::int64_t>(1, room);
    // Whose first call is earlier comes first where there isn't room for all.
    std::vector<std::pair<const Waiting*, PermitClass>> open;
    for (const auto& [model, gate] : provider.gates) {
      if (now < gate.held_until) continue;
      for (const auto& [id, waiting] : gate.waiting) {
        if (!waiting.empty()) open.emplace_back(&waiting, id);
      }
    }
    std::sort(open.begin(), open.end(), [](const auto& a, const auto& b) {
      return a.first->FirstOfHighest() < b.first->FirstOfHighest();
    });
    for (const auto& [waiting, id] : open) {
      if (room == 0) break;
      const auto calls = std::min(room, static_cast<std::int64_t>(waiting->size()));
      room -= calls;
      admission::PermitKeeper::Wish& wish = startable[id];
      wish.calls += calls;
      wish.priority = std::max(wish.priority, PriorityOf(waiting->FirstOfHighest()));
    }
  }
  return startable;
}

void CallQueue::OnStarted(const Call& call) { ++ProviderOf(call).in_flight; }

void CallQueue::OnEnded(const Call& call) {
  Provider& provider = ProviderOf(call);
  LLMBATCH_CHECK(provider.in_flight > 0);
  --provider.in_flight;
}

bool CallQueue::IsClosedOff(const std::string& provider, base::Timestamp now) const {
  const auto found = providers_.find(provider);
  return found != providers_.end() && !found->second.breaker.MayStart(now);
}

std::map<std::string, bool> CallQueue::Breakers() const {
  std::map<std::string, bool> breakers;
  for (const auto& [name, provider] : providers_) breakers.emplace(name, provider.breaker.open());
  return breakers;
}

void CallQueue::Hold(const model::RouteEntry& route, base::Timestamp until) {
  Gate& gate = ProviderNamed(route.provider).gates[route.model];
  gate.held_until = std::max(gate.held_until, until);
}

std::optional<base::Timestamp> CallQueue::HeldUntil(const Call& call, base::Timestamp now) const {
  const model::RouteEntry& route = LaneOf(call).route;
  const auto provider = providers_.find(route.provider);
  if (provider == providers_.end()) return std::nullopt;
  base::Timestamp until = provider->second.breaker.ProbeAt().value_or(now);
  const auto gate = provider->second.gates.find(route.model);
  if (gate != provider->second.gates.end()) until = std::max(until, gate->second.held_until);
  if (until <= now) return std::nullopt;
  return until;
}

bool CallQueue::IsShutOut(const Call& call, base::Timestamp now) const {
  const auto provider = providers_.find(LaneOf(call).route.provider);
  if (provider == providers_.end()) return false;
  return provider->second.breaker.open() || HeldUntil(call, now).has_value();
}

bool CallQueue::IsBusy(const Call& call) const {
  const auto provider = providers_.find(LaneOf(call).route.provider);
  return provider != providers_.end() && provider->second.in_flight >= provider->second.concurrency;
}

std::optional<base::Timestamp> CallQueue::Deadline(base::Timestamp now) const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [name, provider] : providers_) {
    const base::Timestamp probe_at = provider.breaker.ProbeAt().value_or(now);
    for (const auto& [model, gate] : provider.gates) {
      const base::Timestamp until = std::max(gate.held_until, probe_at);
      if (gate.size() == 0 || until <= now) continue;
      deadline = deadline ? std::min(*deadline, until) : until;
    }
  }
  return deadline;
}

std::vector<RouteStatus> CallQueue::Status(base::Timestamp now) const {
  std::vector<RouteStatus> status;
  for (const auto& [name, provider] : providers_) {
    const base::Timestamp probe_at = provider.breaker.ProbeAt().value_or(now);
    for (const auto& [model, gate] : provider.gates) {
      status.push_back(RouteStatus{
          .route = {.provider = name, .model = model},
          .waiting = gate.size(),
          .held_for = std::max(base::Duration::zero(), std::max(gate.held_until, probe_at) - now)});
    }
  }
  return status;
}

}  // namespace llmbatch::pipeline
