// Calibration: corrects estimates of tokens by what a provider really counted.
#pragma once

#include <cstdint>

namespace llmbatch::tokens {

// What a calibration has seen: it takes any ratio r to keep * r + add.
struct Lesson {
  double keep = 1;
  double add = 0;

  bool empty() const { return keep == 1; }
};

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

  // For others who learn of the same: what was seen since it was taken last, or given back.
  Lesson TakeLesson();
  // The lesson reached nobody.
  void ReturnLesson(const Lesson& lesson);
  // A ratio that all learnt together takes the place of this one; what was seen here since the last
  // lesson counts on top of it.
  void Adopt(double ratio);

 private:
  double ratio_;
  Lesson untold_;
};

}  // namespace llmbatch::tokens
