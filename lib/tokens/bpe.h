// Bpe: exact counts of tokens by byte pair encoding, from a file of ranks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace llmbatch::tokens {

// o200k's way to cut texts (splitter.h) with the ranks of a file in tiktoken's form: a line for
// each token, its bytes in Base64, a blank, its rank. Immutable: any thread may count.
class Bpe {
 public:
  // `text` is the file's. The error names the line; every single byte must have a rank.
  static base::Result<std::shared_ptr<const Bpe>> Parse(std::string_view text);

  // No text is special. The work is as the length times its logarithm, whatever the text.
  std::int64_t Count(std::string_view text) const;
  std::size_t size() const { return ranks_.size(); }

 private:
  using Rank = std::uint32_t;

  Bpe() = default;
  Rank RankOf(std::string_view bytes) const;
  std::int64_t CountPiece(std::string_view piece) const;
  std::int64_t CountShort(std::string_view piece) const;
  std::int64_t CountLong(std::string_view piece) const;

  std::string bytes_;  // of all tokens, which the keys point into
  std::unordered_map<std::string_view, Rank> ranks_;
};

}  // namespace llmbatch::tokens
