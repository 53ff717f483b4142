#include "offsets/done_map.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/base64.h"

namespace llmbatch::offsets {
namespace {

// A byte for version and coding, three of a check sum, the body. Lengths by turns, of what is open
// and of what is done, as varints; or a bit an offset from the base on, the lowest bit of a byte
// first, 1 for done.
constexpr char kRuns = '\x01';
constexpr char kBitset = '\x02';
constexpr std::size_t kCheckSumBytes = 3;

// Base64 makes 4 characters of 3 bytes.
constexpr std::size_t kMaxBytes = kMaxMetadataBytes / 4 * 3 - kCheckSumBytes;
constexpr std::size_t kBitsPerByte = 8;

void AppendVarint(std::string& bytes, std::uint64_t value) {
  constexpr std::uint64_t kMore = 0x80;
  while (value >= kMore) {
    bytes += static_cast<char>(value | kMore);
    value >>= 7U;
  }
  bytes += static_cast<char>(value);
}

// Takes a varint from the front. Nullopt if there is none that fits.
std::optional<std::int64_t> TakeVarint(std::string_view& bytes) {
  constexpr unsigned kMaxShift = 56;
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift <= kMaxShift && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80U) return static_cast<std::int64_t>(value);
  }
  return std::nullopt;
}

// A coding of the ranges, or of the first ones that fit.
struct Coded {
  std::string bytes;
  std::int64_t end = 0;  // what is done from here on is left out
};

Coded Runs(std::int64_t base, const DoneRanges& done) {
  Coded coded{.bytes = std::string(1, kRuns), .end = base};
  for (const OffsetRange& range : done) {
    const std::size_t before = coded.bytes.size();
    AppendVarint(coded.bytes, static_cast<std::uint64_t>(range.begin - coded.end));
    AppendVarint(coded.bytes, static_cast<std::uint64_t>(range.end - range.begin));
    if (coded.bytes.size() > kMaxBytes) {
      coded.bytes.resize(before);
      break;
    }
    coded.end = range.end;
  }
  return coded;
}

// REQUIRES: !done.empty()
Coded Bitset(std::int64_t base, const DoneRanges& done) {
  constexpr std::int64_t kMaxBits = (kMaxBytes - 1) * kBitsPerByte;
  const std::int64_t end = base + std::min(kMaxBits, done.back().end - base);
  const auto bits = static_cast<std::size_t>(end - base);
  std::string bytes(1 + (bits + kBitsPerByte - 1) / kBitsPerByte, '\0');
  bytes[0] = kBitset;
  for (const OffsetRange& range : done) {
    for (std::int64_t offset = range.begin; offset < std::min(range.end, end); ++offset) {
      const auto bit = static_cast<std::size_t>(offset - base);
      char& byte = bytes[1 + bit / kBitsPerByte];
      byte = static_cast<char>(static_cast<unsigned char>(byte) | 1U << bit % kBitsPerByte);
    }
  }
  return {.bytes = std::move(bytes), .end = end};
}

void Append(DoneRanges& done, OffsetRange range) {
  if (!done.empty() && done.back().end == range.begin) {
    done.back().end = range.end;
  } else {
    done.push_back(range);
  }
}

std::optional<DoneRanges> ReadRuns(std::int64_t base, std::string_view bytes) {
  DoneRanges done;
  std::int64_t at = base;
  while (!bytes.empty()) {
    const auto open = TakeVarint(bytes);
    const auto finished = TakeVarint(bytes);
    if (!open || !finished || *finished == 0 || (*open == 0 && !done.empty())) return std::nullopt;
    const std::int64_t room = std::numeric_limits<std::int64_t>::max() - at;
    if (*open > room || *finished > room - *open) return std::nullopt;
    done.push_back({.begin = at + *open, .end = at + *open + *finished});
    at = done.back().end;
  }
  return done;
}

std::optional<DoneRanges> ReadBitset(std::int64_t base, std::string_view bytes) {
  const auto bits = static_cast<std::int64_t>(bytes.size() * kBitsPerByte);
  if (base > std::numeric_limits<std::int64_t>::max() - bits) return std::nullopt;
  DoneRanges done;
  for (std::size_t bit = 0; bit < bytes.size() * kBitsPerByte; ++bit) {
    const auto byte = static_cast<unsigned char>(bytes[bit / kBitsPerByte]);
    if ((byte >> bit % kBitsPerByte & 1U) == 0) continue;
    const std::int64_t offset = base + static_cast<std::int64_t>(bit);
    Append(done, {.begin = offset, .end = offset + 1});
  }
  return done;
}

}  // namespace

std::string DoneMapCheckSum(std::int64_t base, std::string_view coding_and_body) {
  // FNV-1a, 32 bits, of which the lowest 24 are kept.
  std::uint32_t hash = 2'166'136'261U;
  const auto add = [&hash](unsigned char byte) { hash = (hash ^ byte) * 16'777'619U; };
  for (unsigned shift = 0; shift < 64; shift += kBitsPerByte) {
    add(static_cast<unsigned char>(static_cast<std::uint64_t>(base) >> shift));
  }
  for (const char byte : coding_and_body) add(static_cast<unsigned char>(byte));
  std::string sum;
  for (unsigned i = 0; i < kCheckSumBytes; ++i) sum += static_cast<char>(hash >> i * kBitsPerByte);
  return sum;
}

std::string EncodeDoneMap(std::int64_t base, const DoneRanges& done) {
  if (done.empty()) return {};
  const Coded runs = Runs(base, done);
  const Coded bitset = Bitset(base, done);
  const bool runs_fit_better =
      runs.end != bitset.end ? runs.end > bitset.end : runs.bytes.size() <= bitset.bytes.size();
  std::string bytes = runs_fit_better ? runs.bytes : bitset.bytes;
  return base::EncodeBase64(bytes.insert(1, DoneMapCheckSum(base, bytes)));
}

std::optional<DoneRanges> DecodeDoneMap(std::int64_t base, std::string_view text) {
  if (text.empty()) return DoneRanges{};
  if (text.size() > kMaxMetadataBytes || base < 0) return std::nullopt;
  auto bytes = base::DecodeBase64(text);
  if (!bytes || bytes->size() < 2 + kCheckSumBytes) return std::nullopt;
  const std::string sum = bytes->substr(1, kCheckSumBytes);
  bytes->erase(1, kCheckSumBytes);
  if (sum != DoneMapCheckSum(base, *bytes)) return std::nullopt;
  const auto body = std::string_view(*bytes).substr(1);
  if (bytes->front() == kRuns) return ReadRuns(base, body);
  if (bytes->front() == kBitset) return ReadBitset(base, body);
  return std::nullopt;
}

}  // namespace llmbatch::offsets
