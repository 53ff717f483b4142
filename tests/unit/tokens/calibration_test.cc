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

}  // namespace
}  // namespace llmbatch::tokens
