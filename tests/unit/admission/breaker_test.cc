#include "admission/breaker.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Change = Breaker::Change;
using Sign = Breaker::Sign;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

// A call that ends as it begins.
Change Call(Breaker& breaker, Sign sign, base::Timestamp now) {
  const bool probe = breaker.OnStarted();
  return breaker.OnEnded(sign, probe, now);
}

TEST(Breaker, ARefusalStopsAllCallsAtOnce) {
  Breaker breaker({});
  EXPECT_TRUE(breaker.MayStart(kStart));
  EXPECT_EQ(Call(breaker, Sign::kRefuses, kStart), Change::kOpened);
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(29)));
  EXPECT_EQ(breaker.ProbeAt(), kStart + seconds(30));
}

TEST(Breaker, OneCallAtATimeFindsOutWhetherItIsOver) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(30)));
  EXPECT_TRUE(breaker.OnStarted());
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(30)));
  EXPECT_FALSE(breaker.ProbeAt().has_value());
  EXPECT_EQ(breaker.OnEnded(Sign::kAnswers, true, kStart + seconds(31)), Change::kClosed);
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(31)));
}

TEST(Breaker, EachProbeInVainDoublesTheWait) {
  Breaker breaker({});
  base::Timestamp now = kStart;
  Call(breaker, Sign::kRefuses, now);
  int openings = 1;
  for (const auto wait : {seconds(30), seconds(60), seconds(120), seconds(240), seconds(480),
                          seconds(600), seconds(600)}) {
    EXPECT_EQ(breaker.openings(), openings++);
    EXPECT_EQ(breaker.Interval(), wait);
    EXPECT_EQ(breaker.ProbeAt(), now + wait);
    now += wait;
    EXPECT_EQ(Call(breaker, Sign::kRefuses, now), Change::kOpened);
  }
}

TEST(Breaker, CallsThatWereUnderWayChangeNothing) {
  Breaker breaker({});
  breaker.OnStarted();
  breaker.OnStarted();
  breaker.OnStarted();
  EXPECT_EQ(breaker.OnEnded(Sign::kRefuses, false, kStart), Change::kOpened);
  EXPECT_EQ(breaker.OnEnded(Sign::kRefuses, false, kStart + seconds(10)), Change::kNone);
  EXPECT_EQ(breaker.ProbeAt(), kStart + seconds(30));
  EXPECT_TRUE(breaker.OnStarted());
  EXPECT_EQ(breaker.OnEnded(Sign::kAnswers, false, kStart + seconds(31)), Change::kNone);
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(31))) << "the probe is still under way";
}

TEST(Breaker, AProbeThatWasGivenUpIsMadeAgain) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  breaker.OnStarted();
  EXPECT_EQ(breaker.OnEnded(std::nullopt, true, kStart + seconds(31)), Change::kNone);
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(31)));
}

TEST(Breaker, OnlyALongRowOfFailuresIsAnOutage) {
  Breaker breaker({});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(Call(breaker, Sign::kFails, kStart), Change::kNone) << "at once";
  }
  EXPECT_EQ(Call(breaker, Sign::kAnswers, kStart + seconds(30)), Change::kNone);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(Call(breaker, Sign::kFails, kStart + minutes(1 + i)), Change::kNone) << "few";
  }
  EXPECT_EQ(Call(breaker, Sign::kFails, kStart + minutes(10)), Change::kOpened);
  EXPECT_TRUE(breaker.open());
}

TEST(Breaker, WhatAnotherFoundOutHoldsHereToo) {
  Breaker breaker({});
  EXPECT_TRUE(breaker.OnToldOpen(3, seconds(100), kStart));
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(99)));
  EXPECT_FALSE(breaker.OnToldOpen(3, seconds(60), kStart + seconds(50))) << "known";
  EXPECT_EQ(breaker.ProbeAt(), kStart + seconds(110));
  EXPECT_EQ(Call(breaker, Sign::kRefuses, kStart + seconds(110)), Change::kOpened);
  EXPECT_EQ(breaker.openings(), 4);
  EXPECT_TRUE(breaker.OnToldClosed(kStart + seconds(120)));
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(120)));
  EXPECT_FALSE(breaker.OnToldClosed(kStart + seconds(121))) << "known";
}

TEST(Breaker, TheProbeOfAnotherIsWaitedFor) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  EXPECT_FALSE(breaker.OnToldOpen(1, seconds(30), kStart + seconds(29)));
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(58)));
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(59)));
}

TEST(Breaker, OldNewsDoesNotOpenWhatHasClosed) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  EXPECT_EQ(Call(breaker, Sign::kAnswers, kStart + seconds(30)), Change::kClosed);
  EXPECT_FALSE(breaker.OnToldOpen(1, seconds(30), kStart + seconds(31)));
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(31)));
  EXPECT_TRUE(breaker.OnToldOpen(1, seconds(30), kStart + seconds(36)));
}

TEST(Breaker, NonsenseFromOthersHoldsNoLongerThanAProbeWould) {
  Breaker breaker({});
  EXPECT_TRUE(breaker.OnToldOpen(-5, std::chrono::hours(1'000), kStart));
  EXPECT_EQ(breaker.openings(), 1);
  EXPECT_EQ(breaker.ProbeAt(), kStart + minutes(10));
  EXPECT_FALSE(breaker.OnToldOpen(1'000'000, -seconds(5), kStart));
  EXPECT_EQ(breaker.Interval(), minutes(10));
}

}  // namespace
}  // namespace llmbatch::admission
