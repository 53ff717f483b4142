// What OpenAI's two endpoints, chat completions and Responses, have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "json/writer.h"
#include "model/usage.h"

namespace llmbatch::providers {

// Writes name, strict and schema into the object that is open. With `strict` the schema is closed
// first (see strict_schema.h); if that can't be done it goes as it is, and strict is false.
void WriteNamedSchema(json::Writer& writer, const std::string& schema_json, bool strict);

struct UsageNames {
  std::string_view input;
  std::string_view input_details;
  std::string_view output;
  std::string_view output_details;
};
// nullopt if one of the sums is missing or nonsense.
std::optional<model::Usage> ReadOpenAiUsage(json::Value usage, const UsageNames& names);

}  // namespace llmbatch::providers
