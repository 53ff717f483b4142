// CountFeatures: what of a text decides how many tokens it has, for EstimateTokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace llmbatch::tokens {

enum Feature : std::uint8_t {
  // Letters a–z and A–Z; a new word begins at a capital after a small letter.
  kWord,
  kLetter6To9,          // each letter of a word from its 6th to its 9th
  kLetterFrom10,        // each letter of a word from its 10th on
  kCapitalFrom3,        // each letter of a word of capitals from its 3rd on
  kLetter,              // each letter, of all words
  kDigitGroup,          // up to three digits
  kMixedChar,           // each character of a long run of letters and digits: hex, base64
  kUnicodeEscape,       // \u and four hex digits
  kPunctuationRun,      // ASCII punctuation
  kPunctuationFurther,  // each character of such a run after its first
  kNewline,             // with the blanks behind it
  kBlanks,              // two and more
  kBlankBeforeDigit,
  kNonAsciiRun,
  // Each character of a script:
  kLatinExtended,
  kGreek,
  kCyrillic,
  kHebrew,
  kArabic,
  kDevanagari,
  kThai,
  kHangul,
  kKana,
  kHan,
  kCjkPunctuation,
  kSymbol,         // U+2000–U+2BFF
  kSupplementary,  // from U+10000 on: emoji, rare Han
  kOther,          // all else, and bytes that are no UTF-8
};
inline constexpr std::size_t kFeatureCount = kOther + 1;

using FeatureCounts = std::array<std::int64_t, kFeatureCount>;

FeatureCounts CountFeatures(std::string_view text);

}  // namespace llmbatch::tokens
