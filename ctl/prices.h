// How old the prices of a configuration are.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/load.h"

namespace llmbatch::ctl {

enum class PriceState {
  kFresh,
  kOld,
  kUndated,
  kFuture,   // dated after today: a slip of the pen
  kMissing,  // no price, so the cost of its calls is unknown
};

struct PriceEntry {
  std::string model;  // "provider/model"
  PriceState state = PriceState::kFresh;
  std::string as_of;   // as it is written; empty: not told
  std::string source;  // "file:line"
  bool is_used = false;
};

// Every model of the configuration, in the order of the values. `used`: those that tasks are routed
// to. A model without a price is only told if it is used.
std::vector<PriceEntry> CheckPrices(const std::vector<config::ConfigValue>& values,
                                    const std::set<std::string>& used, base::WallTime now,
                                    base::Duration max_age);

// Whether somebody should look at it.
bool IsWarning(const PriceEntry& entry);

std::string TableOf(const std::vector<PriceEntry>& entries);
std::string JsonOf(const PriceEntry& entry);

}  // namespace llmbatch::ctl
