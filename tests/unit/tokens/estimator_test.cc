#include "tokens/estimator.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "tokens/features.h"

namespace llmbatch::tokens {
namespace {

std::int64_t Classes(std::string_view text, Family family = Family::kO200k) {
  return EstimateTokens(text, Method::kClasses, family);
}

struct FeatureCase {
  std::string_view text;
  Feature feature;
  std::int64_t count;
};

TEST(Features, AreCounted) {
  const FeatureCase cases[] = {
      {"", kWord, 0},
      {"one two", kWord, 2},
      {"camelCaseHTTPServer", kWord, 3},
      {"ABC", kWord, 1},
      {"ABC", kCapitalFrom3, 1},
      {"Abc", kCapitalFrom3, 0},
      {"abcde", kLetter6To9, 0},
      {"abcdefghijkl", kLetter6To9, 4},
      {"abcdefghijkl", kLetterFrom10, 3},
      {"1", kDigitGroup, 1},
      {"1234", kDigitGroup, 2},
      {"1234567", kDigitGroup, 3},
      {"123,456", kDigitGroup, 2},
      {"0123456789ab", kMixedChar, 12},
      {"0123456789ab", kWord, 0},
      {"0123456789a", kMixedChar, 0},
      {"123456789012", kMixedChar, 12},
      {"abcdefghijklmnop", kMixedChar, 0},
      {"some/path/without/digits", kMixedChar, 0},
      {"QUJDREVGMTIz+/8=", kMixedChar, 16},
      {"\\u4f60\\u597D", kUnicodeEscape, 2},
      {"\\u4f6", kUnicodeEscape, 0},
      {"\\uzzzz", kUnicodeEscape, 0},
      {"\\", kUnicodeEscape, 0},
      {"\"\\u4f60\"", kPunctuationRun, 2},
      {"a,b;c", kPunctuationRun, 2},
      {"\"}],", kPunctuationRun, 1},
      {"\"}],", kPunctuationFurther, 3},
      {"a\nb\r\nc\rd", kNewline, 3},
      {"a\n    b", kBlanks, 0},
      {"a  b   c d", kBlanks, 2},
      {"a 1 2", kBlankBeforeDigit, 2},
      {"ä", kLatinExtended, 1},
      {"größer", kLatinExtended, 2},
      {"größer", kNonAsciiRun, 1},
      {"ελ", kGreek, 2},
      {"да", kCyrillic, 2},
      {"של", kHebrew, 2},
      {"لا", kArabic, 2},
      {"हि", kDevanagari, 2},
      {"ไท", kThai, 2},
      {"한국", kHangul, 2},
      {"かな", kKana, 2},
      {"ｶ", kKana, 1},
      {"漢字", kHan, 2},
      {"。！", kCjkPunctuation, 2},
      {"→—", kSymbol, 2},
      {"😀𠀀", kSupplementary, 2},
      {"বা", kOther, 2},
      {"§", kOther, 1},
  };
  for (const FeatureCase& c : cases) {
    EXPECT_EQ(CountFeatures(c.text)[c.feature], c.count)
        << '"' << c.text << "\", feature " << static_cast<int>(c.feature);
  }
}

TEST(Features, MalformedUtf8IsCountedByteByByte) {
  EXPECT_EQ(CountFeatures("\x80\xBF")[kOther], 2);
  EXPECT_EQ(CountFeatures("\xE4\xBD")[kOther], 2);
  EXPECT_EQ(CountFeatures("\xF0\x9F\x98")[kOther], 3);
  EXPECT_EQ(CountFeatures("\xFF\xFE")[kOther], 2);
  EXPECT_EQ(CountFeatures("\xC3\x28")[kOther], 1);
}

TEST(Estimator, EveryByteStringOfLengthTwoIsRead) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[] = {static_cast<char>(first), static_cast<char>(second)};
      EXPECT_GE(Classes({text, 2}), 0);
    }
  }
}

TEST(Estimator, EveryCutOfATextIsRead) {
  const std::string text = "a1 \\u4f60 größer 漢字 😀 0123456789abcdef\r\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::string cut = text.substr(0, length);
    EXPECT_GE(Classes(cut), 0);
  }
}

TEST(Estimator, NothingHasNoTokens) {
  EXPECT_EQ(Classes(""), 0);
  EXPECT_EQ(EstimateTokens("", Method::kChars, Family::kO200k), 0);
}

TEST(Estimator, CharsIsAQuarterOfTheCodePointsRoundedUp) {
  EXPECT_EQ(EstimateTokens("abcd", Method::kChars, Family::kO200k), 1);
  EXPECT_EQ(EstimateTokens("abcde", Method::kChars, Family::kO200k), 2);
  EXPECT_EQ(EstimateTokens("漢字漢字", Method::kChars, Family::kO200k), 1);
}

TEST(Estimator, NoScriptIsFreeInAnyFamily) {
  for (const char* text : {"а", "ა", "ආ", "ኢ", "בב", "😀", "§", "漢", "ᚠ"}) {
    EXPECT_GT(Classes(text, Family::kO200k), 0) << text;
    EXPECT_GT(Classes(text, Family::kClaude5), 0) << text;
  }
}

TEST(Estimator, ClaudeHasMoreTokensForTheSameProse) {
  const std::string_view text = "The replacement router had not arrived on Monday.";
  EXPECT_GT(Classes(text, Family::kClaude5), Classes(text, Family::kO200k));
}

TEST(Estimator, LongRunsTakeLinearTime) {
  // Quadratic work on these would take minutes.
  constexpr std::size_t kBytes = 4U << 20;
  std::string slashes(kBytes, '/');
  std::string pairs;
  std::string letters(kBytes, 'x');
  while (pairs.size() < kBytes) pairs += "a/B=";
  for (const std::string& text : {slashes, pairs, letters, std::string(kBytes, '\\'),
                                  std::string(kBytes, '7'), std::string(kBytes, '\xE4')}) {
    EXPECT_GT(Classes(text), 0);
  }
}

}  // namespace
}  // namespace llmbatch::tokens
