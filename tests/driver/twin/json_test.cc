#include "twin/json.h"

#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

TEST(BalancedLength, EndsAtTheBracketThatClosesTheFirst) {
  EXPECT_EQ(BalancedLength("[1,[2]] and more"), 7U);
  EXPECT_EQ(BalancedLength(R"({"a":"]}\"}"} tail)"), 13U);
}

TEST(BalancedLength, IsAbsentWithoutAnEndOrABeginning) {
  for (const char* text : {"", "text", " []", "[", R"(["never ended])", R"({"a":"\)"}) {
    EXPECT_EQ(BalancedLength(text), std::nullopt) << text;
  }
}

TEST(ParseJson, RefusesWhatNestsTooDeeply) {
  EXPECT_TRUE(ParseJson(std::string(64, '[') + std::string(64, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(65, '[') + std::string(65, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(1'000'000, '[')).ok());
}

TEST(ParseJson, RefusesWhatIsNoJson) {
  for (const char* text : {"", "1", "[1,]", "{} {}", "[\"\xff\"]", "{\"a\":1}x", "]"}) {
    EXPECT_FALSE(ParseJson(text).ok()) << text;
  }
}

}  // namespace
}  // namespace llmbatch::twin
