// What the readers of broken JSON have in common: where tokens begin and end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "answers/edits.h"

namespace llmbatch::answers {

// How a token was read.
enum class Token {
  kWhole,
  kCut,     // the text ends inside, or right behind where more could follow
  kBroken,  // nothing that could be told
};

enum class QuoteStyle : std::uint8_t { kNone, kDouble, kSingle, kCurly, kCurlySingle, kAngle };

struct QuoteMark {
  QuoteStyle style = QuoteStyle::kNone;
  std::size_t bytes = 0;
};

// The quotation mark that begins at `at`; kNone if there is none.
QuoteMark QuoteAt(std::string_view text, std::size_t at);

// Whether a string that begins with a mark of style `open` can end with one of style `mark`.
bool CanClose(QuoteStyle open, QuoteStyle mark);

// Behind the blanks of JSON.
std::size_t SkipBlanks(std::string_view text, std::size_t at);

// Behind blanks of any kind and comments, which are logged.
std::size_t SkipGap(std::string_view text, std::size_t at, Edits& edits);

// How many bytes from `at` on could be a name without quotation marks, at most kMaxNameBytes + 1.
inline constexpr std::size_t kMaxNameBytes = 256;
std::size_t BareNameLength(std::string_view text, std::size_t at);

// Whether a name and its colon begin at `at`.
bool IsNameAt(std::string_view text, std::size_t at);

// Whether the text ends within a token that begins at `at` and is no name, number or word.
bool IsUnfinishedAt(std::string_view text, std::size_t at);

bool IsFenceAt(std::string_view text, std::size_t at);
bool IsCommentAt(std::string_view text, std::size_t at);

}  // namespace llmbatch::answers
