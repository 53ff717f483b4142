// The real clocks. Nothing but the daemon's wiring and the drivers may ask them.
#pragma once

#include <chrono>

#include "base/time.h"

namespace llmbatch::runtime {

base::Now ReadClock();
std::chrono::steady_clock::time_point ToSteadyClock(base::Timestamp timestamp);

}  // namespace llmbatch::runtime
