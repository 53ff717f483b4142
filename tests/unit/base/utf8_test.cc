#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace llmbatch::base {
namespace {

TEST(Utf8, AcceptsTheEdgesOfEachLength) {
  for (const std::string& text :
       {std::string("\0", 1), std::string("\x7F"), std::string("\xC2\x80"), std::string("\xDF\xBF"),
        std::string("\xE0\xA0\x80"), std::string("\xEF\xBF\xBF"), std::string("\xF0\x90\x80\x80"),
        std::string("\xF4\x8F\xBF\xBF")}) {
    EXPECT_TRUE(IsUtf8(text));
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndCutSequences) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "a\xE2\x82", "\xE2\x28\xA1"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
}

TEST(Utf8, TruncatesBetweenCodePoints) {
  EXPECT_EQ(TruncateUtf8("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(TruncateUtf8("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(CountCodePoints("a\xE2\x82\xAC"), 2U);
}

}  // namespace
}  // namespace llmbatch::base
