#include "base/lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace llmbatch::base {
namespace {

std::vector<Line> LinesOf(std::string_view text) {
  std::vector<Line> lines;
  LineReader reader(text);
  while (const auto line = reader.Next()) lines.push_back(*line);
  return lines;
}

TEST(LineReader, BlankLinesCanBeLeftOutAndAreCounted) {
  auto lines = LinesOf("a\n\n \t\r\nb c\r\nlast");
  EXPECT_EQ(lines.size(), 5u);
  std::erase_if(lines, [](const Line& line) { return IsBlank(line.text); });
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].number, 1u);
  EXPECT_EQ(lines[1].number, 4u);
  EXPECT_EQ(lines[1].text, "b c\r");
  EXPECT_EQ(lines[2].number, 5u);
  EXPECT_EQ(lines[2].text, "last");
  EXPECT_TRUE(LinesOf("").empty());
}

TEST(LineReader, AnEndOfLineAtTheEndBeginsNoLine) {
  EXPECT_EQ(LinesOf("a\n").size(), 1u);
  EXPECT_EQ(LinesOf("\n\n").size(), 2u);
}

}  // namespace
}  // namespace llmbatch::base
