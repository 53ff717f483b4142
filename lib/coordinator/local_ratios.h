// The ratios of estimates in memory, for one replica on its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ports/ratios.h"

namespace llmbatch::coordinator {

// Means the same as the script that keeps them in Redis. As many as the configuration has ways to
// serve tasks.
class LocalRatios {
 public:
  std::vector<std::optional<std::int64_t>> Share(const ports::ShareRatios& command);

 private:
  std::map<std::string, std::int64_t> ratios_;  // in millionths
};

}  // namespace llmbatch::coordinator
