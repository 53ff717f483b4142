#include "admission/breaker.h"

#include <algorithm>

namespace llmbatch::admission {
namespace {

constexpr int kMostOpenings = 20;
// What others told before they heard of a closing has come by then.
constexpr base::Duration kOldNews = std::chrono::seconds(5);

}  // namespace

base::Duration Breaker::Interval() const {
  base::Duration interval = options_.probe_interval;
  for (int i = 1; i < openings_ && interval < options_.longest_interval; ++i) interval *= 2;
  return std::min(interval, options_.longest_interval);
}

bool Breaker::OnStarted() {
  probing_ = probing_ || open_;
  return open_;
}

Breaker::Change Breaker::OnEnded(std::optional<Sign> sign, bool probe, base::Timestamp now) {
  if (probe) probing_ = false;
  if (!sign || (open_ && !probe)) return Change::kNone;
  if (*sign == Sign::kAnswers) {
    return Close(now) ? Change::kClosed : Change::kNone;
  }
  if (failures_++ == 0) failing_since_ = now;
  const bool outage =
      failures_ >= options_.outage_failures && now >= failing_since_ + options_.outage_time;
  if (!open_ && *sign == Sign::kFails && !outage) return Change::kNone;
  open_ = true;
  openings_ = std::min(openings_ + 1, kMostOpenings);
  probe_at_ = now + Interval();
  return Change::kOpened;
}

bool Breaker::OnToldOpen(int openings, base::Duration left, base::Timestamp now) {
  if (closed_at_ && now < *closed_at_ + kOldNews) return false;
  const bool was_closed = !open_;
  open_ = true;
  openings_ = std::clamp(openings, std::max(1, openings_), kMostOpenings);
  left = std::clamp(left, base::Duration::zero(), options_.longest_interval);
  probe_at_ = was_closed ? now + left : std::max(probe_at_, now + left);
  return was_closed;
}

bool Breaker::OnToldClosed(base::Timestamp now) { return Close(now); }

bool Breaker::Close(base::Timestamp now) {
  failures_ = 0;
  if (!open_) return false;
  open_ = false;
  openings_ = 0;
  closed_at_ = now;
  return true;
}

std::optional<base::Timestamp> Breaker::ProbeAt() const {
  if (!open_ || probing_) return std::nullopt;
  return probe_at_;
}

}  // namespace llmbatch::admission
