// Cost of a call, and its fair division over the items that shared it. Integers only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/money.h"
#include "model/task.h"
#include "model/usage.h"

namespace llmbatch::providers {

// Rounded half up to whole nano-dollars, once, on the sum. nullopt without a price, and for figures
// that are negative or whose cost does not fit.
std::optional<model::NanoUsd> CostOf(const model::Usage& usage,
                                     const std::optional<model::ModelPrice>& price);

// Parts of `total` in proportion to `weights`, one for each, whose sum is exactly `total`: what
// rounding leaves over goes to the largest remainders, the earlier first. Weights below 0 count as
// 0; if all are 0 the parts are equal. Without weights there are no parts. REQUIRES: total ≥ 0
std::vector<model::NanoUsd> ShareOut(model::NanoUsd total, std::span<const std::int64_t> weights);
// The same for every kind of token; what is a part of another kind in the whole is so in each part.
std::vector<model::Usage> ShareOut(const model::Usage& total,
                                   std::span<const std::int64_t> weights);

}  // namespace llmbatch::providers
