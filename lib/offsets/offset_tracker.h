// OffsetTracker: from records that finish in any order to the offset that may be committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

namespace llmbatch::offsets {

// One partition, from its assignment to its revocation. Offsets may have gaps (compaction,
// transaction markers): what was never delivered can't be open, so a gap counts as done.
class OffsetTracker {
 public:
  // `next_offset` is where reading begins; negative if that is unknown until the first record.
  explicit OffsetTracker(std::int64_t next_offset) : next_offset_(next_offset) {}

  // Opens the record. False if it was delivered before: then it is open or done already and must be
  // left alone.
  bool Begin(std::int64_t offset);
  // Everything that follows from the record is acknowledged. REQUIRES: the record is open
  void Finish(std::int64_t offset);

  // The offset to commit: the lowest open one, or the next to be read. nullopt until there is one
  // to tell; never goes back.
  std::optional<std::int64_t> Committable() const;

  std::size_t open() const { return open_.size(); }
  // How far delivery is ahead of the committable offset.
  std::int64_t span() const;

 private:
  std::set<std::int64_t> open_;
  std::int64_t next_offset_;  // one behind the highest delivered
};

}  // namespace llmbatch::offsets
