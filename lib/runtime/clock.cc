#include "runtime/clock.h"

namespace llmbatch::runtime {

base::Now ReadClock() {
  return base::Now{
      .steady = base::Timestamp(std::chrono::steady_clock::now().time_since_epoch()),
      .wall = base::WallTime(std::chrono::system_clock::now().time_since_epoch()),
  };
}

std::chrono::steady_clock::time_point ToSteadyClock(base::Timestamp timestamp) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          timestamp.time_since_epoch()));
}

}  // namespace llmbatch::runtime
