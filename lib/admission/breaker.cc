#include "admission/breaker.h"

#include <algorithm>

namespace llmbatch::admission {

void Breaker::Open(base::Timestamp now) {
  interval_ = open_ ? std::min(2 * interval_, options_.longest_interval) : options_.probe_interval;
  open_ = true;
  probe_at_ = now + interval_;
}

bool Breaker::OnEnded(std::optional<Sign> sign, base::Timestamp now) {
  const bool was_probe = open_ && probing_;
  probing_ = false;
  if (!sign) return false;
  if (*sign == Sign::kAnswers) {
    open_ = false;
    failures_ = 0;
    return false;
  }
  if (failures_++ == 0) failing_since_ = now;
  if (open_ && !was_probe) return false;  // it had been started before
  const bool outage =
      failures_ >= options_.outage_failures && now >= failing_since_ + options_.outage_time;
  if (!open_ && *sign == Sign::kFails && !outage) return false;
  Open(now);
  return true;
}

std::optional<base::Timestamp> Breaker::ProbeAt() const {
  if (!open_ || probing_) return std::nullopt;
  return probe_at_;
}

}  // namespace llmbatch::admission
