#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "json/value.h"

namespace llmbatch::json {
namespace {

std::string Repeat(std::string_view text, std::size_t times) {
  std::string repeated;
  repeated.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

std::string NestedArrays(std::size_t depth) { return Repeat("[", depth) + Repeat("]", depth); }

std::string NestedObjects(std::size_t depth) {
  return Repeat(R"({"a":)", depth - 1) + "{}" + Repeat("}", depth - 1);
}

std::optional<ParseProblem> ProblemOf(std::string_view text, const Limits& limits = {}) {
  const auto outcome = Document::Read(text, limits);
  const auto* failure = std::get_if<ParseFailure>(&outcome);
  return failure ? std::optional(failure->problem) : std::nullopt;
}

TEST(JsonLimits, DepthIsBoundedAtItsExactValue) {
  EXPECT_EQ(ProblemOf(NestedArrays(64)), std::nullopt);
  EXPECT_EQ(ProblemOf(NestedObjects(64)), std::nullopt);
  for (const std::size_t depth : {65U, 1'000U, 200'000U}) {
    EXPECT_EQ(ProblemOf(NestedArrays(depth)), ParseProblem::kTooDeep) << depth;
    EXPECT_EQ(ProblemOf(NestedObjects(depth)), ParseProblem::kTooDeep) << depth;
    EXPECT_EQ(ProblemOf(Repeat("[", depth)), ParseProblem::kTooDeep) << depth;
    EXPECT_EQ(ProblemOf(Repeat("[{\"a\":", depth)), ParseProblem::kTooDeep) << depth;
  }
}

TEST(JsonLimits, DeepValuesAreWrittenAndDestroyedWithoutUsingTheStack) {
  constexpr std::size_t kDepth = 200'000;
  const std::string text = NestedArrays(kDepth);
  auto document = Document::Parse(text, {.max_depth = kDepth});
  ASSERT_TRUE(document.ok());
  EXPECT_EQ(document->root().ToJson(), text);
}

TEST(JsonLimits, ManySiblingsAreNoDepth) {
  EXPECT_EQ(ProblemOf("[" + Repeat("[],", 1'000) + "[]]"), std::nullopt);
}

TEST(JsonLimits, BytesAreCountedBeforeAnythingIsRead) {
  EXPECT_EQ(ProblemOf("[1]", {.max_bytes = 3}), std::nullopt);
  EXPECT_EQ(ProblemOf("[1]", {.max_bytes = 2}), ParseProblem::kTooManyBytes);
  EXPECT_EQ(ProblemOf(std::string(10U << 20, '[')), ParseProblem::kTooManyBytes);
}

TEST(JsonLimits, EveryValueCountsAsANode) {
  EXPECT_EQ(ProblemOf("[1,2]", {.max_nodes = 3}), std::nullopt);
  EXPECT_EQ(ProblemOf("[1,2,3]", {.max_nodes = 3}), ParseProblem::kTooManyNodes);
  EXPECT_EQ(ProblemOf(R"({"a":{}})", {.max_nodes = 2}), std::nullopt);
  EXPECT_EQ(ProblemOf(R"({"a":{}})", {.max_nodes = 1}), ParseProblem::kTooManyNodes);
  EXPECT_EQ(ProblemOf("[" + Repeat("1,", 3'000'000) + "1]"), ParseProblem::kTooManyNodes);
}

TEST(JsonLimits, TenMegabytesAreReadIfTheyAreAllowed) {
  const std::string text = '"' + std::string(10U << 20, 'x') + '"';
  EXPECT_EQ(ProblemOf(text), ParseProblem::kTooManyBytes);
  EXPECT_EQ(ProblemOf(text, {.max_bytes = 11U << 20}), std::nullopt);
}

TEST(JsonLimits, ManyMembersAreCheckedForDuplicatesInAMoment) {
  std::string text = "{";
  for (int i = 0; i < 150'000; ++i) text += "\"member" + std::to_string(i) + "\":1,";
  EXPECT_EQ(ProblemOf(text + "\"last\":1}"), std::nullopt);
  EXPECT_EQ(ProblemOf(text + "\"member77\":1}"), ParseProblem::kDuplicateName);
}

TEST(JsonLimits, TheErrorNamesTheKindAndTheByteButNoContent) {
  const auto syntax = Document::Parse(R"({"secret":geheim})");
  ASSERT_FALSE(syntax.ok());
  EXPECT_EQ(syntax.error().kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(syntax.error().message, "not JSON at byte 10");
  const auto deep = Document::Parse(NestedArrays(65));
  ASSERT_FALSE(deep.ok());
  EXPECT_EQ(deep.error().kind, base::ErrorKind::kTooLarge);
  EXPECT_EQ(deep.error().message, "nested too deep at byte 64");
}

}  // namespace
}  // namespace llmbatch::json
