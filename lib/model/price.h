// What tokens cost: the prices of one model by service tier, length of the input and date.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"

namespace llmbatch::model {

// Dollars per million tokens become nano-dollars per thousand tokens, which is an integer for every
// known price.
struct ModelPrice {
  std::int64_t input_nanos_per_1k = 0;
  std::int64_t cached_input_nanos_per_1k = 0;
  std::int64_t output_nanos_per_1k = 0;
  // Of input written to the provider's cache: for minutes, and for an hour.
  std::int64_t cache_write_nanos_per_1k = 0;
  std::int64_t long_cache_write_nanos_per_1k = 0;
  std::optional<std::int64_t> reasoning_nanos_per_1k{};  // nullopt: as any other output
};

inline constexpr char kStandardTier[] = "standard";

// One line of a price list.
struct PriceRow {
  std::string tier = kStandardTier;
  std::int64_t above_input_tokens = 0;  // holds for the whole of a call with more input than this
  base::WallTime valid_from = base::WallTime::min();
  base::WallTime valid_until = base::WallTime::max();  // the first moment it holds no more
  ModelPrice price;
};

using PriceList = std::vector<PriceRow>;

}  // namespace llmbatch::model
