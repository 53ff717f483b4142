#include "admission/output_forecast.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

TEST(OutputForecast, ExpectsTheMostUntilItKnows) {
  const OutputForecast forecast;
  EXPECT_EQ(forecast.Likely(3, 4'000), 4'000);
  EXPECT_EQ(forecast.Cautious(3, 4'000), 4'000);
}

TEST(OutputForecast, ExpectsTheAverageOfAnItem) {
  OutputForecast forecast;
  forecast.Observe(2, 200);
  forecast.Observe(1, 200);
  EXPECT_EQ(forecast.Likely(1, 4'000), 150);
  EXPECT_EQ(forecast.Likely(10, 4'000), 1'500);
  EXPECT_EQ(forecast.Likely(10, 1'000), 1'000);
}

TEST(OutputForecast, IsCautiousUntilItHasSeenEnough) {
  OutputForecast forecast;
  for (int i = 0; i < 19; ++i) forecast.Observe(1, 100);
  EXPECT_EQ(forecast.Cautious(1, 4'000), 4'000);
  forecast.Observe(1, 100);
  EXPECT_EQ(forecast.Cautious(1, 4'000), 150);
}

TEST(OutputForecast, IsTheMoreCautiousTheMoreAnswersDiffer) {
  OutputForecast forecast;
  for (int i = 0; i < 200; ++i) forecast.Observe(1, i % 2 == 0 ? 50 : 150);
  EXPECT_GE(forecast.Cautious(1, 4'000), 250);
  EXPECT_LE(forecast.Cautious(1, 4'000), 350);
}

TEST(OutputForecast, LearnsNothingFromNothing) {
  OutputForecast forecast;
  forecast.Observe(0, 100);
  forecast.Observe(5, 0);
  forecast.Observe(-1, -100);
  EXPECT_EQ(forecast.Likely(1, 4'000), 4'000);
}

}  // namespace
}  // namespace llmbatch::admission
