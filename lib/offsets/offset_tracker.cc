#include "offsets/offset_tracker.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::offsets {

OffsetTracker::OffsetTracker(std::int64_t next_offset, const DoneRanges& done)
    : next_offset_(next_offset), ahead_(done.rbegin(), done.rend()) {
  // What is done at the very beginning need not be delivered to be passed.
  PassDone();
}

bool OffsetTracker::Begin(std::int64_t offset) {
  if (offset < next_offset_) return false;
  next_offset_ = offset;
  PassDone();
  if (next_offset_ > offset) return false;
  open_.insert(open_.end(), offset);
  next_offset_ = offset + 1;
  PassDone();
  return true;
}

void OffsetTracker::PassDone() {
  while (!ahead_.empty() && ahead_.back().begin <= next_offset_) {
    next_offset_ = std::max(next_offset_, ahead_.back().end);
    ahead_.pop_back();
  }
}

void OffsetTracker::Finish(std::int64_t offset) { LLMBATCH_CHECK(open_.erase(offset) == 1); }

std::optional<std::int64_t> OffsetTracker::Committable() const {
  if (!open_.empty()) return *open_.begin();
  if (next_offset_ < 0) return std::nullopt;
  return next_offset_;
}

DoneRanges OffsetTracker::Done() const {
  DoneRanges done;
  if (!open_.empty()) {
    // What lies between two open ones, and behind the last of them, is done.
    for (auto it = open_.begin(); it != open_.end(); ++it) {
      const auto following = std::next(it);
      const std::int64_t end = following == open_.end() ? next_offset_ : *following;
      if (*it + 1 < end) done.push_back({.begin = *it + 1, .end = end});
    }
  }
  done.insert(done.end(), ahead_.rbegin(), ahead_.rend());
  return done;
}

std::int64_t OffsetTracker::span() const {
  return open_.empty() ? 0 : next_offset_ - *open_.begin();
}

}  // namespace llmbatch::offsets
