// ProcessorTime: what the calling thread has used of a core, so that others on the machine count
// less than on a clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

namespace llmbatch::bench {

inline std::chrono::nanoseconds ProcessorTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The shortest of several rounds of the same work.
class Fastest {
 public:
  void Add(std::chrono::nanoseconds time) {
    seconds_ = std::min(seconds_, std::chrono::duration<double>(time).count());
  }
  double seconds() const { return seconds_; }

 private:
  double seconds_ = std::numeric_limits<double>::infinity();
};

}  // namespace llmbatch::bench
