// How long an answer takes.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"

namespace llmbatch::twin {

// A distribution of times: "fixed:200", "uniform:50-200" or "lognormal:200,0.5" (median and sigma);
// milliseconds.
class Latency {
 public:
  Latency() = default;
  static base::Result<Latency> Parse(std::string_view text);

  base::Duration Draw(base::Rng& rng) const;

 private:
  enum class Shape { kFixed, kUniform, kLogNormal };

  Shape shape_ = Shape::kFixed;
  double first_ = 0;   // the time, the least, or the median
  double second_ = 0;  // nothing, the most, or sigma
};

// Clamps to 0 … one hour. REQUIRES: not NaN
base::Duration FromMillis(double ms);

}  // namespace llmbatch::twin
