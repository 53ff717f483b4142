#include "providers/headers.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string_view>

namespace llmbatch::providers {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Headers, AreFoundByNameAndTrimmed) {
  const std::vector<model::Header> headers = {{"retry-after", " \t7 "}, {"x", ""}};
  EXPECT_EQ(FindHeader(headers, "retry-after"), "7");
  EXPECT_EQ(FindHeader(headers, "x"), "");
  EXPECT_EQ(FindHeader(headers, "y"), std::nullopt);
}

TEST(Headers, WholeNumbersAreDigitsOnly) {
  EXPECT_EQ(ParseWhole("0"), 0);
  EXPECT_EQ(ParseWhole("9223372036854775807"), 9223372036854775807);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1.0", "1e3", "9223372036854775808", "x"}) {
    EXPECT_EQ(ParseWhole(text), std::nullopt) << text;
  }
}

struct DurationCase {
  std::string_view text;
  std::optional<base::Duration> duration;
};

TEST(Headers, UnitDurationsAreRead) {
  const DurationCase cases[] = {
      {"20ms", milliseconds(20)},   {"1s", seconds(1)},
      {"6m0s", minutes(6)},         {"1m30.5s", milliseconds(90'500)},
      {"1h2m3s", seconds(3723)},    {"2d", hours(48)},
      {"0s", seconds(0)},           {"150us", microseconds(150)},
      {"0.5ms", microseconds(500)}, {"", std::nullopt},
      {"5", std::nullopt},          {"s", std::nullopt},
      {"-1s", std::nullopt},        {"+1s", std::nullopt},
      {"1 s", std::nullopt},        {"1s ", std::nullopt},
      {"1x", std::nullopt},         {"1s2", std::nullopt},
      {"1..5s", std::nullopt},      {".5s", std::nullopt},
      {"1e3s", std::nullopt},       {"99999999999d", std::nullopt},
      {"3650d3650d", std::nullopt}, {"99999999999999999999999999999999999999s", std::nullopt},
  };
  for (const DurationCase& c : cases) EXPECT_EQ(ParseUnitDuration(c.text), c.duration) << c.text;
}

TEST(Headers, DecimalDurationsAreRead) {
  const DurationCase cases[] = {
      {"22", seconds(22)},    {"0", seconds(0)},       {"0.25", milliseconds(250)},
      {"", std::nullopt},     {"-1", std::nullopt},    {"inf", std::nullopt},
      {"nan", std::nullopt},  {"1e9", std::nullopt},   {"0x10", std::nullopt},
      {"1,5", std::nullopt},  {"1.2.3", std::nullopt}, {"99999999999999", std::nullopt},
      {"soon", std::nullopt},
  };
  for (const DurationCase& c : cases) {
    EXPECT_EQ(ParseDecimalDuration(c.text, seconds(1)), c.duration) << c.text;
  }
}

TEST(Headers, HttpDatesAreRead) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"),
            base::ParseRfc3339("1994-11-06T08:49:37Z"));
  EXPECT_EQ(ParseHttpDate("Thu, 29 Feb 2024 23:59:59 GMT"),
            base::ParseRfc3339("2024-02-29T23:59:59Z"));
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 31 Feb 2025 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Xxx 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                           "Sun, -6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1904 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 9994 08:49:37 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace llmbatch::providers
