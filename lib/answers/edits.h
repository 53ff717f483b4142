// Edits: the log of what was changed in a broken answer to read it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmbatch::answers {

enum class EditKind : std::uint8_t {
  kComment,     // left out
  kComma,       // put in where it was missing, left out where it was one too many
  kQuote,       // single or typographic quotation marks around a string
  kName,        // a member's name without quotation marks
  kLiteral,     // True, FALSE, None …
  kNumber,      // +1, .5, 1., 007, 0x1F
  kNulled,      // NaN, Infinity, undefined: null stands for a value that JSON hasn't
  kControl,     // a control character in a string
  kBackslash,   // one that escapes nothing
  kInnerQuote,  // a quotation mark in a string that was not escaped
  kBracket,     // put in, left out or exchanged
  kJoined,      // objects one behind the other, without a list around them
  kUnwrapped,   // JSON written as the content of a JSON string
};
inline constexpr std::size_t kEditKinds = 13;
// "comment", "comma" …
std::string_view ToString(EditKind kind);

// Of one value. One that needs more is refused: it is not what the model meant any more.
inline constexpr std::size_t kMaxEdits = 20'000;
// Of these, the ones where other readings can be thought of: inner quotes and brackets.
inline constexpr std::size_t kMaxGuesses = 64;

class Edits {
 public:
  void Add(EditKind kind, std::size_t times = 1);
  void Add(const Edits& others);

  std::size_t Of(EditKind kind) const;
  std::size_t total() const { return total_; }
  bool over_limit() const;

 private:
  std::array<std::size_t, kEditKinds> counts_{};
  std::size_t total_ = 0;
};

}  // namespace llmbatch::answers
