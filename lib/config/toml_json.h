// Tables of a free form as JSON.
#pragma once

#include <toml++/toml.h>

#include <string>

#include "base/result.h"

namespace llmbatch::config {

// Keys in alphabetical order. Dates, times, infinities and NaN have no JSON form: the error names
// the key.
base::Result<std::string> ToJson(const toml::table& table);

}  // namespace llmbatch::config
