// A configuration with every default filled in, and where each value comes from.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "config/load.h"

namespace llmbatch::ctl {

// Section by section, as TOML with the source as a comment. Values of more than `max_columns`
// characters are cut. A key without a value is commented out.
std::string ListingOf(const std::vector<config::ConfigValue>& values, std::size_t max_columns);

// One JSON object; the value as the text that it has in TOML.
std::string JsonOf(const config::ConfigValue& value);

}  // namespace llmbatch::ctl
