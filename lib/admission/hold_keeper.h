// HoldKeeper: when a provider's refusals are one, and how long they hold its calls.
#pragma once

#include <map>
#include <optional>

#include "admission/backoff.h"
#include "base/rng.h"
#include "base/time.h"
#include "model/task.h"
#include "ports/hold.h"

namespace llmbatch::admission {

// Many calls run at once, so a provider that has had enough refuses many of them. Those that were
// started before the first refusal was known are one burst: they tell nothing new, whichever
// replica they belong to. Belongs to one thread.
class HoldKeeper {
 public:
  explicit HoldKeeper(BackoffOptions backoff) : backoff_(backoff) {}

  struct Refusal {
    bool new_burst = false;  // the call tells something that wasn't known
    bool longer = false;     // the hold ends later than was known: others must be told
    ports::RouteHold hold;
  };
  // What it takes until refusals stop.
  enum class Cure {
    kTime,       // the provider's limit has to fill up
    kLowerLimit  // ours is found by trying, and has been put down
  };
  // A call that was started at `started` was refused now. `retry_after` is what the provider said.
  Refusal OnRefused(const model::RouteEntry& route, base::Timestamp started,
                    std::optional<base::Duration> retry_after, Cure cure, base::Timestamp now,
                    base::Rng& rng);
  // Another replica was refused.
  void OnTold(const ports::RouteHold& hold, base::Timestamp now);

 private:
  struct State {
    base::Timestamp known_since;  // when the present burst became known here
    base::Timestamp until;
    int bursts = 0;
  };

  BackoffOptions backoff_;
  std::map<model::RouteEntry, State> routes_;
};

}  // namespace llmbatch::admission
