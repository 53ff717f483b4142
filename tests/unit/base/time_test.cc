#include "base/time.h"

#include <gtest/gtest.h>

namespace llmbatch::base {
namespace {

TEST(Rfc3339, WritesUtcWithMilliseconds) {
  EXPECT_EQ(FormatRfc3339(WallTime{}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(WallTime{std::chrono::milliseconds{1'795'247'481'042}}),
            "2026-11-21T07:51:21.042Z");
}

TEST(Rfc3339, ReadsOffsetsAndFractions) {
  const WallTime expected{std::chrono::milliseconds{1'795'247'481'500}};
  for (const char* text : {"2026-11-21T07:51:21.5Z", "2026-11-21t07:51:21.500z",
                           "2026-11-21T09:51:21.500000000+02:00", "2026-11-20T22:51:21.50-09:00"}) {
    EXPECT_EQ(ParseRfc3339(text), expected) << text;
  }
}

TEST(Rfc3339, RefusesEverythingElse) {
  for (const char* text : {"", "2026-11-21", "2026-11-21 07:51:21Z", "2026-02-30T00:00:00Z",
                           "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T07:51:21",
                           "2026-11-21T07:51:21.Z", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z",
                           "2026-11-21T07:51:21Zx", "2026-11-21T07:51:21.1234567890Z", "-1", "0"}) {
    EXPECT_FALSE(ParseRfc3339(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace llmbatch::base
