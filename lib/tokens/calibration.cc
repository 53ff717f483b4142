#include "tokens/calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

Lesson Then(const Lesson& first, const Lesson& second) {
  return {.keep = second.keep * first.keep, .add = second.keep * first.add + second.add};
}

}  // namespace

Calibration::Calibration(double seed_ratio)
    : ratio_(std::clamp(seed_ratio, kMinRatio, kMaxRatio)) {}

void Calibration::Observe(std::int64_t estimated, std::int64_t actual) {
  if (estimated <= 0 || actual <= 0) return;
  const double seen = static_cast<double>(actual) / static_cast<double>(estimated);
  const bool outlier = seen > ratio_ * kOutlierFactor || seen < ratio_ / kOutlierFactor;
  const double rate = outlier ? kOutlierLearningRate : kLearningRate;
  const double toward = std::clamp(seen, kMinRatio, kMaxRatio);
  ratio_ += rate * (toward - ratio_);
  untold_ = Then(untold_, {.keep = 1 - rate, .add = rate * toward});
}

Lesson Calibration::TakeLesson() { return std::exchange(untold_, {}); }

void Calibration::ReturnLesson(const Lesson& lesson) { untold_ = Then(lesson, untold_); }

void Calibration::Adopt(double ratio) {
  ratio_ = untold_.keep * std::clamp(ratio, kMinRatio, kMaxRatio) + untold_.add;
}

std::int64_t Calibration::Calibrated(std::int64_t estimated) const {
  const auto bounded = static_cast<double>(std::clamp<std::int64_t>(estimated, 0, kMaxTokens));
  return static_cast<std::int64_t>(std::ceil(bounded * ratio_ * kMargin));
}

}  // namespace llmbatch::tokens
