#include "tokens/calibration.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace llmbatch::tokens {
namespace {

TEST(Calibration, BeginsWithItsSeed) {
  EXPECT_DOUBLE_EQ(Calibration().ratio(), 1.0);
  EXPECT_DOUBLE_EQ(Calibration(1.2).ratio(), 1.2);
  EXPECT_DOUBLE_EQ(Calibration(0.1).ratio(), 0.5);
  EXPECT_DOUBLE_EQ(Calibration(9).ratio(), 3.0);
}

TEST(Calibration, MovesAFifthOfTheWay) {
  Calibration calibration;
  calibration.Observe(1000, 1500);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 1.1);
  calibration.Observe(1000, 1100);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 1.1);
}

TEST(Calibration, SettlesOnTheTrueRatio) {
  Calibration calibration;
  for (int i = 0; i < 50; ++i) calibration.Observe(1000, 1400);
  EXPECT_NEAR(calibration.ratio(), 1.4, 0.001);
}

TEST(Calibration, OneOutlierMovesItLittle) {
  Calibration calibration;
  calibration.Observe(1000, 100'000);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 1.1);
  Calibration other;
  other.Observe(1000, 1);
  EXPECT_DOUBLE_EQ(other.ratio(), 0.975);
}

TEST(Calibration, LastingChangeIsLearntEvenIfItIsLarge) {
  Calibration calibration;
  for (int i = 0; i < 100; ++i) calibration.Observe(1000, 2800);
  EXPECT_NEAR(calibration.ratio(), 2.8, 0.01);
}

TEST(Calibration, StaysWithinItsBounds) {
  Calibration calibration;
  for (int i = 0; i < 1000; ++i) calibration.Observe(1, 1'000'000);
  EXPECT_LE(calibration.ratio(), 3.0);
  for (int i = 0; i < 1000; ++i) calibration.Observe(1'000'000, 1);
  EXPECT_GE(calibration.ratio(), 0.5);
}

TEST(Calibration, CallsWithoutACountTeachNothing) {
  Calibration calibration;
  calibration.Observe(0, 100);
  calibration.Observe(100, 0);
  calibration.Observe(-5, 100);
  calibration.Observe(100, -5);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 1.0);
}

TEST(Calibration, CorrectsWithAMarginAndRoundsUp) {
  EXPECT_EQ(Calibration().Calibrated(1000), 1050);
  EXPECT_EQ(Calibration().Calibrated(1), 2);
  EXPECT_EQ(Calibration(2.0).Calibrated(1000), 2100);
}

TEST(Calibration, CorrectsAnyNumber) {
  EXPECT_EQ(Calibration().Calibrated(0), 0);
  EXPECT_EQ(Calibration().Calibrated(-7), 0);
  EXPECT_GT(Calibration(3).Calibrated(std::numeric_limits<std::int64_t>::max()), 0);
}

// What another calibration makes of a lesson, as the coordinator does.
double Apply(const Lesson& lesson, double ratio) { return lesson.keep * ratio + lesson.add; }

TEST(Calibration, ALessonTeachesWhatWasSeen) {
  Calibration calibration(1.2);
  EXPECT_TRUE(calibration.TakeLesson().empty());
  for (const int actual : {1500, 1300, 900, 9000}) calibration.Observe(1000, actual);
  const Lesson lesson = calibration.TakeLesson();
  EXPECT_FALSE(lesson.empty());
  EXPECT_NEAR(Apply(lesson, 1.2), calibration.ratio(), 1e-12) << "to who began as it did";
  EXPECT_TRUE(calibration.TakeLesson().empty()) << "it is taken once";
}

TEST(Calibration, LessonsOfManyAddUpToWhatOneWouldHaveLearnt) {
  Calibration one;
  Calibration first;
  Calibration second;
  double shared = 1.0;
  for (int i = 0; i < 20; ++i) {
    Calibration& here = i % 2 == 0 ? first : second;
    here.Observe(1000, 1300 + i);
    one.Observe(1000, 1300 + i);
    shared = Apply(here.TakeLesson(), shared);
    here.Adopt(shared);
  }
  EXPECT_NEAR(shared, one.ratio(), 1e-9);
  EXPECT_NEAR(second.ratio(), one.ratio(), 1e-9);
}

TEST(Calibration, WhatIsSeenWhileALessonIsUnderWayCountsOnTopOfTheRatioThatComes) {
  Calibration calibration;
  calibration.Observe(1000, 1500);
  calibration.TakeLesson();
  calibration.Observe(1000, 2000);
  calibration.Adopt(1.5);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 1.6);
  EXPECT_DOUBLE_EQ(Apply(calibration.TakeLesson(), 1.5), 1.6);
}

TEST(Calibration, ALessonThatReachedNobodyIsPartOfTheNext) {
  Calibration calibration;
  calibration.Observe(1000, 1500);
  const Lesson lost = calibration.TakeLesson();
  calibration.Observe(1000, 1400);
  calibration.ReturnLesson(lost);
  EXPECT_DOUBLE_EQ(Apply(calibration.TakeLesson(), 1.0), calibration.ratio());
}

TEST(Calibration, AdoptsNothingBeyondItsBounds) {
  Calibration calibration;
  calibration.Adopt(1'000'000);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 3.0);
  calibration.Adopt(-4);
  EXPECT_DOUBLE_EQ(calibration.ratio(), 0.5);
}

}  // namespace
}  // namespace llmbatch::tokens
