// What people read and write.
#include "ctl/text.h"

#include <gtest/gtest.h>

#include <string>

namespace llmbatch::ctl {
namespace {

using std::chrono::hours;

TEST(Printable, LeavesTextAloneAndShowsTheRest) {
  struct Row {
    std::string bytes;
    std::string shown;
  };
  for (const Row& row : {
           Row{"plain text", "plain text"},
           Row{"größer 日本", "größer 日本"},
           Row{"a\nb\t\x1b[31mred", "a\\x0ab\\x09\\x1b[31mred"},
           Row{std::string("\0\x7f", 2), "\\x00\\x7f"},
           Row{"\xff ok", "\\xff ok"},
           Row{"\xc2\x9b"
               "31m",
               "\\xc2\\x9b31m"},
           Row{"\xc2\xa0", "\xc2\xa0"},
           Row{"ends with \xc2", "ends with \\xc2"},
       }) {
    EXPECT_EQ(Printable(row.bytes), row.shown);
  }
}

TEST(Shortened, CutsBetweenCharacters) {
  EXPECT_EQ(Shortened("abc", 3), "abc");
  EXPECT_EQ(Shortened("abcd", 3), "ab…");
  EXPECT_EQ(Shortened("äöüß", 3), "äö…");
  EXPECT_EQ(Shortened("abc", 1), "…");
  EXPECT_EQ(Shortened("abc", 0), "");
}

TEST(Table, AlignsColumnsByCharacters) {
  EXPECT_EQ(Table({"A", "LONG", "C"}, {{"ä", "x", "1"}, {"abc", "", ""}}),
            "A    LONG  C\n"
            "ä    x     1\n"
            "abc\n");
}

TEST(ParseTime, TakesDatesAndAges) {
  const base::WallTime now = *base::ParseRfc3339("2026-11-21T12:00:00Z");
  EXPECT_EQ(ParseTime("2h", now), now - hours(2));
  EXPECT_EQ(ParseTime("7d", now), now - hours(7 * 24));
  EXPECT_EQ(ParseTime("2026-11-20T00:00:00+01:00", now),
            base::ParseRfc3339("2026-11-19T23:00:00Z"));
  for (const char* bad : {"", "2", "yesterday", "2026-11-20", "-2h"}) {
    EXPECT_EQ(ParseTime(bad, now), std::nullopt) << bad;
  }
}

TEST(BytesText, HasAUnit) {
  EXPECT_EQ(BytesText(0), "0 B");
  EXPECT_EQ(BytesText(1023), "1023 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(8LL << 20), "8.0 MiB");
  EXPECT_EQ(BytesText(5'000LL << 30), "5000.0 GiB");
}

}  // namespace
}  // namespace llmbatch::ctl
