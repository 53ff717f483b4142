#include "config/values.h"

#include <gtest/gtest.h>

namespace llmbatch::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(Duration, IsANumberAndAUnit) {
  EXPECT_EQ(ParseDuration("200ms"), milliseconds(200));
  EXPECT_EQ(ParseDuration("30s"), seconds(30));
  EXPECT_EQ(ParseDuration("5m"), minutes(5));
  EXPECT_EQ(ParseDuration("12h"), hours(12));
  EXPECT_EQ(ParseDuration("7d"), hours(7 * 24));
  EXPECT_EQ(ParseDuration("0s"), seconds(0));
}

TEST(Duration, IsNothingElse) {
  for (const char* text : {"", "s", "30", "30 s", " 30s", "30S", "1.5s", "-1s", "+1s", "1h30m",
                           "1w", "99999999999999999999s", "3651d", "0x10s"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const char* text : {"200ms", "30s", "5m", "12h", "7d", "90s", "1500ms", "0ms"}) {
    EXPECT_EQ(ToText(*ParseDuration(text)), text);
  }
}

TEST(Number, HasSeparators) {
  EXPECT_EQ(ToText(std::int64_t{0}), "0");
  EXPECT_EQ(ToText(std::int64_t{999}), "999");
  EXPECT_EQ(ToText(std::int64_t{1'000}), "1,000");
  EXPECT_EQ(ToText(std::int64_t{-123'456'789}), "-123,456,789");
}

TEST(Nearest, FindsTypingErrorsButDoesNotGuess) {
  const std::vector<std::string> keys{"brokers", "group", "requests", "max_batch_items"};
  EXPECT_EQ(Nearest("broker", keys), "brokers");
  EXPECT_EQ(Nearest("gruop", keys), "group");
  EXPECT_EQ(Nearest("goup", keys), "group");
  EXPECT_EQ(Nearest("max_batch_itmes", keys), "max_batch_items");
  EXPECT_EQ(Nearest("budget", keys), std::nullopt);
  EXPECT_EQ(Nearest("linger", {"goal", "linger_ms"}), "linger_ms");
  EXPECT_EQ(Nearest("prompt", {"prompt_bytes", "prompt_file"}), std::nullopt) << "either";
  EXPECT_EQ(Nearest("max", {"maximum"}), std::nullopt) << "no word of its own";
  EXPECT_EQ(Nearest("", keys), std::nullopt);
}

TEST(Pattern, HasStarsForAnything) {
  EXPECT_TRUE(MatchesPattern("a.toml", "*.toml"));
  EXPECT_TRUE(MatchesPattern("a.toml", "*"));
  EXPECT_TRUE(MatchesPattern("a.b.toml", "a*.toml"));
  EXPECT_TRUE(MatchesPattern("aab", "*ab"));
  EXPECT_FALSE(MatchesPattern("a.tom", "*.toml"));
  EXPECT_FALSE(MatchesPattern("a.toml.bak", "*.toml"));
  EXPECT_FALSE(MatchesPattern("", "a*"));
}

}  // namespace
}  // namespace llmbatch::config
