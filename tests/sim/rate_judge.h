// RateJudge: whether what a provider was asked kept to a rate, whatever the daemon believed.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace llmbatch::sim {

// In any span of time no more may come than the rate allows in it, and `slack` more at once.
class RateJudge {
 public:
  RateJudge(std::int64_t per_minute, std::int64_t slack) : per_minute_(per_minute), slack_(slack) {}

  // False: this much was too much.
  bool Take(std::int64_t amount, base::Timestamp now) {
    if (per_minute_ == 0) return true;
    const auto unit =
        static_cast<double>(base::Duration(std::chrono::minutes(1)).count()) / double(per_minute_);
    const auto cost = base::Duration(static_cast<std::int64_t>(unit * double(amount)));
    const auto most = base::Duration(static_cast<std::int64_t>(unit * double(slack_)));
    used_until_ = std::max(used_until_, now) + cost;
    return used_until_ - now <= most;
  }

 private:
  std::int64_t per_minute_ = 0;  // 0: any
  std::int64_t slack_ = 0;
  base::Timestamp used_until_;
};

}  // namespace llmbatch::sim
