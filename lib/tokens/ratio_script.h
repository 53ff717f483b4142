// The ratios that all replicas go by: the Lua text that Redis runs for each ShareRatios.
#pragma once

#include <string_view>

namespace llmbatch::tokens {

// KEYS     a string for each ratio, in millionths
// ARGV     1 ms to live  then for each key: the replica's own ratio, keep, add; in millionths
// Returns  for each key the ratio in millionths, 0 if none is known
//
// What stands there is believed only as far as a calibration can get.
std::string_view RatioScript();

}  // namespace llmbatch::tokens
