// The own members of a job of workflow `chain`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "json/schema.h"
#include "json/value.h"
#include "wire/request.h"

namespace llmbatch::workflows {

inline constexpr std::int64_t kMaxChainUnits = 10'000;
inline constexpr std::size_t kMaxChainPrompts = 1'000;
inline constexpr std::int64_t kDefaultUnitsPerBatch = 3;
inline constexpr std::int64_t kMaxChainWindow = 1'000;
inline constexpr std::int64_t kDefaultChainWindow = 2;

// Either units or prompts.
struct ChainRequest {
  std::int64_t total_units = 0;  // 0: there are prompts
  std::int64_t units_per_batch = kDefaultUnitsPerBatch;
  std::optional<json::Schema> unit_schema;
  std::vector<std::string> prompts;
  // Units: elements of the last unit; prompts: turns. What is told again where the conversation is
  // too long to be told as a whole.
  std::int64_t window = kDefaultChainWindow;
  std::string goal_json;  // an object or a string; empty: none given
};

std::variant<ChainRequest, wire::Malformed> ReadChainRequest(json::Value job);

}  // namespace llmbatch::workflows
