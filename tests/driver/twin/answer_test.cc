#include "twin/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<Item> kItems = {{.id = "n1", .key = "c-1", .text = "one"},
                                  {.id = "n2", .key = "c-2", .text = "two"},
                                  {.id = "n3", .key = "c-3", .text = "three"}};
const std::vector<std::string> kObjects = {R"({"id":"n1","v":1})", R"({"id":"n2","v":2})",
                                           R"({"id":"n3","v":3})"};

Answer Spoilt(FaultKind fault, const std::vector<std::size_t>& targets = {}) {
  return AssembleAnswer(kItems, kObjects, nullptr, fault, targets);
}

TEST(BuildObjects, FollowsTheSchemaOfOneResult) {
  const auto schema = ParseJson(
      R"({"properties":{"results":{"items":{"properties":{"id":{},"sure":{"const":true}}}}}})");
  ASSERT_TRUE(schema.ok());
  EXPECT_THAT(BuildObjects(kItems, &*schema),
              ElementsAre(R"({"id":"n1","sure":true})", R"({"id":"n2","sure":true})",
                          R"({"id":"n3","sure":true})"));
}

TEST(BuildObjects, LabelsAndSummarizesWithoutASchema) {
  const auto objects = BuildObjects(kItems, nullptr);
  EXPECT_THAT(objects[1], HasSubstr(R"("id":"n2","label":)"));
  EXPECT_THAT(objects[1], HasSubstr(R"("summary":"summary of c-2")"));
}

TEST(AssembleAnswer, PutsTheObjectsIntoAListOrIntoResults) {
  EXPECT_EQ(Spoilt(FaultKind::kNone).text,
            R"([{"id":"n1","v":1},{"id":"n2","v":2},{"id":"n3","v":3}])");
  const auto schema = ParseJson(R"({"properties":{"results":{}}})");
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(AssembleAnswer(kItems, kObjects, &*schema, FaultKind::kNone, {}).text,
            R"({"results":[{"id":"n1","v":1},{"id":"n2","v":2},{"id":"n3","v":3}]})");
}

TEST(AssembleAnswer, SpoilsTheObjectsThatTheFaultIsAbout) {
  struct Case {
    FaultKind fault;
    std::vector<std::size_t> targets;
    std::string text;
    std::vector<bool> answered;
  };
  const std::vector<Case> cases = {
      {FaultKind::kMissing, {0, 2}, R"([{"id":"n2","v":2}])", {false, true, false}},
      {FaultKind::kSwapped,
       {2, 0},
       R"([{"id":"n3","v":1},{"id":"n2","v":2},{"id":"n1","v":3}])",
       {false, true, false}},
      {FaultKind::kDuplicated,
       {1},
       R"([{"id":"n1","v":1},{"id":"n2","v":2},{"id":"n3","v":3},{"id":"n2","v":2}])",
       {true, true, true}},
      {FaultKind::kForeign,
       {},
       R"([{"id":"n1","v":1},{"id":"n2","v":2},{"id":"n3","v":3},{"id":"foreign-n1","v":1}])",
       {true, true, true}}};
  for (const Case& one : cases) {
    const Answer answer = Spoilt(one.fault, one.targets);
    EXPECT_EQ(answer.text, one.text);
    EXPECT_EQ(answer.answered, one.answered) << answer.text;
  }
}

TEST(AssembleAnswer, WrapsTheTextWithoutLosingAnything) {
  EXPECT_THAT(Spoilt(FaultKind::kFenced).text, ::testing::MatchesRegex("```json\n\\[.*\\]\n```"));
  EXPECT_THAT(Spoilt(FaultKind::kProse).text, HasSubstr("\n\n[{"));
  EXPECT_THAT(Spoilt(FaultKind::kFenced).answered, ElementsAre(true, true, true));
}

TEST(AssembleAnswer, LosesEverythingInATextThatIsNoJson) {
  const Answer garbled = Spoilt(FaultKind::kGarbled);
  EXPECT_FALSE(ParseJson(garbled.text).ok());
  EXPECT_THAT(garbled.answered, ElementsAre(false, false, false));
  EXPECT_EQ(Spoilt(FaultKind::kEmpty).text, "");
  EXPECT_TRUE(Spoilt(FaultKind::kRefusal).refusal.has_value());
  EXPECT_EQ(Spoilt(FaultKind::kContentFilter).finish, FinishReason::kContentFilter);
}

TEST(AssembleAnswer, KeepsWhatStandsBeforeTheCut) {
  const Answer answer = Spoilt(FaultKind::kTruncated);
  EXPECT_EQ(answer.text, R"([{"id":"n1","v":1},{"id":"n2","v")");
  EXPECT_EQ(answer.finish, FinishReason::kLength);
  EXPECT_THAT(answer.answered, ElementsAre(true, false, false));
}

TEST(LimitTokens, CutsOnlyWhatIsTooLong) {
  Answer answer = Spoilt(FaultKind::kNone);
  LimitTokens(kObjects, 20, 4, answer);
  EXPECT_EQ(answer.finish, FinishReason::kStop);
  LimitTokens(kObjects, 10, 4, answer);
  EXPECT_EQ(answer.text.size(), 40U);
  EXPECT_EQ(answer.finish, FinishReason::kLength);
  EXPECT_THAT(answer.answered, ElementsAre(true, true, false));
  LimitTokens(kObjects, UINT64_MAX, 4, answer);
}

TEST(LimitTokens, CutsNoCharacterInTwo) {
  Answer answer = AssembleText("äääääääää", FaultKind::kNone);
  LimitTokens({}, 3, 1, answer);
  EXPECT_EQ(answer.text, "ä");
}

TEST(EstimateTokens, CountsCharactersNotBytes) {
  EXPECT_EQ(EstimateTokens("", 4), 0U);
  EXPECT_EQ(EstimateTokens("abcde", 4), 2U);
  EXPECT_EQ(EstimateTokens("ääää", 4), 1U);
}

TEST(BuildSentence, IsTheSameForTheSamePrompt) {
  EXPECT_EQ(BuildSentence("Say hello."), BuildSentence("Say hello."));
  EXPECT_FALSE(BuildSentence("").empty());
}

}  // namespace
}  // namespace llmbatch::twin
