// How near the estimates come to the counts of the real o200k tokenizer.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "tokens/estimator.h"
#include "unit/tokens/samples.h"

namespace llmbatch::tokens {
namespace {

double RelativeError(std::int64_t estimated, std::int64_t actual) {
  return static_cast<double>(estimated) / static_cast<double>(actual) - 1;
}

TEST(Accuracy, EachTextIsWithin35Percent) {
  for (const Sample& sample : kSamples) {
    const auto estimated = EstimateTokens(sample.text, Method::kClasses, Family::kO200k);
    EXPECT_LE(std::abs(RelativeError(estimated, sample.true_tokens)), 0.35)
        << sample.name << ": " << estimated << " for " << sample.true_tokens;
  }
}

TEST(Accuracy, AllTextsTogetherAreWithin12Percent) {
  std::int64_t estimated = 0;
  std::int64_t actual = 0;
  for (const Sample& sample : kSamples) {
    estimated += EstimateTokens(sample.text, Method::kClasses, Family::kO200k);
    actual += sample.true_tokens;
  }
  EXPECT_LE(std::abs(RelativeError(estimated, actual)), 0.12) << estimated << " for " << actual;
}

TEST(Accuracy, ClassesAreNearerThanAQuarterOfTheCharacters) {
  double classes = 0;
  double chars = 0;
  for (const Sample& sample : kSamples) {
    classes += std::abs(RelativeError(EstimateTokens(sample.text, Method::kClasses, Family::kO200k),
                                      sample.true_tokens));
    chars += std::abs(RelativeError(EstimateTokens(sample.text, Method::kChars, Family::kO200k),
                                    sample.true_tokens));
  }
  EXPECT_LT(classes * 3, chars);
}

}  // namespace
}  // namespace llmbatch::tokens
