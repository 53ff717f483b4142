// The own members of a job of workflow `fields`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "json/value.h"
#include "wire/request.h"
#include "workflows/fields/pattern.h"

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxFields = 1'000;
inline constexpr std::int64_t kDefaultParallelFields = 5;
inline constexpr std::int64_t kMaxParallelFields = 1'000;

struct Field {
  // kAuto: taken from the user's data where it is a fact there, else asked.
  enum class Strategy { kAuto, kExtract, kGenerate };

  std::string id;
  std::string label;
  std::string type;  // what the answer should be, in words for the model; empty: anything
  Strategy strategy = Strategy::kAuto;
  std::string pointer;             // JSON Pointer into the user's data; empty: none given
  std::optional<Pattern> pattern;  // what of the text there
};

struct FieldsRequest {
  std::vector<Field> fields;   // never empty; ids differ
  std::string user_data_json;  // an object
  std::string context_json;    // an object or a string; empty: none given
  std::int64_t max_parallel = kDefaultParallelFields;
};

std::variant<FieldsRequest, wire::Malformed> ReadFieldsRequest(json::Value job);

}  // namespace llmbatch::workflows
