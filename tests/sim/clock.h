// Schedule: virtual time. Things happen in order of their time, ties in the order in which they
// were planned.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "base/time.h"

namespace llmbatch::sim {

class Schedule {
 public:
  base::Timestamp now() const { return now_; }
  base::Now Now() const {
    // An arbitrary date: the wall clock runs along with the steady one.
    return {.steady = now_,
            .wall = base::WallTime(std::chrono::hours(24 * 365 * 50) + now_.time_since_epoch())};
  }

  void At(base::Timestamp time, std::function<void()> action) {
    actions_.emplace(std::pair(std::max(time, now_), ++sequence_), std::move(action));
  }
  void After(base::Duration delay, std::function<void()> action) {
    At(now_ + delay, std::move(action));
  }

  // Goes to the next action and carries it out. False if there is none.
  bool Step() {
    if (actions_.empty()) return false;
    auto node = actions_.extract(actions_.begin());
    now_ = node.key().first;
    node.mapped()();
    return true;
  }

 private:
  base::Timestamp now_{std::chrono::hours(1)};
  std::uint64_t sequence_ = 0;
  std::map<std::pair<base::Timestamp, std::uint64_t>, std::function<void()>> actions_;
};

}  // namespace llmbatch::sim
