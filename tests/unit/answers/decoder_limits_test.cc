// Answers made to hurt.
#include <gtest/gtest.h>

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "answers/candidates.h"
#include "base/rng.h"
#include "unit/answers/decode.h"

namespace llmbatch::answers {
namespace {

std::string Repeat(std::string_view part, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + part.size());
  while (text.size() < bytes) text += part;
  text.resize(bytes);
  return text;
}

TEST(Limits, LargerAnswersAreRefused) {
  const std::vector<std::string> nonces = {"a"};
  const std::string text = Repeat(" ", kMaxAnswerBytes + 1);
  const auto decoded = DecodeAnswers(text, nonces, nullptr, Ending::kWhole);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().kind, base::ErrorKind::kTooLarge);
}

TEST(Limits, ErrorsDoNotQuoteTheAnswer) {
  const std::vector<std::string> nonces = {"a"};
  const auto decoded = DecodeAnswers("swordfish", nonces, nullptr, Ending::kWhole);
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.error().message.find("swordfish"), std::string::npos);
}

constexpr std::string_view kHostileParts[] = {"[",
                                              "{",
                                              "]",
                                              "{\"",
                                              "[{",
                                              "[\"",
                                              "\"",
                                              "\\",
                                              "[]",
                                              "[{}]",
                                              "[1,",
                                              "{\"a\":",
                                              "{\"a\":[",
                                              "{\"a\":+",
                                              "[[1,x",
                                              "<think>",
                                              "<think></think>",
                                              "{\"id\":\"a\"}",
                                              "[{\"id\":\"a\"}],",
                                              "{\"results\":[",
                                              "```json\n[",
                                              "[\n\"",
                                              "{\"id\":\"a\",\"x\":\"\n",
                                              "{a:",
                                              "{'a':'",
                                              "{a:[",
                                              "{a:\"\" \"",
                                              "[{a:1}",
                                              "{a:1}",
                                              "{'",
                                              "{\"a\":\"\",",
                                              "{a:/*",
                                              "[{a:1,//",
                                              "[{a:\n#",
                                              "{\\\"",
                                              "[{a:\"x\" ,  \"",
                                              "‘",
                                              "[{“"};

double SecondsToDecode(std::string_view part, std::size_t bytes) {
  const std::string text = Repeat(part, bytes);
  const std::clock_t begin = std::clock();
  for (const Ending ending : {Ending::kWhole, Ending::kCutOff}) {
    EXPECT_NE(Decode(text, {"a", "b"}, ending), "") << part;
    EXPECT_NE(Decode("[" + text.substr(1), {"a"}, ending), "") << part;
    EXPECT_NE(Decode("[{a:\"" + text + "+", {"a"}, ending), "") << part;
  }
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(Limits, LargeHostileTextsTakeLinearTime) {
  // Sixteen times the text: quadratic work would take 256 times as long. What is added is for the
  // noise of the clock.
  constexpr std::size_t kFewBytes = 8U << 10;
  for (const std::string_view part : kHostileParts) {
    const double few = SecondsToDecode(part, kFewBytes);
    const double many = SecondsToDecode(part, 16 * kFewBytes);
    EXPECT_LT(many, 64 * few + 0.1) << part;
  }
}

TEST(Limits, DeepNestingIsNoAnswer) {
  const std::string deep =
      R"([{"id":"a","x":)" + Repeat("[", 100) + Repeat("]", 100) + R"(},{"id":"b"}])";
  EXPECT_EQ(Decode(deep, {"a", "b"}), "error");
}

TEST(Limits, CandidatesAreBounded) {
  Mends mends;
  EXPECT_EQ(FindCandidates(Repeat("[]", 10'000), Mode::kStrict, mends).values.size(),
            kMaxCandidates);
}

TEST(Limits, AnyTextIsReadWithoutHarm) {
  constexpr std::string_view kParts[] = {
      "[",        "]",   "{",     "}",       "\"",           ":",    ",",   "\\",
      "\n",       " ",   "null",  "-1e5",    "id",           "a",    "tru", "<think>",
      "</think>", "```", "\"a\"", "\"id\":", "\"results\":", "\xC3", "漢",  "\t"};
  base::Rng rng(20261121);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (std::uint64_t parts = rng.Below(40); parts > 0; --parts) {
      text += kParts[rng.Below(std::size(kParts))];
    }
    EXPECT_NE(Decode(text, {"a", "b"}), "") << text;
  }
}

}  // namespace
}  // namespace llmbatch::answers
