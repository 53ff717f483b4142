#include "admission/hold_keeper.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

class HoldKeeperTest : public ::testing::Test {
 protected:
  using Cure = HoldKeeper::Cure;
  HoldKeeper::Refusal Refuse(base::Timestamp started, std::optional<base::Duration> retry_after,
                             base::Timestamp now, Cure cure = Cure::kTime) {
    return keeper_.OnRefused(route_, started, retry_after, cure, now, rng_);
  }

  const model::RouteEntry route_{.provider = "p", .model = "m"};
  base::Rng rng_{1};
  HoldKeeper keeper_{{.first = milliseconds(500), .longest = seconds(30)}};
};

TEST_F(HoldKeeperTest, ARefusalHoldsAsLongAsTheProviderSays) {
  const auto refusal = Refuse(kStart, seconds(7), kStart + seconds(1));
  EXPECT_TRUE(refusal.new_burst);
  EXPECT_TRUE(refusal.longer);
  EXPECT_EQ(refusal.hold,
            (ports::RouteHold{.provider = "p", .model = "m", .left = seconds(7), .bursts = 1}));
}

TEST_F(HoldKeeperTest, CallsThatRanAtTheSameTimeAreOneBurst) {
  Refuse(kStart, seconds(2), kStart + seconds(1));
  const auto same = Refuse(kStart + milliseconds(999), seconds(2), kStart + milliseconds(1500));
  EXPECT_FALSE(same.new_burst);
  EXPECT_TRUE(same.longer);
  EXPECT_EQ(same.hold.left, seconds(2));
  EXPECT_EQ(same.hold.bursts, 1);
  const auto without_time = Refuse(kStart, std::nullopt, kStart + milliseconds(1600));
  EXPECT_FALSE(without_time.new_burst);
  EXPECT_FALSE(without_time.longer);
}

TEST_F(HoldKeeperTest, AHoldIsNeverShortened) {
  Refuse(kStart, seconds(60), kStart + seconds(1));
  const auto next = Refuse(kStart + seconds(2), seconds(1), kStart + seconds(3));
  EXPECT_TRUE(next.new_burst);
  EXPECT_FALSE(next.longer);
  EXPECT_EQ(next.hold.left, seconds(58));
}

TEST_F(HoldKeeperTest, WithoutATimeOfTheProvidersEachBurstMayHoldLonger) {
  base::Timestamp now = kStart;
  base::Duration longest{};
  for (int burst = 1; burst <= 8; ++burst) {
    const auto refusal = Refuse(now, std::nullopt, now);
    EXPECT_TRUE(refusal.new_burst);
    EXPECT_EQ(refusal.hold.bursts, burst);
    EXPECT_GE(refusal.hold.left, milliseconds(250));
    EXPECT_LE(refusal.hold.left, seconds(30));
    longest = std::max(longest, refusal.hold.left);
    now += refusal.hold.left + milliseconds(1);
  }
  EXPECT_GT(longest, seconds(1));
}

TEST_F(HoldKeeperTest, AfterAQuietMinuteABurstIsTheFirstAgain) {
  Refuse(kStart, seconds(1), kStart);
  const base::Timestamp later = kStart + seconds(1) + minutes(1);
  EXPECT_EQ(Refuse(later, seconds(1), later).hold.bursts, 1);
}

TEST_F(HoldKeeperTest, WhereTheLimitIsPutDownHoldsAreShortAndForgottenSoon) {
  const auto refusal = Refuse(kStart, milliseconds(17), kStart, Cure::kLowerLimit);
  EXPECT_EQ(refusal.hold.left, milliseconds(200)) << "so long it takes at the least";
  const base::Timestamp soon = kStart + seconds(1);
  EXPECT_EQ(Refuse(soon, std::nullopt, soon, Cure::kLowerLimit).hold.bursts, 2);
  const base::Timestamp later = soon + seconds(2);
  const auto next = Refuse(later, std::nullopt, later, Cure::kLowerLimit);
  EXPECT_EQ(next.hold.bursts, 1);
  EXPECT_LE(next.hold.left, milliseconds(500));
  EXPECT_EQ(Refuse(later + seconds(1), seconds(9), later + seconds(1), Cure::kLowerLimit).hold.left,
            seconds(9))
      << "what the provider says holds in any case";
}

TEST_F(HoldKeeperTest, WhatAnotherReplicaWasToldCountsForCallsThatRanThen) {
  keeper_.OnTold({.provider = "p", .model = "m", .left = seconds(5), .bursts = 3}, kStart);
  EXPECT_FALSE(Refuse(kStart - seconds(1), std::nullopt, kStart + seconds(1)).new_burst);
  const auto next = Refuse(kStart + seconds(6), seconds(1), kStart + seconds(7));
  EXPECT_TRUE(next.new_burst);
  EXPECT_EQ(next.hold.bursts, 4);
}

TEST_F(HoldKeeperTest, AModelsHoldIsItsOwn) {
  Refuse(kStart, seconds(60), kStart);
  const auto other = keeper_.OnRefused({.provider = "p", .model = "n"}, kStart, seconds(1),
                                       Cure::kTime, kStart, rng_);
  EXPECT_EQ(other.hold.left, seconds(1));
}

}  // namespace
}  // namespace llmbatch::admission
