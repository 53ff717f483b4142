#include "admission/backoff.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

base::Duration Longest(int attempts) {
  base::Rng rng(1);
  base::Duration longest{};
  for (int i = 0; i < 2'000; ++i) {
    const base::Duration delay =
        NextDelay({.first = milliseconds(500), .longest = seconds(30)}, attempts, rng);
    EXPECT_GE(delay, base::Duration::zero());
    longest = std::max(longest, delay);
  }
  return longest;
}

TEST(Backoff, DoublesItsCeilingWithEveryAttempt) {
  EXPECT_NEAR(base::ToSeconds(Longest(1)), 0.5, 0.01);
  EXPECT_NEAR(base::ToSeconds(Longest(2)), 1.0, 0.02);
  EXPECT_NEAR(base::ToSeconds(Longest(4)), 4.0, 0.1);
}

TEST(Backoff, NeverPassesTheLongest) {
  EXPECT_LE(Longest(20), seconds(30));
  EXPECT_LE(Longest(100'000), seconds(30));
}

TEST(Backoff, SpreadsOverTheWholeInterval) {
  base::Rng rng(2);
  int early = 0;
  for (int i = 0; i < 1'000; ++i) early += NextDelay({}, 1, rng) < milliseconds(250) ? 1 : 0;
  EXPECT_NEAR(early, 500, 80);
}

}  // namespace
}  // namespace llmbatch::admission
