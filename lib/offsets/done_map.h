// The done map: which records above the committed offset are done already, as text for the commit's
// metadata.
//
// Records finish in any order, and Kafka keeps one offset a partition. With the map beside it, the
// next owner of the partition skips what is done instead of asking for it again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::offsets {

// What a broker takes as metadata, by its default offset.metadata.max.bytes.
inline constexpr std::size_t kMaxMetadataBytes = 4096;

// Offsets from `begin` up to, and without, `end`.
struct OffsetRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  friend bool operator==(const OffsetRange&, const OffsetRange&) = default;
};

// What is done from some base on: ranges in ascending order that neither touch nor overlap, none of
// them empty.
using DoneRanges = std::vector<OffsetRange>;

// Base64 of a version byte, a check sum, and either run lengths or a bitset, whichever is shorter.
// Empty if nothing is done. What does not fit into kMaxMetadataBytes is left out from the end: it
// is then asked for again, never lost. REQUIRES: every range begins at `base` or above it
std::string EncodeDoneMap(std::int64_t base, const DoneRanges& done);

// nullopt if the text is no done map. An empty text says that nothing is done.
std::optional<DoneRanges> DecodeDoneMap(std::int64_t base, std::string_view text);

// What stands behind the first byte of a map, over the base and everything else: other programs
// write metadata, too.
std::string DoneMapCheckSum(std::int64_t base, std::string_view coding_and_body);

}  // namespace llmbatch::offsets
