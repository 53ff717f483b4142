// Cutting and merging as o200k does. That counts are exact with the real ranks is shown against
// another tokenizer (tests/e2e/test_tokens.py); here the ranks are made up.
#include "tokens/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/rng.h"
#include "tokens/splitter.h"

namespace llmbatch::tokens {
namespace {

std::string Split(std::string_view text) {
  std::string pieces;
  while (!text.empty()) {
    const std::size_t length = PieceLength(text);
    if (length == 0 || length > text.size()) return "no progress";
    pieces += (pieces.empty() ? "" : "|") + std::string(text.substr(0, length));
    text.remove_prefix(length);
  }
  return pieces;
}

TEST(PieceLength, CutsAsThePatternSays) {
  const std::pair<std::string, std::string> rows[] = {
      {"Hello world", "Hello| world"},
      {"HelloWorld", "Hello|World"},
      {"HELLOWorld", "HELLOWorld"},
      {"HELLO", "HELLO"},
      {"camelCaseText", "camel|Case|Text"},
      {"it's I'LL don't we'Re x'y", "it's| I'LL| don't| we'Re| x|'y"},
      {"it'", "it|'"},
      {"'s", "'s"},
      {"o'\xC5\xBF", "o'\xC5\xBF"},
      {"1234567", "123|456|7"},
      {" 12", " |12"},
      {"a1b", "a|1|b"},
      {"x=1;\n\ny", "x|=|1|;\n\n|y"},
      {"://a/b", "://|a|/b"},
      {" ...\r\n/\n", " ...\r\n/\n"},
      {"(word)", "(word|)"},
      {"\"word\"", "\"word|\""},
      {"a  b", "a| | b"},
      {"a   ", "a|   "},
      {"a \n b", "a| \n| b"},
      {"a\n\n\nb", "a|\n\n\n|b"},
      {" \n \n  x", " \n \n| | x"},
      {"\tx", "\tx"},
      {"\nx", "\n|x"},
      {"  1", " | |1"},
      {"\xC3\x84pfel \xC3\xBC"
       "ber",
       "\xC3\x84pfel| \xC3\xBC"
       "ber"},
      {"\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", "\xE4\xBD\xA0\xE5\xA5\xBD|\xE3\x80\x82"},
      {"e\xCC\x81x", "e\xCC\x81x"},
      {"\xCC\x81"
       "A",
       "\xCC\x81|A"},
      {"A\xC2\xAA"
       "B",
       "A\xC2\xAA|B"},
      {"\xF0\x9F\x98\x80!", "\xF0\x9F\x98\x80!"},
      {"a\xC2\xA0"
       "b",
       "a|\xC2\xA0"
       "b"},
      {"\xD9\xA1\xD9\xA2\xD9\xA3\xD9\xA4", "\xD9\xA1\xD9\xA2\xD9\xA3|\xD9\xA4"},
      {"a\xFF\xFE"
       "b",
       "a|\xFF\xFE|b"},
  };
  for (const auto& [text, pieces] : rows) EXPECT_EQ(Split(text), pieces) << text;
}

using Tokens = std::vector<std::string>;

// Every byte, then these, in the order of their ranks.
std::string RankFile(const Tokens& tokens) {
  std::string file;
  int rank = 0;
  for (int byte = 0; byte < 256; ++byte) {
    file += base::EncodeBase64(std::string(1, static_cast<char>(byte))) + " " +
            std::to_string(rank++) + "\n";
  }
  for (const std::string& token : tokens) {
    file += base::EncodeBase64(token) + " " + std::to_string(rank++) + "\n";
  }
  return file;
}

// One pair after the other, by the book.
std::size_t CountSlowly(std::string_view piece, const Tokens& tokens) {
  Tokens parts;
  for (const char c : piece) parts.emplace_back(1, c);
  while (true) {
    std::size_t best = tokens.size();
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = std::find(tokens.begin(), tokens.end(), parts[i] + parts[i + 1]);
      const auto rank = static_cast<std::size_t>(found - tokens.begin());
      if (rank < best) best = rank, at = i;
    }
    if (best == tokens.size()) return parts.size();
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(Bpe, MergesTheLowestRankFirst) {
  const Tokens tokens = {"bc", "ab", "abc", "aa", "aaaa"};
  const auto bpe = Bpe::Parse(RankFile(tokens));
  ASSERT_TRUE(bpe.ok()) << bpe.error().message;
  const std::pair<const char*, int> rows[] = {
      {"", 0},    {"a", 1},    {"ab", 1},     {"abc", 1},      {"abcab", 2},
      {"aaa", 2}, {"aaaa", 1}, {"aaaaaa", 2}, {"xyz", 3},      {"ab ab", 3},
      {"bcb", 2}, {"aab", 2},  {"aaab", 2},   {"abc\nabc", 3}, {"a1a1", 4}};
  for (const auto& [text, count] : rows) EXPECT_EQ((*bpe)->Count(text), count) << text;
}

TEST(Bpe, CountsAsOneMergeAfterTheOtherDoes) {
  base::Rng rng(7);
  for (int round = 0; round < 60; ++round) {
    Tokens tokens;
    for (int i = 0; i < 40; ++i) {
      std::string token;
      for (std::uint64_t size = 2 + rng.Below(5); size > 0; --size) {
        token += static_cast<char>('a' + rng.Below(3));
      }
      if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
    }
    const auto bpe = Bpe::Parse(RankFile(tokens));
    ASSERT_TRUE(bpe.ok()) << bpe.error().message;
    for (const std::size_t size : {1U, 7U, 47U, 48U, 49U, 50U, 200U}) {
      std::string piece;
      for (std::size_t i = 0; i < size; ++i) piece += static_cast<char>('a' + rng.Below(3));
      const bool is_token = std::find(tokens.begin(), tokens.end(), piece) != tokens.end();
      const std::size_t expected = is_token ? 1 : CountSlowly(piece, tokens);
      EXPECT_EQ((*bpe)->Count(piece), static_cast<std::int64_t>(expected)) << piece;
    }
  }
}

// A piece of this length has 4 * 10^10 pairs to look at if each merge looks at all of them.
TEST(Bpe, IsNotSlowedDownByOneLongPiece) {
  constexpr std::size_t kBytes = 200'000;
  const auto bpe = Bpe::Parse(RankFile({"aa", "aaaa", "aaaaaaaa"}));
  ASSERT_TRUE(bpe.ok());
  EXPECT_EQ((*bpe)->Count(std::string(kBytes, 'a')), static_cast<std::int64_t>(kBytes / 8));
  EXPECT_EQ((*bpe)->Count(std::string(kBytes, 'b')), static_cast<std::int64_t>(kBytes));
  EXPECT_EQ((*bpe)->Count(std::string(kBytes, ' ')), static_cast<std::int64_t>(kBytes));
}

TEST(Bpe, RefusesFilesThatAreNone) {
  const std::string sound = RankFile({"ab"});
  const std::pair<std::string, const char*> rows[] = {
      {"", "the byte 0 has no rank"},
      {"no ranks", "line 1: must be a token in Base64, a blank and a rank"},
      {sound + "YWI=\n", "line 258: must be a token in Base64, a blank and a rank"},
      {sound + " 7\n", "line 258: must be a token in Base64, a blank and a rank"},
      {sound + "YWJj x\n", "line 258: the rank must be a number"},
      {sound + "YWJj -1\n", "line 258: the rank must be a number"},
      {sound + "YWJj 4294967295\n", "line 258: the rank must be a number"},
      {sound + "YWI= 300\n", "a token stands there twice"},
      {sound.substr(sound.find('\n') + 1), "the byte 0 has no rank"},
  };
  for (const auto& [file, problem] : rows) {
    const auto bpe = Bpe::Parse(file);
    ASSERT_FALSE(bpe.ok()) << problem;
    EXPECT_NE(bpe.error().message.find(problem), std::string::npos) << bpe.error().message;
  }
  EXPECT_TRUE(Bpe::Parse(sound + "\n\r\n").ok());
}

}  // namespace
}  // namespace llmbatch::tokens
