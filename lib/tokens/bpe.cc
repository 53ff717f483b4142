#include "tokens/bpe.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <limits>
#include <queue>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/lines.h"
#include "tokens/splitter.h"

namespace llmbatch::tokens {
namespace {

constexpr std::size_t kMaxTokens = 1'000'000;
constexpr std::uint32_t kNoRank = std::numeric_limits<std::uint32_t>::max();
// Pieces up to this length are merged without a heap.
constexpr std::size_t kShort = 48;

base::Error Wrong(std::size_t line, std::string_view what) {
  return base::Invalid("line " + std::to_string(line) + ": " + std::string(what));
}

}  // namespace

base::Result<std::shared_ptr<const Bpe>> Bpe::Parse(std::string_view text) {
  std::shared_ptr<Bpe> bpe(new Bpe);
  std::vector<std::pair<std::size_t, Rank>> ends;
  base::LineReader lines(text);
  while (const auto next = lines.Next()) {
    const std::size_t number = next->number;
    std::string_view line = next->text;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t blank = line.find(' ');
    const auto bytes = base::DecodeBase64(line.substr(0, blank));
    if (blank == std::string_view::npos || !bytes || bytes->empty()) {
      return Wrong(number, "must be a token in Base64, a blank and a rank");
    }
    const std::string_view digits = line.substr(blank + 1);
    Rank rank = 0;
    const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (error != std::errc() || last != digits.data() + digits.size() || rank == kNoRank) {
      return Wrong(number, "the rank must be a number");
    }
    if (ends.size() == kMaxTokens) return Wrong(number, "too many tokens");
    bpe->bytes_ += *bytes;
    ends.emplace_back(bpe->bytes_.size(), rank);
  }
  bpe->ranks_.reserve(ends.size());
  std::size_t begin = 0;
  for (const auto& [end, rank] : ends) {
    const std::string_view token = std::string_view(bpe->bytes_).substr(begin, end - begin);
    if (!bpe->ranks_.emplace(token, rank).second)
      return base::Invalid("a token stands there twice");
    begin = end;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (!bpe->ranks_.contains(std::string_view(&c, 1))) {
      return base::Invalid("the byte " + std::to_string(byte) + " has no rank");
    }
  }
  return std::shared_ptr<const Bpe>(std::move(bpe));
}

std::int64_t Bpe::Count(std::string_view text) const {
  std::int64_t tokens = 0;
  while (!text.empty()) {
    const std::size_t length = PieceLength(text);
    tokens += CountPiece(text.substr(0, length));
    text.remove_prefix(length);
  }
  return tokens;
}

Bpe::Rank Bpe::RankOf(std::string_view bytes) const {
  const auto found = ranks_.find(bytes);
  return found == ranks_.end() ? kNoRank : found->second;
}

std::int64_t Bpe::CountPiece(std::string_view piece) const {
  if (RankOf(piece) != kNoRank) return 1;
  return piece.size() <= kShort ? CountShort(piece) : CountLong(piece);
}

// Joins the two neighbours of the lowest rank, the first of these, as long as there are such.
std::int64_t Bpe::CountShort(std::string_view piece) const {
  struct Part {
    std::size_t begin;
    Rank rank;  // of this and the next part together
  };
  std::array<Part, kShort + 1> parts{};
  std::size_t count = piece.size();
  const auto rank_at = [&](std::size_t i) {
    if (i + 1 >= count) return kNoRank;
    const std::size_t end = i + 2 < count ? parts[i + 2].begin : piece.size();
    return RankOf(piece.substr(parts[i].begin, end - parts[i].begin));
  };
  for (std::size_t i = 0; i < count; ++i) parts[i].begin = i;
  for (std::size_t i = 0; i < count; ++i) parts[i].rank = rank_at(i);
  while (count > 1) {
    const auto* best =
        std::min_element(parts.begin(), parts.begin() + count,
                         [](const Part& a, const Part& b) { return a.rank < b.rank; });
    if (best->rank == kNoRank) break;
    const auto at = static_cast<std::size_t>(best - parts.data());
    std::copy(parts.begin() + at + 2, parts.begin() + count, parts.begin() + at + 1);
    --count;
    parts[at].rank = rank_at(at);
    if (at > 0) parts[at - 1].rank = rank_at(at - 1);
  }
  return static_cast<std::int64_t>(count);
}

// The same with a heap: one entry for each pair that ever came about, of which those that are no
// pair any more are passed over.
std::int64_t Bpe::CountLong(std::string_view piece) const {
  using Index = std::uint32_t;
  struct Part {
    Index previous;
    Index next;  // piece.size(): the last one
    Rank rank;   // of the pair in the heap that counts
  };
  const auto size = static_cast<Index>(piece.size());
  std::vector<Part> parts(size);  // by where they begin
  std::priority_queue<std::pair<Rank, Index>, std::vector<std::pair<Rank, Index>>, std::greater<>>
      pairs;
  const auto note = [&](Index at) {
    const Index next = parts[at].next;
    parts[at].rank = next == size ? kNoRank : RankOf(piece.substr(at, parts[next].next - at));
    if (parts[at].rank != kNoRank) pairs.emplace(parts[at].rank, at);
  };
  for (Index i = 0; i < size; ++i) parts[i] = {.previous = i == 0 ? size : i - 1, .next = i + 1};
  for (Index i = 0; i < size; ++i) note(i);
  std::int64_t count = size;
  while (!pairs.empty()) {
    const auto [rank, at] = pairs.top();
    pairs.pop();
    if (parts[at].rank != rank) continue;
    const Index gone = parts[at].next;
    parts[gone].rank = kNoRank;
    parts[at].next = parts[gone].next;
    if (parts[at].next != size) parts[parts[at].next].previous = at;
    --count;
    note(at);
    if (parts[at].previous != size) note(parts[at].previous);
  }
  return count;
}

}  // namespace llmbatch::tokens
