#include "wire/parts.h"

#include "model/error_code.h"

namespace llmbatch::wire {

void WriteUsage(json::Writer& writer, const model::Usage& usage) {
  writer.Key("usage").BeginObject();
  writer.Key("input_tokens").Int(usage.input_tokens);
  writer.Key("cached_input_tokens").Int(usage.cached_input_tokens);
  writer.Key("cache_write_tokens").Int(usage.cache_write_tokens);
  writer.Key("output_tokens").Int(usage.output_tokens);
  writer.Key("reasoning_tokens").Int(usage.reasoning_tokens);
  writer.EndObject();
}

void WriteCost(json::Writer& writer, const std::optional<model::NanoUsd>& cost,
               const std::optional<model::NanoUsd>& in_doubt) {
  const auto write = [&writer](std::string_view name, const std::optional<model::NanoUsd>& sum) {
    writer.Key(name);
    sum ? writer.String(model::ToDecimal(*sum)) : writer.Null();
  };
  write("cost_usd", cost);
  if (in_doubt != model::NanoUsd{}) write("cost_in_doubt_usd", in_doubt);
}

void WriteRepair(json::Writer& writer, const model::ItemOutcome& outcome) {
  if (outcome.repair.empty()) return;
  writer.Key("repair").BeginObject();
  writer.Key("kind").String(outcome.repair);
  writer.Key("edits").Int(outcome.repair_edits);
  writer.EndObject();
}

void WriteError(json::Writer& writer, const std::optional<model::ItemError>& error) {
  if (!error) return;
  writer.Key("error").BeginObject();
  writer.Key("code").String(model::ToString(error->code));
  writer.Key("message").String(error->message);
  writer.Key("retryable").Bool(error->retryable);
  writer.Key("attempts").Int(error->attempts);
  writer.EndObject();
}

}  // namespace llmbatch::wire
