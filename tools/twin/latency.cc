#include "twin/latency.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <optional>

namespace llmbatch::twin {
namespace {

constexpr double kMaxLatencyMs = 3'600'000;

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= 0 && value <= kMaxLatencyMs ? std::optional(value) : std::nullopt;
}

double DrawNormal(base::Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(1 - rng.Unit()));
  return radius * std::cos(2 * std::numbers::pi * rng.Unit());
}

}  // namespace

base::Duration FromMillis(double ms) {
  return base::Duration(static_cast<std::int64_t>(std::clamp(ms, 0.0, kMaxLatencyMs) * 1e6));
}

base::Result<Latency> Latency::Parse(std::string_view text) {
  const auto colon = text.find(':');
  const std::string_view shape = text.substr(0, colon);
  const std::string_view rest = colon == text.npos ? "" : text.substr(colon + 1);
  const auto split = rest.find(shape == "uniform" ? '-' : ',');
  const auto first = ParseNumber(rest.substr(0, split));
  const auto second = split == rest.npos ? std::nullopt : ParseNumber(rest.substr(split + 1));

  Latency latency;
  if (shape == "fixed" && first && split == rest.npos) {
    latency.shape_ = Shape::kFixed;
  } else if (shape == "uniform" && first && second && *first <= *second) {
    latency.shape_ = Shape::kUniform;
  } else if (shape == "lognormal" && first && second && *second <= 10) {
    latency.shape_ = Shape::kLogNormal;
  } else {
    return base::Invalid("a latency is fixed:MS, uniform:MS-MS or lognormal:MEDIAN_MS,SIGMA");
  }
  latency.first_ = *first;
  latency.second_ = second.value_or(0);
  return latency;
}

base::Duration Latency::Draw(base::Rng& rng) const {
  switch (shape_) {
    case Shape::kFixed:
      return FromMillis(first_);
    case Shape::kUniform:
      return FromMillis(first_ + (second_ - first_) * rng.Unit());
    case Shape::kLogNormal:
      return FromMillis(first_ * std::exp(second_ * DrawNormal(rng)));
  }
  return {};
}

}  // namespace llmbatch::twin
