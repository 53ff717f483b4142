#include "pipeline/call_queue.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::pipeline {

std::string_view ToString(CallState state) {
  switch (state) {
    case CallState::kWaitingForPermit:
      return "waiting_for_permit";
    case CallState::kInFlight:
      return "in_flight";
    case CallState::kBackingOff:
      return "backing_off";
  }
  return "waiting_for_permit";
}

CallQueue::Order CallQueue::OrderOf(const Call& call) {
  return Order{.not_urgent = !call.urgent, .negated_priority = -call.priority, .id = call.id};
}

CallQueue::Provider& CallQueue::ProviderOf(const Call& call) {
  const model::Provider& options = call.recipe->lanes()[call.lane].provider;
  const auto [it, is_new] = providers_.try_emplace(options.name);
  // One that is known may have been changed since the recipe was made.
  if (is_new) it->second.concurrency = options.concurrency;
  return it->second;
}

void CallQueue::SetProviders(const std::map<std::string, model::Provider>& providers) {
  for (const auto& [name, options] : providers) providers_[name].concurrency = options.concurrency;
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
    if (provider.in_flight >= provider.concurrency) continue;
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
    std::int64_t waiting = 0;
    for (const auto& [model, gate] : provider.gates) {
      if (now >= gate.held_until) waiting += static_cast<std::int64_t>(gate.waiting.size());
    }
    startable += std::clamp<std::int64_t>(
        waiting, 0, std::max<std::int64_t>(0, provider.concurrency - provider.in_flight));
  }
  return startable;
}

void CallQueue::OnStarted(const Call& call) { ++ProviderOf(call).in_flight; }

void CallQueue::OnEnded(const Call& call) {
  Provider& provider = ProviderOf(call);
  LLMBATCH_CHECK(provider.in_flight > 0);
  --provider.in_flight;
}

void CallQueue::Hold(const Call& call, base::Timestamp until) {
  Gate& gate = GateOf(call);
  gate.held_until = std::max(gate.held_until, until);
}

std::optional<base::Timestamp> CallQueue::HeldUntil(const Call& call, base::Timestamp now) const {
  const model::RouteEntry& route = call.recipe->lanes()[call.lane].route;
  const auto provider = providers_.find(route.provider);
  if (provider == providers_.end()) return std::nullopt;
  const auto gate = provider->second.gates.find(route.model);
  if (gate == provider->second.gates.end() || gate->second.held_until <= now) return std::nullopt;
  return gate->second.held_until;
}

std::optional<base::Timestamp> CallQueue::Deadline(base::Timestamp now) const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [name, provider] : providers_) {
    for (const auto& [model, gate] : provider.gates) {
      if (gate.waiting.empty() || gate.held_until <= now) continue;
      deadline = deadline ? std::min(*deadline, gate.held_until) : gate.held_until;
    }
  }
  return deadline;
}

std::vector<RouteStatus> CallQueue::Status(base::Timestamp now) const {
  std::vector<RouteStatus> status;
  for (const auto& [name, provider] : providers_) {
    for (const auto& [model, gate] : provider.gates) {
      status.push_back(
          RouteStatus{.route = {.provider = name, .model = model},
                      .waiting = static_cast<std::int64_t>(gate.waiting.size()),
                      .held_for = std::max(base::Duration::zero(), gate.held_until - now)});
    }
  }
  return status;
}

}  // namespace llmbatch::pipeline
