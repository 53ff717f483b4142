#include "admission/breaker.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Sign = Breaker::Sign;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

// A call that ends as it begins.
bool Call(Breaker& breaker, Sign sign, base::Timestamp now) {
  breaker.OnStarted();
  return breaker.OnEnded(sign, now);
}

TEST(Breaker, ARefusalStopsAllCallsAtOnce) {
  Breaker breaker({});
  EXPECT_TRUE(breaker.MayStart(kStart));
  EXPECT_TRUE(Call(breaker, Sign::kRefuses, kStart));
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(29)));
  EXPECT_EQ(breaker.ProbeAt(), kStart + seconds(30));
}

TEST(Breaker, OneCallAtATimeFindsOutWhetherItIsOver) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(30)));
  breaker.OnStarted();
  EXPECT_FALSE(breaker.MayStart(kStart + seconds(30)));
  EXPECT_FALSE(breaker.ProbeAt().has_value());
  EXPECT_FALSE(breaker.OnEnded(Sign::kAnswers, kStart + seconds(31)));
  EXPECT_FALSE(breaker.open());
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(31)));
}

TEST(Breaker, EachProbeInVainDoublesTheWait) {
  Breaker breaker({});
  base::Timestamp now = kStart;
  Call(breaker, Sign::kRefuses, now);
  for (const auto wait : {seconds(30), seconds(60), seconds(120), seconds(240), seconds(480),
                          seconds(600), seconds(600)}) {
    EXPECT_EQ(breaker.ProbeAt(), now + wait);
    now += wait;
    EXPECT_TRUE(Call(breaker, Sign::kRefuses, now));
  }
}

TEST(Breaker, CallsThatWereUnderWayChangeNothing) {
  Breaker breaker({});
  breaker.OnStarted();
  breaker.OnStarted();
  EXPECT_TRUE(breaker.OnEnded(Sign::kRefuses, kStart));
  EXPECT_FALSE(breaker.OnEnded(Sign::kRefuses, kStart + seconds(10)));
  EXPECT_EQ(breaker.ProbeAt(), kStart + seconds(30));
}

TEST(Breaker, AProbeThatWasGivenUpIsMadeAgain) {
  Breaker breaker({});
  Call(breaker, Sign::kRefuses, kStart);
  breaker.OnStarted();
  EXPECT_FALSE(breaker.OnEnded(std::nullopt, kStart + seconds(31)));
  EXPECT_TRUE(breaker.MayStart(kStart + seconds(31)));
}

TEST(Breaker, OnlyALongRowOfFailuresIsAnOutage) {
  Breaker breaker({});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Call(breaker, Sign::kFails, kStart)) << "at once";
  EXPECT_FALSE(Call(breaker, Sign::kAnswers, kStart + seconds(30)));
  for (int i = 0; i < 9; ++i) {
    EXPECT_FALSE(Call(breaker, Sign::kFails, kStart + minutes(1 + i))) << "few";
  }
  EXPECT_TRUE(Call(breaker, Sign::kFails, kStart + minutes(10)));
  EXPECT_TRUE(breaker.open());
}

}  // namespace
}  // namespace llmbatch::admission
