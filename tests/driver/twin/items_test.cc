#include "twin/items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> IdsIn(std::string_view prompt) {
  std::vector<std::string> ids;
  for (const Item& item : FindItems(prompt)) ids.push_back(item.id);
  return ids;
}

std::string KeyIn(std::string_view prompt) {
  const auto items = FindItems(prompt);
  return items.empty() ? "" : items.front().key;
}

TEST(FindItems, FindsTheArrayWhereverItStands) {
  EXPECT_THAT(IdsIn(R"([{"id":"a","text":"x"},{"id":"b","input":{"q":1}}])"),
              ElementsAre("a", "b"));
  EXPECT_THAT(IdsIn(R"(Label [carefully]: [ {"id":"a","text":"x"} ] Thanks [all].)"),
              ElementsAre("a"));
  EXPECT_THAT(IdsIn(R"(In a code fence ```json
[
  {"id":"a","text":"brackets ]}[{ and \"quotes\""}
]
```)"),
              ElementsAre("a"));
}

TEST(FindItems, PassesByArraysThatAreNoItems) {
  EXPECT_THAT(IdsIn(R"(Answer like [{"id":"x","label":"good"}] or [{"label":"bad"}] or [{broken.
                       Items: [{"id":"a","input":"x"}])"),
              ElementsAre("a"));
}

TEST(FindItems, IsEmptyWithoutItems) {
  for (const char* prompt :
       {"", "Say hello.", "[", "[{", R"([{"id":1,"text":"x"}])", R"([{"id":"a"}])", "[]",
        R"([{"id":"a","text":"x"},{"id":"b"}])", R"([{"id":"a","text":"never ended)"}) {
    EXPECT_THAT(FindItems(prompt), IsEmpty()) << prompt;
  }
}

TEST(FindItems, GivesUpSoonOnBracketsThatBeginNothing) {
  for (const char* start : {R"([{"a":)", R"([{\")"}) {
    std::string prompt;
    for (int i = 0; i < 500'000; ++i) prompt += start;
    EXPECT_THAT(FindItems(prompt), IsEmpty());
  }
}

TEST(FindItems, NamesAnItemByWhatIsInside) {
  EXPECT_EQ(KeyIn(R"([{"id":"n1","input":{"id":"c-7","text":"x"}}])"), "c-7");
  EXPECT_EQ(KeyIn(R"([{"id":"n1","input":{"key":17}}])"), "17");
  EXPECT_EQ(KeyIn(R"([{"id":"n1","text":"a"}])"), "af63dc4c8601ec8c");
}

TEST(FindItems, NamesAnItemAlikeUnderEveryId) {
  EXPECT_EQ(KeyIn(R"([{"id":"n1","input":{"q": [1, 2]}}])"),
            KeyIn(R"([{"id":"n2","input":{"q":[1,2]}}])"));
  EXPECT_NE(KeyIn(R"([{"id":"n1","text":"a"}])"), KeyIn(R"([{"id":"n1","text":"b"}])"));
}

}  // namespace
}  // namespace llmbatch::twin
