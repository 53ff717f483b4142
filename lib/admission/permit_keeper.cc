#include "admission/permit_keeper.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

// Nothing is begun in the last fifth of a lease: the coordinator may count it as over a little
// earlier than we do.
constexpr int kSafePercentOfLease = 80;
constexpr int kHeartbeatsPerLease = 4;
// Long enough to hand a permit from one call to the next, short enough not to keep it from others.
constexpr base::Duration kIdleReturn = std::chrono::milliseconds(250);
constexpr base::Duration kRetryAfterFailure = std::chrono::milliseconds(500);

}  // namespace

std::int64_t PermitKeeper::held() const { return granted_ - released_; }

std::int64_t PermitKeeper::Idle() const { return std::max<std::int64_t>(0, held() - in_use_); }

std::int64_t PermitKeeper::Missing() const {
  return closed_ ? 0 : std::max<std::int64_t>(0, wanted_ - Idle());
}

std::int64_t PermitKeeper::Share() const {
  if (!state_) return 0;
  return state_->limit / std::max<std::int64_t>(1, state_->live_replicas);
}

std::int64_t PermitKeeper::Usable(base::Timestamp now) const {
  if (now < lease_from_ + options_.lease * kSafePercentOfLease / 100) return held();
  // After a whole lease without an answer every other replica that is cut off has come down to its
  // share as well, and the shares don't add up to more than the limit.
  return cut_off_since_ && now >= *cut_off_since_ + options_.lease ? Share() : 0;
}

bool PermitKeeper::TryTake(base::Timestamp now) {
  if (closed_ || in_use_ >= Usable(now)) return false;
  ++in_use_;
  if (Idle() == 0) idle_since_.reset();
  return true;
}

bool PermitKeeper::OthersNeedPermits() const {
  return state_ && (state_->waiting_replicas > 0 || state_->used > state_->limit);
}

void PermitKeeper::GiveBack(base::Timestamp now) {
  LLMBATCH_CHECK(in_use_ > 0);
  --in_use_;
  if (in_use_ >= held()) return;  // it was taken while cut off, beyond what is held
  if (OthersNeedPermits() || closed_) {
    ++released_;
  } else if (!idle_since_) {
    idle_since_ = now;
  }
}

bool PermitKeeper::NeedsLease() const {
  return held() > 0 || Missing() > 0 || in_use_ > 0 || (keep_lease_ && !closed_);
}

bool PermitKeeper::HasNews() const {
  // Wanting a little less can wait: what is granted too much is given back.
  return released_ != told_released_ || Missing() > told_want_ ||
         (Missing() == 0 && told_want_ > 0) || (told_limit_ != 0 && told_limit_ != options_.limit);
}

bool PermitKeeper::SyncDue(base::Timestamp now) const {
  if (sync_under_way_ || now < retry_at_) return false;
  if (HasNews() || (offered_ && Missing() > 0)) return true;
  if (idle_since_ && wanted_ == 0 && now >= *idle_since_ + kIdleReturn) return true;
  return NeedsLease() && now >= sync_sent_ + options_.lease / kHeartbeatsPerLease;
}

std::optional<ports::SyncPermits> PermitKeeper::NextSync(model::SyncId id, base::Timestamp now) {
  const bool idle_too_long = idle_since_ && wanted_ == 0 && now >= *idle_since_ + kIdleReturn;
  if (!sync_under_way_ && (idle_too_long || closed_)) {
    released_ += Idle();
    idle_since_.reset();
  }
  if (!SyncDue(now)) return std::nullopt;
  sync_under_way_ = true;
  sync_sent_ = now;
  offered_ = false;
  told_released_ = released_;
  told_want_ = Missing();
  told_limit_ = options_.limit;
  // Calls begun while the coordinator was away may be more than it granted: they are registered
  // with it.
  granted_ = std::max(granted_, released_ + in_use_);
  return ports::SyncPermits{.sync = id,
                            .granted_known = granted_,
                            .released_total = released_,
                            .want = told_want_,
                            .limit = options_.limit,
                            .lease = options_.lease};
}

void PermitKeeper::OnSynced(const ports::PermitsSynced& event, base::Timestamp now) {
  sync_under_way_ = false;
  if (!event.outcome) {
    if (!cut_off_since_) cut_off_since_ = now;
    told_want_ = 0;
    told_released_ = -1;  // the next sync tells everything again
    retry_at_ = now + kRetryAfterFailure;
    return;
  }
  cut_off_since_.reset();
  lease_from_ = sync_sent_;
  state_ = *event.outcome;
  told_want_ = std::max<std::int64_t>(0, told_want_ - (state_->granted_total - granted_));
  granted_ = std::max(granted_, state_->granted_total);
  // Not silent for longer than a heartbeat, or the lease would end.
  retry_at_ = now + std::min(state_->learning_left, options_.lease / kHeartbeatsPerLease);
  if (state_->learning_left > base::Duration::zero()) told_want_ = 0;
  if (Idle() > 0 && !idle_since_) idle_since_ = now;
}

std::optional<base::Timestamp> PermitKeeper::Deadline() const {
  if (sync_under_way_) return std::nullopt;
  if (!NeedsLease() && !HasNews()) return std::nullopt;
  base::Timestamp deadline = sync_sent_ + options_.lease / kHeartbeatsPerLease;
  if (idle_since_ && wanted_ == 0) deadline = std::min(deadline, *idle_since_ + kIdleReturn);
  if (HasNews()) deadline = std::min(deadline, retry_at_);
  return std::max(deadline, retry_at_);
}

}  // namespace llmbatch::admission
