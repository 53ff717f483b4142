// Ratios: how many tokens providers count for each one that was estimated, learnt by all replicas
// together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"

namespace llmbatch::ports {

// What one replica saw since it last told so. Where the replicas' ratio was r, it becomes
// keep * r + add. All figures are in millionths.
struct RatioLesson {
  static constexpr std::int64_t kOne = 1'000'000;

  std::string name;          // of a provider, model and task; the same on all replicas
  std::int64_t ratio = 0;    // this replica's own, for when no other is known
  std::int64_t keep = kOne;  // kOne: nothing was seen, and nothing is changed
  std::int64_t add = 0;
};

// Tells what was seen, and learns the ratios that all replicas go by. Answered by RatiosShared; the
// core has at most one under way. A repetition gives what was seen more weight.
struct ShareRatios {
  model::RatiosId share;
  std::vector<RatioLesson> lessons;
  base::Duration ttl{};  // of what is kept, from its last change
};

struct RatiosShared {
  model::RatiosId share;
  // One for each lesson, in order, in millionths; nullopt: none is known.
  base::Result<std::vector<std::optional<std::int64_t>>> ratios;
};

}  // namespace llmbatch::ports
