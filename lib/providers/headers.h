// Reading HTTP headers of providers: names, whole numbers, durations, dates.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/item.h"

namespace llmbatch::providers {

// The first header of that name, without blanks around it; nullopt if there is none. `name` in
// lower case.
std::optional<std::string_view> FindHeader(const std::vector<model::Header>& headers,
                                           std::string_view name);

// Digits only, and fits.
std::optional<std::int64_t> ParseWhole(std::string_view text);

// A decimal like "12" or "0.5", times `unit`. nullopt for anything else, a sign, or over ten years.
std::optional<base::Duration> ParseDecimalDuration(std::string_view text, base::Duration unit);

// Numbers with units one after another: "120ms", "6m0s", "1h2m3.5s", "2d".
std::optional<base::Duration> ParseUnitDuration(std::string_view text);

// "Sun, 06 Nov 1994 08:49:37 GMT"; the older forms that RFC 9110 knows are not read.
std::optional<base::WallTime> ParseHttpDate(std::string_view text);

}  // namespace llmbatch::providers
