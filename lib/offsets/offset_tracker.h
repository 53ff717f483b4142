// OffsetTracker: from records that finish in any order to the offset and the done map that may be
// committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>

#include "offsets/done_map.h"

namespace llmbatch::offsets {

// One partition, from its assignment to its revocation. Offsets may have gaps (compaction,
// transaction markers): what was never delivered can't be open, so a gap counts as done.
class OffsetTracker {
 public:
  // `next_offset` is where reading begins; negative if that is unknown until the first record.
  // `done` is what an owner before finished of what will be read, as in the done map.
  explicit OffsetTracker(std::int64_t next_offset, const DoneRanges& done = {});

  // Opens the record. False if it must be left alone: it was delivered before, or an owner before
  // finished it.
  bool Begin(std::int64_t offset);
  // Everything that follows from the record is acknowledged. REQUIRES: the record is open
  void Finish(std::int64_t offset);

  // The offset to commit: the lowest that is neither done nor known not to exist. nullopt until
  // there is one to tell; never goes back.
  std::optional<std::int64_t> Committable() const;
  // What is done above Committable(), also by owners before and not read yet. Empty if
  // Committable() is nullopt.
  DoneRanges Done() const;

  std::size_t open() const { return open_.size(); }
  // How far delivery is ahead of the committable offset.
  std::int64_t span() const;

 private:
  // Moves next_offset_ over what owners before finished.
  void PassDone();

  std::set<std::int64_t> open_;
  std::int64_t next_offset_;  // neither this nor anything above it was delivered, or done before
  DoneRanges ahead_;          // done before, above next_offset_; the next one is the last
};

}  // namespace llmbatch::offsets
