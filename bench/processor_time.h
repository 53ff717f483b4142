// What has been used of the cores, so that others on the machine count less than on a clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

namespace llmbatch::bench {

// By the calling thread, or by another clock of clock_gettime().
inline std::chrono::nanoseconds ProcessorTime(clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// By all threads of the process.
inline double ProcessSeconds() {
  return std::chrono::duration<double>(ProcessorTime(CLOCK_PROCESS_CPUTIME_ID)).count();
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
