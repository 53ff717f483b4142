#include "admission/adaptive_watch.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

class AdaptiveWatchTest : public testing::Test {
 protected:
  // So many answers of 80 tokens in as many seconds.
  void Answer(int count, base::Duration took) {
    for (int i = 0; i < count; ++i) watch_.OnAnswered(took, 80, now_ += seconds(1));
  }
  void Tell(std::int64_t version) { watch_.OnTold({.limit = 9, .version = version}); }

  base::Timestamp now_ = kStart;
  AdaptiveWatch watch_{{.least = 2, .most = 50}};
};

TEST_F(AdaptiveWatchTest, CountsAnswersSinceTheLimitChanged) {
  Tell(100);
  Answer(3, milliseconds(200));
  EXPECT_TRUE(watch_.HasAnswers());
  const auto report = watch_.Report(now_);
  EXPECT_EQ(report.bounds, (ports::AdaptiveBounds{.least = 2, .most = 50}));
  EXPECT_EQ(report.known, 9);
  EXPECT_EQ(report.version, 100);
  EXPECT_EQ(report.answers, 3);
  EXPECT_EQ(report.answer_time, milliseconds(200));
  EXPECT_FALSE(watch_.HasAnswers()) << "they are told";
  Tell(100);
  EXPECT_EQ(watch_.Report(now_).answers, 3);
  Tell(101);
  EXPECT_EQ(watch_.Report(now_).answers, 0);
}

TEST_F(AdaptiveWatchTest, ARefusalIsUrgentUntilItIsHeard) {
  Tell(100);
  EXPECT_FALSE(watch_.IsUrgent());
  watch_.OnRefused(100, kStart, kStart + seconds(3));
  EXPECT_TRUE(watch_.IsUrgent());
  const auto report = watch_.Report(kStart + seconds(1));
  EXPECT_EQ(report.refused, 100);
  EXPECT_EQ(report.refused_ago, seconds(1));
  EXPECT_EQ(report.held, seconds(2));
  EXPECT_TRUE(watch_.IsUrgent()) << "the report may have been lost";
  Tell(101);
  EXPECT_FALSE(watch_.IsUrgent());
  watch_.OnRefused(100, kStart, kStart + seconds(4));
  EXPECT_FALSE(watch_.IsUrgent()) << "of the same burst";
}

TEST_F(AdaptiveWatchTest, AnswersThatTakeTwiceAsLongAsUsualAreSlow) {
  Answer(20, milliseconds(1'000));
  Answer(20, milliseconds(1'900));
  EXPECT_FALSE(watch_.Report(now_).slow);
  Answer(20, milliseconds(2'100));
  EXPECT_TRUE(watch_.IsUrgent());
  EXPECT_TRUE(watch_.Report(now_).slow);
  Tell(101);
  EXPECT_FALSE(watch_.Report(now_).slow);
}

TEST_F(AdaptiveWatchTest, WhatStaysSlowBecomesUsual) {
  Answer(20, milliseconds(1'000));
  int cuts = 0;
  for (int i = 0; i < 30; ++i) {
    Answer(20, milliseconds(3'000));
    cuts += watch_.Report(now_).slow ? 1 : 0;
    Tell(101 + i);
  }
  EXPECT_GT(cuts, 2);
  EXPECT_LT(cuts, 8);
}

TEST_F(AdaptiveWatchTest, LongAnswersMayTakeLonger) {
  Answer(20, milliseconds(1'000));
  for (int i = 0; i < 20; ++i) watch_.OnAnswered(seconds(10), 980, now_ += seconds(1));
  EXPECT_FALSE(watch_.Report(now_).slow);
}

TEST_F(AdaptiveWatchTest, AnswersOfUnknownLengthTellNothingOfSpeed) {
  Answer(20, milliseconds(100));
  for (int i = 0; i < 40; ++i) watch_.OnAnswered(seconds(10), std::nullopt, now_ += seconds(1));
  EXPECT_FALSE(watch_.Report(now_).slow);
}

}  // namespace
}  // namespace llmbatch::admission
