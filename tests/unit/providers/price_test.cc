#include "providers/price.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "base/rng.h"

namespace llmbatch::providers {
namespace {

// Two dollars a million tokens in, ten cents cached, ten dollars out.
constexpr model::ModelPrice kPrice{.input_nanos_per_1k = 2'000'000,
                                   .cached_input_nanos_per_1k = 100'000,
                                   .output_nanos_per_1k = 10'000'000};
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(CostOf, CountsEachKindOfTokenOnce) {
  const model::Usage usage{.input_tokens = 1500,
                           .cached_input_tokens = 500,
                           .output_tokens = 300,
                           .reasoning_tokens = 120};
  // 1000 × 2000 + 500 × 100 + 300 × 10000 nano-dollars
  EXPECT_EQ(CostOf(usage, kPrice), model::NanoUsd{5'050'000});
}

TEST(CostOf, CountsWhatIsWrittenToTheCacheByHowLongItIsKept) {
  const model::ModelPrice price{.input_nanos_per_1k = 1'000,
                                .cached_input_nanos_per_1k = 100,
                                .output_nanos_per_1k = 5'000,
                                .cache_write_nanos_per_1k = 1'250,
                                .long_cache_write_nanos_per_1k = 2'000};
  const model::Usage usage{.input_tokens = 10'000,
                           .cached_input_tokens = 4'000,
                           .cache_write_tokens = 3'000,
                           .long_cache_write_tokens = 1'000,
                           .output_tokens = 1'000};
  // 3 × 1000 + 4 × 100 + 2 × 1250 + 1 × 2000 + 1 × 5000
  EXPECT_EQ(CostOf(usage, price), model::NanoUsd{12'900});
}

TEST(CostOf, RoundsTheSumHalfUp) {
  const model::ModelPrice price{.input_nanos_per_1k = 1, .output_nanos_per_1k = 1};
  EXPECT_EQ(CostOf({.input_tokens = 499}, price), model::NanoUsd{0});
  EXPECT_EQ(CostOf({.input_tokens = 500}, price), model::NanoUsd{1});
  EXPECT_EQ(CostOf({.input_tokens = 499, .output_tokens = 1}, price), model::NanoUsd{1});
  EXPECT_EQ(CostOf({.input_tokens = 499, .output_tokens = 1000}, price), model::NanoUsd{1});
  EXPECT_EQ(CostOf({.input_tokens = 500, .output_tokens = 1000}, price), model::NanoUsd{2});
}

TEST(CostOf, IsExactForATrillionTokens) {
  const model::Usage usage{.input_tokens = 1'000'000'000'000};
  EXPECT_EQ(CostOf(usage, kPrice), model::NanoUsd{2'000'000'000'000'000});
  EXPECT_EQ(CostOf({.output_tokens = 999'999'999'999}, kPrice),
            model::NanoUsd{9'999'999'999'990'000});
}

TEST(CostOf, IsUnknownWithoutAPrice) { EXPECT_EQ(CostOf({}, std::nullopt), std::nullopt); }

TEST(CostOf, IsUnknownForNonsense) {
  EXPECT_EQ(CostOf({.input_tokens = -1}, kPrice), std::nullopt);
  EXPECT_EQ(CostOf({.input_tokens = 1, .cached_input_tokens = 2}, kPrice), std::nullopt);
  EXPECT_EQ(CostOf({.input_tokens = 3, .cached_input_tokens = 2, .cache_write_tokens = 2}, kPrice),
            std::nullopt);
  EXPECT_EQ(
      CostOf({.input_tokens = 3, .cache_write_tokens = 1, .long_cache_write_tokens = 2}, kPrice),
      std::nullopt);
  EXPECT_EQ(CostOf({.input_tokens = kMax, .output_tokens = kMax}, kPrice), std::nullopt);
}

std::vector<std::int64_t> Shares(std::int64_t total, const std::vector<std::int64_t>& weights) {
  std::vector<std::int64_t> nanos;
  for (const model::NanoUsd part : ShareOut(model::NanoUsd{total}, weights)) {
    nanos.push_back(part.nanos);
  }
  return nanos;
}

using Parts = std::vector<std::int64_t>;

TEST(ShareOut, DividesByWeightWithTheRestToTheLargestRemainders) {
  EXPECT_EQ(Shares(100, {1, 1, 2}), (Parts{25, 25, 50}));
  EXPECT_EQ(Shares(10, {1, 1, 1}), (Parts{4, 3, 3}));
  EXPECT_EQ(Shares(11, {1, 1, 1}), (Parts{4, 4, 3}));
  EXPECT_EQ(Shares(10, {1, 2, 4}), (Parts{1, 3, 6}));
  EXPECT_EQ(Shares(1, {1, 5, 1}), (Parts{0, 1, 0}));
  EXPECT_EQ(Shares(0, {3, 4}), (Parts{0, 0}));
}

TEST(ShareOut, EarlierPartsComeFirstAmongEqualRemainders) {
  const Parts parts = Shares(130, Parts(100, 1));
  EXPECT_TRUE(std::is_sorted(parts.rbegin(), parts.rend()));
  EXPECT_EQ(std::count(parts.begin(), parts.end(), 2), 30);
}

TEST(ShareOut, WeightsMayBeZeroOrNegative) {
  EXPECT_EQ(Shares(7, {0, 1}), (Parts{0, 7}));
  EXPECT_EQ(Shares(7, {0, 0}), (Parts{4, 3}));
  EXPECT_EQ(Shares(7, {-5, 1}), (Parts{0, 7}));
  EXPECT_EQ(Shares(7, {-5, -1}), (Parts{4, 3}));
  EXPECT_EQ(Shares(7, {}), Parts{});
}

TEST(ShareOut, LargestNumbersDoNotOverflow) {
  EXPECT_EQ(Shares(kMax, {kMax, kMax}), (Parts{kMax / 2 + 1, kMax / 2}));
  EXPECT_EQ(Shares(kMax, {0, kMax, 0}), (Parts{0, kMax, 0}));
}

TEST(ShareOut, SumIsAlwaysExact) {
  base::Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int64_t> weights(1 + rng.Below(30));
    for (std::int64_t& weight : weights) weight = static_cast<std::int64_t>(rng.Below(5000));
    const auto total = static_cast<std::int64_t>(rng.Below(1'000'000'000));
    const Parts parts = Shares(total, weights);
    EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::int64_t{0}), total);
  }
}

TEST(ShareOut, TokensOfAPartNeverPassTheirWhole) {
  base::Rng rng(8);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int64_t> weights(1 + rng.Below(30));
    for (std::int64_t& weight : weights) weight = static_cast<std::int64_t>(rng.Below(100));
    model::Usage total{.input_tokens = static_cast<std::int64_t>(rng.Below(2000)),
                       .output_tokens = static_cast<std::int64_t>(rng.Below(2000))};
    total.cached_input_tokens = total.input_tokens - total.input_tokens / 7;
    total.cache_write_tokens = total.input_tokens / 8;
    total.long_cache_write_tokens = total.cache_write_tokens / 2;
    total.reasoning_tokens = total.output_tokens / 3;
    model::Usage sum;
    for (const model::Usage& part : ShareOut(total, weights)) {
      EXPECT_LE(part.cached_input_tokens + part.cache_write_tokens, part.input_tokens);
      EXPECT_LE(part.long_cache_write_tokens, part.cache_write_tokens);
      EXPECT_LE(part.reasoning_tokens, part.output_tokens);
      sum += part;
    }
    EXPECT_EQ(sum, total);
  }
}

}  // namespace
}  // namespace llmbatch::providers
