// Holds: a provider has told one replica to stay away, which is meant for all of them.
#pragma once

#include <string>

#include "base/time.h"

namespace llmbatch::ports {

struct RouteHold {
  std::string provider;
  std::string model;
  base::Duration left{};  // from now on
  // How many bursts of refusals came one upon the other; the next one without a time of its own is
  // held the longer for it.
  int bursts = 0;

  friend bool operator==(const RouteHold&, const RouteHold&) = default;
};

// Tells all replicas, and those that come later. Never shortens a hold. No completion.
struct HoldRoute {
  RouteHold hold;
};

// Pushed, answers no command; also to who told it.
struct RouteHeld {
  RouteHold hold;
};

}  // namespace llmbatch::ports
