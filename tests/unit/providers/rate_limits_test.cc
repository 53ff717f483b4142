#include "providers/rate_limits.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>

namespace llmbatch::providers {
namespace {

TEST(RateLimits, AreReadFromHeaders) {
  const RateLimits limits = ParseOpenAiRateLimits({
      {"x-ratelimit-limit-requests", "5000"},
      {"x-ratelimit-remaining-requests", "4999"},
      {"x-ratelimit-reset-requests", "12ms"},
      {"x-ratelimit-limit-tokens", "2000000"},
      {"x-ratelimit-remaining-tokens", "1984000"},
      {"x-ratelimit-reset-tokens", "6m0s"},
  });
  EXPECT_EQ(limits.requests.limit, 5000);
  EXPECT_EQ(limits.requests.remaining, 4999);
  EXPECT_EQ(limits.requests.reset, std::chrono::milliseconds(12));
  EXPECT_EQ(limits.tokens.limit, 2'000'000);
  EXPECT_EQ(limits.tokens.remaining, 1'984'000);
  EXPECT_EQ(limits.tokens.reset, std::chrono::minutes(6));
}

TEST(RateLimits, WhatIsMissingIsUnknown) {
  const RateLimits limits = ParseOpenAiRateLimits({{"x-request-id", "r"}});
  EXPECT_EQ(limits.requests.limit, std::nullopt);
  EXPECT_EQ(limits.tokens.remaining, std::nullopt);
  EXPECT_EQ(limits.tokens.reset, std::nullopt);
}

TEST(RateLimits, ZeroNegativeAndNonsenseAreUnknown) {
  for (const char* value : {"0", "-1", "", "many", "1.5", "99999999999999999999"}) {
    const RateLimits limits = ParseOpenAiRateLimits(
        {{"x-ratelimit-remaining-requests", value}, {"x-ratelimit-limit-tokens", value}});
    EXPECT_EQ(limits.requests.remaining, std::nullopt) << value;
    EXPECT_EQ(limits.tokens.limit, std::nullopt) << value;
  }
  for (const char* value : {"0s", "-1s", "", "12", "soon"}) {
    const RateLimits limits = ParseOpenAiRateLimits({{"x-ratelimit-reset-tokens", value}});
    EXPECT_EQ(limits.tokens.reset, std::nullopt) << value;
  }
}

TEST(AnthropicRateLimits, AreReadFromHeaders) {
  const auto now = *base::ParseRfc3339("2026-11-21T08:00:00Z");
  const RateLimits limits = ParseAnthropicRateLimits(
      {
          {"anthropic-ratelimit-requests-limit", "4000"},
          {"anthropic-ratelimit-requests-remaining", "3999"},
          {"anthropic-ratelimit-requests-reset", "2026-11-21T08:00:01Z"},
          {"anthropic-ratelimit-tokens-limit", "480000"},
          {"anthropic-ratelimit-tokens-remaining", "476000"},
          {"anthropic-ratelimit-tokens-reset", "2026-11-21T07:59:59Z"},
          {"anthropic-ratelimit-input-tokens-limit", "400000"},
      },
      now);
  EXPECT_EQ(limits.requests.limit, 4000);
  EXPECT_EQ(limits.requests.remaining, 3999);
  EXPECT_EQ(limits.requests.reset, std::chrono::seconds(1));
  EXPECT_EQ(limits.tokens.limit, 480'000);
  EXPECT_EQ(limits.tokens.remaining, 476'000);
  EXPECT_EQ(limits.tokens.reset, std::nullopt);
}

TEST(AnthropicRateLimits, InputTokensStandInWhereNoClosestLimitIsTold) {
  const RateLimits limits =
      ParseAnthropicRateLimits({{"anthropic-ratelimit-input-tokens-limit", "400000"},
                                {"anthropic-ratelimit-input-tokens-remaining", "x"},
                                {"anthropic-ratelimit-input-tokens-reset", "12s"}},
                               {});
  EXPECT_EQ(limits.tokens.limit, 400'000);
  EXPECT_EQ(limits.tokens.remaining, std::nullopt);
  EXPECT_EQ(limits.tokens.reset, std::nullopt);
}

}  // namespace
}  // namespace llmbatch::providers
