// Calibration: corrects estimates of tokens by what a provider really counted.
#pragma once

#include <cstdint>

namespace llmbatch::tokens {

// Keeps the ratio actual / estimated of one way to serve a task. Belongs to one thread.
class Calibration {
 public:
  // The ratio to begin with, until answers come.
  explicit Calibration(double seed_ratio = 1.0);

  // Always within [0.5, 3].
  double ratio() const { return ratio_; }

  // Learns from one answered call. `estimated` is the plain estimate of the whole prompt, not
  // corrected before. Calls without a count (either number ≤ 0) teach nothing; a count that is off
  // by more than a factor of two teaches a quarter of what others do.
  void Observe(std::int64_t estimated, std::int64_t actual);

  // The estimate times the ratio, with 5 % on top, rounded up. Never negative.
  std::int64_t Calibrated(std::int64_t estimated) const;

 private:
  double ratio_;
};

}  // namespace llmbatch::tokens
