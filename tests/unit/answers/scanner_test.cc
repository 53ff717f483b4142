#include "answers/scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace llmbatch::answers {
namespace {

using Outcome = Scan::Outcome;

struct Case {
  std::string_view text;
  Outcome outcome;
  std::size_t end;
};

TEST(Scanner, FindsWhereAValueEnds) {
  const Case cases[] = {
      {"[]", Outcome::kWhole, 2},
      {"{} tail", Outcome::kWhole, 2},
      {"[1]]", Outcome::kWhole, 3},
      {R"({"a":[1,-2.5e7,true,false,null,"x"]}x)", Outcome::kWhole, 36},
      {R"(["\"]"])", Outcome::kWhole, 7},
      {R"(["\\"])", Outcome::kWhole, 6},
      {"[", Outcome::kCut, 1},
      {"[1", Outcome::kCut, 2},
      {"[1,", Outcome::kCut, 3},
      {"[tru", Outcome::kCut, 4},
      {R"({"a)", Outcome::kCut, 3},
      {R"({"a")", Outcome::kCut, 4},
      {R"({"a":)", Outcome::kCut, 5},
      {R"(["\)", Outcome::kCut, 3},
      {"[,", Outcome::kBroken, 1},
      {"[1,]", Outcome::kBroken, 3},
      {"[1 2]", Outcome::kBroken, 3},
      {"[trux", Outcome::kBroken, 1},
      {"[x]", Outcome::kBroken, 1},
      {"{1}", Outcome::kBroken, 1},
      {R"({"a" 1})", Outcome::kBroken, 5},
      {R"({"a":1,})", Outcome::kBroken, 7},
      {R"({"a":1])", Outcome::kBroken, 6},
      {"[}", Outcome::kBroken, 1},
      {"[\"a\nb\"]", Outcome::kBroken, 3},
  };
  for (const Case& c : cases) {
    const Scan scan = ScanValue(c.text, 0);
    EXPECT_EQ(scan.outcome, c.outcome) << c.text;
    EXPECT_EQ(scan.end, c.end) << c.text;
  }
}

TEST(Scanner, FindsTheElementsOfTheList) {
  const std::string_view text = R"({"x":[{}],"results":[{"a":[{}]}, 1, {"b":{}}]})";
  const Scan scan = ScanValue(text, 0);
  ASSERT_EQ(scan.elements.size(), 2U);
  EXPECT_EQ(scan.elements[0].In(text), R"({"a":[{}]})");
  EXPECT_EQ(scan.elements[1].In(text), R"({"b":{}})");
  EXPECT_TRUE(scan.list_has_others);
}

TEST(Scanner, OnlyTheRootsResultsAreAList) {
  EXPECT_FALSE(ScanValue(R"({"a":{"results":[{}]}})", 0).has_list);
  EXPECT_FALSE(ScanValue(R"({"results":{"results":[{}]}})", 0).has_list);
  EXPECT_FALSE(ScanValue(R"({"results":1,"a":[{}]})", 0).has_list);
  EXPECT_TRUE(ScanValue(R"({"a":1,"results":[]})", 0).has_list);
}

TEST(Scanner, DepthIsBounded) {
  const std::string as_deep_as_allowed(kMaxScanDepth, '[');
  EXPECT_EQ(ScanValue(as_deep_as_allowed, 0).outcome, Outcome::kCut);
  EXPECT_EQ(ScanValue(as_deep_as_allowed + "[", 0).outcome, Outcome::kBroken);
}

}  // namespace
}  // namespace llmbatch::answers
