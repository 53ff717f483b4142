#include "offsets/offset_tracker.h"

#include "base/check.h"

namespace llmbatch::offsets {

bool OffsetTracker::Begin(std::int64_t offset) {
  if (offset < next_offset_) return false;
  open_.insert(open_.end(), offset);
  next_offset_ = offset + 1;
  return true;
}

void OffsetTracker::Finish(std::int64_t offset) { LLMBATCH_CHECK(open_.erase(offset) == 1); }

std::optional<std::int64_t> OffsetTracker::Committable() const {
  if (!open_.empty()) return *open_.begin();
  if (next_offset_ < 0) return std::nullopt;
  return next_offset_;
}

std::int64_t OffsetTracker::span() const {
  return open_.empty() ? 0 : next_offset_ - *open_.begin();
}

}  // namespace llmbatch::offsets
