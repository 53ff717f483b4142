// CallQueue: the calls that wait for a permit, by provider, in the order in which they should
// start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "admission/breaker.h"
#include "admission/call_order.h"
#include "admission/permit_keeper.h"
#include "admission/turn_queue.h"
#include "base/time.h"
#include "model/task.h"
#include "pipeline/call.h"

namespace llmbatch::pipeline {

// What is known of one model of a provider, for /status.
struct RouteStatus {
  model::RouteEntry route;
  std::int64_t waiting = 0;
  base::Duration held_for{};  // > 0: no call starts so long
};

// In the order of TurnQueue over all of them. A provider that is held or busy keeps only its own
// calls waiting, a pool that is used up only those that need it. Belongs to one thread. Calls are
// the caller's: the queue keeps their order and nothing of them.
class CallQueue {
 public:
  using PermitClass = admission::PermitKeeper::ClassId;

  explicit CallQueue(admission::BreakerOptions breaker = {}) : breaker_(breaker) {}

  // How many calls each provider may have in flight, whatever the recipe of a call says.
  void SetProviders(const std::map<std::string, model::Provider>& providers);

  void Push(const Call& call);
  void Remove(const Call& call);

  // Takes the call that should start next, of those for whose class there is a permit, with the
  // turn that it goes by; nullopt if none may.
  std::optional<admission::CallOrder> Pop(base::Timestamp now,
                                          const std::function<bool(PermitClass)>& has_permit);
  // What could start now if permits were no limit, by class.
  std::map<PermitClass, admission::PermitKeeper::Wish> Startable(base::Timestamp now) const;

  void OnStarted(const Call& call);
  void OnEnded(const Call& call);

  admission::Breaker& BreakerOf(const std::string& provider) {
    return ProviderNamed(provider).breaker;
  }
  // Calls to that provider would wait for a probe that isn't due.
  bool IsClosedOff(const std::string& provider, base::Timestamp now) const;
  // The providers used so far, and whether the breaker of each is open.
  std::map<std::string, bool> Breakers() const;

  // No call of this provider and model starts before then. Never shortens a hold.
  void Hold(const model::RouteEntry& route, base::Timestamp until);
  std::optional<base::Timestamp> HeldUntil(const Call& call, base::Timestamp now) const;

  // The call's provider or model is held, or its breaker is open, also while it is probed.
  bool IsShutOut(const Call& call, base::Timestamp now) const;
  // The call's provider has as many in flight as it may.
  bool IsBusy(const Call& call) const;

  // When a hold ends that calls wait for.
  std::optional<base::Timestamp> Deadline(base::Timestamp now) const;
  std::size_t size() const { return size_; }
  std::vector<RouteStatus> Status(base::Timestamp now) const;

 private:
  using Waiting = admission::TurnQueue;
  // A hold is for one model, the bound of concurrency for the whole provider.
  struct Gate {
    std::map<PermitClass, Waiting> waiting;
    base::Timestamp held_until;

    std::int64_t size() const;
  };
  struct Provider {
    explicit Provider(admission::BreakerOptions options) : breaker(options) {}

    admission::Breaker breaker;
    std::map<std::string, Gate> gates;  // by model
    std::int64_t in_flight = 0;
    std::int64_t concurrency = 0;  // 0: not known yet
  };
  // Calls that may start now, and where they wait.
  std::vector<Waiting*> Open(base::Timestamp now,
                             const std::function<bool(PermitClass)>& has_permit);
  Provider& ProviderNamed(const std::string& name);
  Provider& ProviderOf(const Call& call);
  Gate& GateOf(const Call& call);

  admission::BreakerOptions breaker_;
  std::map<std::string, Provider> providers_;
  std::size_t size_ = 0;
};

}  // namespace llmbatch::pipeline
