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
          .id = call.id};
}

CallQueue::Provider& CallQueue::ProviderNamed(const std::string& name) {
  return providers_.try_emplace(name, breaker_).first->second;
}

CallQueue::Provider& CallQueue::ProviderOf(const Call& call) {
  const model::Provider& options = call.recipe->lanes()[call.lane].provider;
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
  return ProviderOf(call).gates[call.recipe->lanes()[call.lane].route.model];
}

void CallQueue::Push(const Call& call) {
  const bool added = GateOf(call).waiting.insert(OrderOf(call)).second;
  LLMBATCH_CHECK(added);
  ++size_;
}

void CallQueue::Remove(const Call& call) { size_ -= GateOf(call).waiting.erase(OrderOf(call)); }

std::optional<model::BatchId> CallQueue::Pop(base::Timestamp now) {
  Gate* best = nullptr;
  for (auto& [name, provider] : providers_) {
    if (provider.in_flight >= provider.concurrency || !provider.breaker.MayStart(now)) continue;
    for (auto& [model, gate] : provider.gates) {
      if (gate.waiting.empty() || now < gate.held_until) continue;
      if (best == nullptr || *gate.waiting.begin() < *best->waiting.begin()) best = &gate;
    }
  }
  if (best == nullptr) return std::nullopt;
  const model::BatchId id = best->waiting.begin()->id;
  best->waiting.erase(best->waiting.begin());
  --size_;
  return id;
}

std::int64_t CallQueue::Startable(base::Timestamp now) const {
  std::int64_t startable = 0;
  for (const auto& [name, provider] : providers_) {
    if (!provider.breaker.MayStart(now)) continue;
    std::int64_t waiting = 0;
    for (const auto& [model, gate] : provider.gates) {
      if (now >= gate.held_until) waiting += static_cast<std::int64_t>(gate.waiting.size());
    }
    const std::int64_t room = std::max<std::int64_t>(0, provider.concurrency - provider.in_flight);
    const std::int64_t most = provider.breaker.open() ? std::min<std::int64_t>(1, room) : room;
    startable += std::min(waiting, most);
  }
  return startable;
}

void CallQueue::OnStarted(const Call& call) {
  Provider& provider = ProviderOf(call);
  ++provider.in_flight;
  provider.breaker.OnStarted();
}

bool CallQueue::OnEnded(const Call& call, std::optional<admission::Breaker::Sign> sign,
                        base::Timestamp now) {
  Provider& provider = ProviderOf(call);
  LLMBATCH_CHECK(provider.in_flight > 0);
  --provider.in_flight;
  return provider.breaker.OnEnded(sign, now);
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
  const model::RouteEntry& route = call.recipe->lanes()[call.lane].route;
  const auto provider = providers_.find(route.provider);
  if (provider == providers_.end()) return std::nullopt;
  base::Timestamp until = provider->second.breaker.ProbeAt().value_or(now);
  const auto gate = provider->second.gates.find(route.model);
  if (gate != provider->second.gates.end()) until = std::max(until, gate->second.held_until);
  if (until <= now) return std::nullopt;
  return until;
}

bool CallQueue::IsBusy(const Call& call) const {
  const auto provider = providers_.find(call.recipe->lanes()[call.lane].route.provider);
  return provider != providers_.end() && provider->second.in_flight >= provider->second.concurrency;
}

std::optional<base::Timestamp> CallQueue::Deadline(base::Timestamp now) const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [name, provider] : providers_) {
    const base::Timestamp probe_at = provider.breaker.ProbeAt().value_or(now);
    for (const auto& [model, gate] : provider.gates) {
      const base::Timestamp until = std::max(gate.held_until, probe_at);
      if (gate.waiting.empty() || until <= now) continue;
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
          .waiting = static_cast<std::int64_t>(gate.waiting.size()),
          .held_for = std::max(base::Duration::zero(), std::max(gate.held_until, probe_at) - now)});
    }
  }
  return status;
}

}  // namespace llmbatch::pipeline
