#include "twin/limits.h"

#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using namespace std::chrono_literals;

constexpr base::Timestamp kStart{1h};

TEST(Limiter, RefusesNothingWithoutLimits) {
  Limiter limiter(LimitOptions{}, kStart);
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(limiter.Admit(kStart, 1'000'000, 1'000'000));
  EXPECT_FALSE(limiter.requests().has_value());
}

TEST(Limiter, RefusesTheRequestAboveTheRate) {
  Limiter limiter(LimitOptions{.requests_per_minute = 2}, kStart);
  EXPECT_FALSE(limiter.Admit(kStart, 0, 0));
  EXPECT_FALSE(limiter.Admit(kStart, 0, 0));
  const auto over = limiter.Admit(kStart, 0, 0);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(over->kind, LimitKind::kRequests);
  EXPECT_EQ(over->retry_after, 30s);
}

TEST(Limiter, AdmitsAgainAfterTheTimeItTold) {
  Limiter limiter(LimitOptions{.tokens_per_minute = 6000}, kStart);
  EXPECT_FALSE(limiter.Admit(kStart, 6000, 0));
  const auto over = limiter.Admit(kStart, 50, 0);
  ASSERT_TRUE(over && over->retry_after);
  EXPECT_EQ(over->kind, LimitKind::kTokens);
  EXPECT_EQ(*over->retry_after, 500ms);
  EXPECT_TRUE(limiter.Admit(kStart + *over->retry_after - 1ms, 50, 0));
  EXPECT_FALSE(limiter.Admit(kStart + *over->retry_after, 50, 0));
}

TEST(Limiter, NeverAdmitsMoreThanTheWholeBucket) {
  Limiter limiter(LimitOptions{.tokens_per_minute = 600}, kStart);
  const auto over = limiter.Admit(kStart, 601, 0);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(over->retry_after, std::nullopt);
}

TEST(Limiter, KeepsTheRateWithASmallBurst) {
  Limiter limiter(LimitOptions{.requests_per_minute = 600, .burst_seconds = 1}, kStart);
  int admitted = 0;
  for (auto at = 0ms; at < 10s; at += 1ms) {
    if (!limiter.Admit(kStart + at, 0, 0)) ++admitted;
  }
  EXPECT_NEAR(admitted, 110, 1);  // 10 at once, then 10 a second
}

TEST(Limiter, TakesNothingForARefusedRequest) {
  Limiter limiter(LimitOptions{.requests_per_minute = 60, .tokens_per_minute = 60}, kStart);
  EXPECT_FALSE(limiter.Admit(kStart, 60, 0));
  EXPECT_TRUE(limiter.Admit(kStart, 1, 0));
  EXPECT_EQ(limiter.requests()->remaining, 59U);
}

TEST(Limiter, RefusesMoreRequestsAtATime) {
  Limiter limiter(LimitOptions{.concurrency = 5}, kStart);
  EXPECT_FALSE(limiter.Admit(kStart, 0, 4));
  const auto over = limiter.Admit(kStart, 0, 5);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(over->kind, LimitKind::kConcurrency);
}

TEST(Limiter, TellsWhatIsLeft) {
  Limiter limiter(LimitOptions{.requests_per_minute = 60}, kStart);
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(limiter.Admit(kStart, 0, 0));
  EXPECT_EQ(limiter.requests()->limit, 60U);
  EXPECT_EQ(limiter.requests()->remaining, 50U);
  EXPECT_EQ(limiter.requests()->reset, 10s);
}

TEST(FormatGoDuration, WritesWhatGoPrints) {
  const std::pair<base::Duration, const char*> cases[] = {
      {0s, "0s"},       {-3s, "0s"},    {120ms, "120ms"},     {1s, "1s"},
      {1500ms, "1.5s"}, {6min, "6m0s"}, {90500ms, "1m30.5s"}, {3723s, "1h2m3s"},
      {1h, "1h0m0s"},   {1us, "1ms"},   {10050ms, "10.05s"}};
  for (const auto& [duration, text] : cases) EXPECT_EQ(FormatGoDuration(duration), text);
}

}  // namespace
}  // namespace llmbatch::twin
