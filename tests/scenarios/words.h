// The words of a script's command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/origin.h"

namespace llmbatch::scenarios {

using Words = std::vector<std::string>;

std::optional<std::int64_t> ToNumber(std::string_view text);
// "200ms", "3s", "2m".
std::optional<base::Duration> ToDuration(std::string_view text);
// "llm.requests/0".
std::optional<model::TopicPartition> ToPartition(const std::string& text);
std::optional<std::vector<model::TopicPartition>> ToPartitions(const Words& words);

// The word behind `name`; empty if `name` isn't there.
std::string Value(const Words& words, std::string_view name);
std::int64_t Number(const Words& words, std::string_view name, std::int64_t otherwise);
bool Has(const Words& words, std::string_view name);

}  // namespace llmbatch::scenarios
