// Cost of a call by a price list, and its fair division over the items that shared it. Integers
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/money.h"
#include "model/price.h"
#include "model/usage.h"

namespace llmbatch::providers {

// What a price list is asked for.
struct PricedCall {
  std::string_view tier = model::kStandardTier;
  std::int64_t input_tokens = 0;
  base::WallTime at;
};
// Of the rows for the tier that hold at that time those that began last, and of these the one with
// the highest step below the input. nullopt if there is none.
std::optional<model::ModelPrice> PriceFor(const model::PriceList& prices, const PricedCall& call);

// Rounded half up to whole nano-dollars, once, on the sum. nullopt without a price, and for figures
// that are negative or whose cost does not fit.
std::optional<model::NanoUsd> CostOf(const model::Usage& usage,
                                     const std::optional<model::ModelPrice>& price);
std::optional<model::NanoUsd> CostOf(const model::Usage& usage, const model::PriceList& prices,
                                     std::string_view tier, base::WallTime at);

// Parts of `total` in proportion to `weights`, one for each, whose sum is exactly `total`: what
// rounding leaves over goes to the largest remainders, the earlier first. Weights below 0 count as
// 0; if all are 0 the parts are equal. Without weights there are no parts. REQUIRES: total ≥ 0
std::vector<model::NanoUsd> ShareOut(model::NanoUsd total, std::span<const std::int64_t> weights);
// The same for every kind of token; what is a part of another kind in the whole is so in each part.
std::vector<model::Usage> ShareOut(const model::Usage& total,
                                   std::span<const std::int64_t> weights);

}  // namespace llmbatch::providers
