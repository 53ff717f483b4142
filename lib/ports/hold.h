// Holds: a provider has told one replica to stay away, which is meant for all of them.
// Breakers: a replica has found out that a provider would fail every call.
#pragma once

#include <string>

#include "base/time.h"

namespace llmbatch::ports {

struct RouteHold {
  std::string provider;
  std::string model;      // empty: the provider's breaker
  base::Duration left{};  // from now on; of a breaker: until another replica may probe
  // How many bursts of refusals came one upon the other; the next one without a time of its own is
  // held the longer for it. Of a breaker: how many times in a row it was opened or probed in vain.
  int bursts = 0;

  friend bool operator==(const RouteHold&, const RouteHold&) = default;
};

inline bool IsBreaker(const RouteHold& hold) { return hold.model.empty(); }
// A breaker's, which has closed.
inline bool IsOver(const RouteHold& hold) { return IsBreaker(hold) && hold.bursts == 0; }

// Tells all replicas, and those that come later. Shortens no hold, but ends one that IsOver(). No
// completion.
struct HoldRoute {
  RouteHold hold;
};

// Pushed, answers no command; also to who told it.
struct RouteHeld {
  RouteHold hold;
};

}  // namespace llmbatch::ports
