#include "tokens/calibration.h"

#include <algorithm>
#include <cmath>

namespace llmbatch::tokens {
namespace {

constexpr double kMinRatio = 0.5;
constexpr double kMaxRatio = 3.0;
constexpr double kLearningRate = 0.2;
constexpr double kOutlierLearningRate = kLearningRate / 4;
constexpr double kOutlierFactor = 2.0;
// With it, practically no batch passes its bound; without, every eighth does.
constexpr double kMargin = 1.05;
// Counts above are nonsense; below, a double keeps every token.
constexpr std::int64_t kMaxTokens = 1'000'000'000'000;

}  // namespace

Calibration::Calibration(double seed_ratio)
    : ratio_(std::clamp(seed_ratio, kMinRatio, kMaxRatio)) {}

void Calibration::Observe(std::int64_t estimated, std::int64_t actual) {
  if (estimated <= 0 || actual <= 0) return;
  const double seen = static_cast<double>(actual) / static_cast<double>(estimated);
  const bool outlier = seen > ratio_ * kOutlierFactor || seen < ratio_ / kOutlierFactor;
  const double rate = outlier ? kOutlierLearningRate : kLearningRate;
  ratio_ += rate * (std::clamp(seen, kMinRatio, kMaxRatio) - ratio_);
}

std::int64_t Calibration::Calibrated(std::int64_t estimated) const {
  const auto bounded = static_cast<double>(std::clamp<std::int64_t>(estimated, 0, kMaxTokens));
  return static_cast<std::int64_t>(std::ceil(bounded * ratio_ * kMargin));
}

}  // namespace llmbatch::tokens
