// Adaptive limits: pools whose size isn't known and is found by trying.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace llmbatch::ports {

// Between which the limit stays. REQUIRES: 1 <= least <= most
struct AdaptiveBounds {
  std::int64_t least = 1;
  std::int64_t most = 1;

  friend bool operator==(const AdaptiveBounds&, const AdaptiveBounds&) = default;
};

// What one replica has seen of such a pool since it was told `version`. Saying it again changes
// nothing: what a version has led to makes another version.
struct AdaptiveReport {
  AdaptiveBounds bounds;
  std::int64_t known = 0;        // the limit, as last told; 0: it never was
  std::int64_t version = 0;      // likewise
  std::int64_t answers = 0;      // that came since then
  base::Duration answer_time{};  // until an answer came, on average; zero: there was none yet
  // The version known when the refused call was started that was refused last; 0: there was none.
  std::int64_t refused = 0;
  base::Duration refused_ago{};  // since that call was started
  base::Duration held{};         // how long that refusal keeps calls from being started
  // Answers have come to take much longer than is usual: which part of the limit would do without
  // that, in thousandths. 0: they haven't.
  std::int64_t quick_part = 0;
};

// Why a limit is what it is.
enum class AdaptiveChange { kStart, kGrowth, kRefusal, kLatency };
constexpr std::string_view ToString(AdaptiveChange change) {
  switch (change) {
    case AdaptiveChange::kStart:
      return "start";
    case AdaptiveChange::kGrowth:
      return "growth";
    case AdaptiveChange::kRefusal:
      return "refusal";
    case AdaptiveChange::kLatency:
      return "latency";
  }
  return "start";
}

struct AdaptiveState {
  std::int64_t limit = 0;
  std::int64_t version = 0;  // another one with each change; only grows
  AdaptiveChange change = AdaptiveChange::kStart;
};

}  // namespace llmbatch::ports
