// Values: the texts inside a configuration that have a form of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace llmbatch::config {

// A whole number and a unit: "200ms", "30s", "5m", "12h", "7d". nullopt if it is anything else, or
// over 3,650 days.
std::optional<base::Duration> ParseDuration(std::string_view text);
// As ParseDuration reads it, in the largest unit that has no remainder.
std::string ToText(base::Duration duration);
// With separators: 1,000,000.
std::string ToText(std::int64_t number);

// The candidate that `word` is most likely a misspelling of; nullopt if none is near.
std::optional<std::string> Nearest(std::string_view word,
                                   const std::vector<std::string>& candidates);

// `"a", "b" or "c"`.
std::string Enumerate(const std::vector<std::string>& words);

bool IsTopicName(std::string_view text);
// Names of tasks and providers, which become metric labels and parts of routes: 1 to 64 of
// A–Z a–z 0–9 . _ -
bool IsName(std::string_view text);

// What is wrong with the URL of a provider's API; empty: nothing.
std::string FaultOfBaseUrl(std::string_view url, bool allow_http);

// Whether `name` fits `pattern`, in which each * stands for any characters.
bool MatchesPattern(std::string_view name, std::string_view pattern);

}  // namespace llmbatch::config
