#include "wire/outcome.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "json/object_reader.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"

namespace llmbatch::wire {
namespace {

using base::Result;
using json::ObjectReader;
using json::Value;

constexpr std::int64_t kVersion = 1;
// An output may be as deep as any JSON that is read, and stands one level below.
constexpr json::Limits kLimits{.max_bytes = 32U << 20, .max_depth = 65, .max_nodes = 1'000'000};
constexpr json::IntLimits kNotNegative{.min = 0, .max = std::numeric_limits<std::int64_t>::max()};

template <typename Enum>
Enum ReadName(ObjectReader& reader, std::string_view field,
              std::optional<Enum> (*parse)(std::string_view)) {
  const auto value = parse(reader.String(field));
  if (!value) reader.Fail(field, "not a name that is known");
  return value.value_or(Enum{});
}

Result<model::ItemError> ReadError(Value value) {
  ObjectReader reader(value, "error");
  model::ItemError error;
  error.code = ReadName<model::ErrorCode>(reader, "code", model::ParseErrorCode);
  error.message = reader.String("message");
  error.retryable = reader.OptionalBool("retryable").value_or(false);
  error.attempts =
      static_cast<int>(reader.Int("attempts", {.min = 0, .max = std::numeric_limits<int>::max()}));
  if (!reader.ok()) return *reader.error();
  return error;
}

Result<model::Usage> ReadUsage(Value value) {
  ObjectReader reader(value, "usage");
  model::Usage usage;
  usage.input_tokens = reader.Int("input_tokens", kNotNegative);
  usage.cached_input_tokens = reader.Int("cached_input_tokens", kNotNegative);
  // Outcomes of versions that didn't tell it are still read.
  usage.cache_write_tokens =
      reader.OptionalInt("cache_write_tokens").value_or(usage.cache_write_tokens);
  usage.output_tokens = reader.Int("output_tokens", kNotNegative);
  usage.reasoning_tokens = reader.Int("reasoning_tokens", kNotNegative);
  if (!reader.ok()) return *reader.error();
  return usage;
}

Result<model::ItemOutcome> ReadOutcome(Value root) {
  ObjectReader reader(root, "");
  if (reader.Int("v") != kVersion) reader.Fail("v", "a version that isn't known");
  model::ItemOutcome outcome;
  outcome.status = ReadName<model::ResultStatus>(reader, "status", model::ParseResultStatus);
  outcome.source = ReadName<model::ResultSource>(reader, "source", model::ParseResultSource);
  outcome.model = reader.OptionalString("model").value_or("");
  outcome.batch_id = reader.OptionalString("batch_id").value_or("");
  if (const auto nanos = reader.OptionalInt("cost_nanos")) outcome.cost = model::NanoUsd{*nanos};
  // null where the model has no price; outcomes without the member have nothing in doubt.
  const auto in_doubt = root.Find("cost_in_doubt_nanos");
  if (in_doubt && in_doubt->is(json::Kind::kNull)) {
    outcome.cost_in_doubt.reset();
  } else if (const auto nanos = reader.OptionalInt("cost_in_doubt_nanos", kNotNegative)) {
    outcome.cost_in_doubt = model::NanoUsd{*nanos};
  }
  outcome.duration = base::Duration(reader.Int("duration_ns", kNotNegative));
  const auto usage_value = reader.Required("usage", json::Kind::kObject);
  const auto error_value = reader.Optional("error", json::Kind::kObject);
  // null is an output like any other, so it isn't asked from the reader.
  const auto output = root.Find("output");
  const bool failed = outcome.status == model::ResultStatus::kError;
  if (failed && !error_value) reader.Fail("error", "missing");
  if (!failed && !output) reader.Fail("output", "missing");
  const auto repair_value = reader.Optional("repair", json::Kind::kObject);
  if (!reader.ok()) return *reader.error();
  if (repair_value) {
    ObjectReader repair(*repair_value, "repair");
    outcome.repair = repair.String("kind");
    outcome.repair_edits = repair.Int("edits", kNotNegative);
    if (!repair.ok()) return *repair.error();
  }

  auto usage = ReadUsage(*usage_value);
  if (!usage) return usage.error();
  outcome.usage = *usage;
  if (output) outcome.output_json = output->ToJson();
  if (error_value) {
    auto error = ReadError(*error_value);
    if (!error) return error.error();
    outcome.error = *std::move(error);
  }
  return outcome;
}

}  // namespace

std::string EncodeOutcome(const model::ItemOutcome& outcome) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("v").Int(kVersion);
  writer.Key("status").String(model::ToString(outcome.status));
  if (!outcome.output_json.empty()) writer.Key("output").Raw(outcome.output_json);
  WriteError(writer, outcome.error);
  writer.Key("source").String(model::ToString(outcome.source));
  writer.Key("model").String(outcome.model);
  writer.Key("batch_id").String(outcome.batch_id);
  WriteUsage(writer, outcome.usage);
  WriteRepair(writer, outcome);
  if (outcome.cost) writer.Key("cost_nanos").Int(outcome.cost->nanos);
  if (!outcome.cost_in_doubt) {
    writer.Key("cost_in_doubt_nanos").Null();
  } else if (outcome.cost_in_doubt->nanos > 0) {
    writer.Key("cost_in_doubt_nanos").Int(outcome.cost_in_doubt->nanos);
  }
  writer.Key("duration_ns").Int(outcome.duration.count());
  writer.EndObject();
  return writer.Take();
}

Result<model::ItemOutcome> DecodeOutcome(std::string_view text) {
  const auto document = json::Document::Parse(text, kLimits);
  if (!document) return document.error();
  return ReadOutcome(document->root());
}

}  // namespace llmbatch::wire
