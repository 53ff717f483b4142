#include "twin/planted.h"

#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

std::string Planted(const std::string& input, const std::string& object) {
  return WithPlanted(Item{.id = "i", .key = "k", .text = input}, object).value_or("nothing");
}

TEST(WithPlanted, TakesWhatTheItemSays) {
  EXPECT_EQ(Planted(R"({"twin":{"label":"x","other":1}})", R"({"id":"i","label":"label of k"})"),
            R"({"id":"i","label":"x"})");
}

TEST(WithPlanted, TellsNamesOfOneStemToMeanTheSame) {
  EXPECT_EQ(Planted(R"({"classifications":["a","a #2","b","c #1","c #2","c #3"]})",
                    R"({"id":"i","groups":[]})"),
            R"({"id":"i","groups":[{"canonical":"a","aliases":["a #2"]},)"
            R"({"canonical":"c #1","aliases":["c #2","c #3"]}]})");
}

TEST(WithPlanted, LeavesEverythingElseAsItIs) {
  for (const char* input : {"plain text", R"({"twin":1})", R"({"x":{"twin":{}}})", R"(["twin"])"})
    EXPECT_EQ(Planted(input, R"({"id":"i"})"), "nothing") << input;
}

}  // namespace
}  // namespace llmbatch::twin
