#include "admission/output_forecast.h"

#include <algorithm>
#include <cmath>

namespace llmbatch::admission {
namespace {

constexpr double kLearningRate = 0.1;
constexpr std::int64_t kEnoughToTrust = 20;
// Three deviations hold 99.9 % of what is distributed normally; answers have longer tails, so half
// as much again as the mean is added.
constexpr double kDeviations = 3;
constexpr double kTail = 1.5;

std::int64_t Bounded(double tokens, std::int64_t most) {
  if (tokens >= static_cast<double>(most)) return most;
  return std::min<std::int64_t>(most, static_cast<std::int64_t>(std::ceil(tokens)));
}

}  // namespace

void OutputForecast::Observe(std::int64_t items, std::int64_t output_tokens) {
  if (items <= 0 || output_tokens <= 0) return;
  const auto count = static_cast<double>(items);
  const double each = static_cast<double>(output_tokens) / count;
  ++seen_;
  // A plain average at first, so that the first answer doesn't weigh more than the others.
  const double rate = std::max(kLearningRate, 1.0 / static_cast<double>(seen_));
  const double off = each - mean_;
  mean_ += rate * off;
  if (seen_ > 1) variance_ += rate * (off * off * count - variance_);
}

std::int64_t OutputForecast::Likely(std::int64_t items, std::int64_t most) const {
  if (seen_ == 0) return most;
  return Bounded(mean_ * static_cast<double>(items), most);
}

std::int64_t OutputForecast::Cautious(std::int64_t items, std::int64_t most) const {
  if (seen_ < kEnoughToTrust) return most;
  const auto count = static_cast<double>(items);
  return Bounded(kTail * mean_ * count + kDeviations * std::sqrt(variance_ * count), most);
}

}  // namespace llmbatch::admission
