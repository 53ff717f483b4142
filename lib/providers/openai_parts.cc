#include "providers/openai_parts.h"

#include "providers/fields.h"
#include "providers/strict_schema.h"

namespace llmbatch::providers {

void WriteNamedSchema(json::Writer& writer, const std::string& schema_json, bool strict) {
  std::optional<std::string> closed;
  if (strict) closed = ClosedSchema(schema_json, OptionalProperties::kBecomeNullable);
  writer.Key("name").String("answers").Key("strict").Bool(closed.has_value());
  writer.Key("schema").Raw(closed ? *closed : schema_json);
}

std::optional<model::Usage> ReadOpenAiUsage(json::Value usage, const UsageNames& names) {
  const auto input = TokensAt(usage, names.input);
  const auto output = TokensAt(usage, names.output);
  if (!input || !output) return std::nullopt;
  const std::int64_t cached = PartAt(usage, names.input_details, "cached_tokens", *input);
  return model::Usage{
      .input_tokens = *input,
      .cached_input_tokens = cached,
      .cache_write_tokens =
          PartAt(usage, names.input_details, "cache_write_tokens", *input - cached),
      .output_tokens = *output,
      .reasoning_tokens = PartAt(usage, names.output_details, "reasoning_tokens", *output)};
}

}  // namespace llmbatch::providers
