#include "workflows/chain/chain_request.h"

#include "json/object_reader.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::ObjectReader;

std::vector<std::string> ReadPrompts(ObjectReader& reader) {
  std::vector<std::string> prompts;
  const auto list = reader.Optional("prompts", Kind::kArray);
  if (!list) return prompts;
  if (list->size() < 1 || list->size() > kMaxChainPrompts) {
    reader.Fail("prompts", "must have from 1 to " + std::to_string(kMaxChainPrompts) + " elements");
    return prompts;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::Value prompt = list->At(i);
    if (!prompt.is(Kind::kString) || prompt.AsString().empty()) {
      reader.Fail("prompts", "element " + std::to_string(i) + " must be a text that isn't empty");
      return prompts;
    }
    prompts.emplace_back(prompt.AsString());
  }
  return prompts;
}

std::optional<json::Schema> ReadSchema(ObjectReader& reader) {
  const auto schema = reader.Optional("unit_schema", Kind::kObject);
  if (!schema) return std::nullopt;
  auto compiled = json::Schema::Compile(schema->ToJson());
  if (compiled) return *std::move(compiled);
  reader.Fail("unit_schema", compiled.error().message);
  return std::nullopt;
}

std::string ReadGoal(ObjectReader& reader) {
  const auto goal = reader.Any("goal");
  if (!goal) return {};
  if (!goal->is(Kind::kObject) && !goal->is(Kind::kString)) {
    reader.Optional("goal", Kind::kObject);  // notes what was expected
    return {};
  }
  return goal->ToJson();
}

}  // namespace

std::variant<ChainRequest, wire::Malformed> ReadChainRequest(json::Value job) {
  ObjectReader reader(job, "");
  ChainRequest request;
  request.prompts = ReadPrompts(reader);
  const auto units = reader.OptionalInt("total_units", {.min = 1, .max = kMaxChainUnits});
  request.total_units = units.value_or(0);
  request.units_per_batch = reader.OptionalInt("units_per_batch", {.min = 1, .max = kMaxChainUnits})
                                .value_or(kDefaultUnitsPerBatch);
  request.window = reader.OptionalInt("window", {.min = 0, .max = kMaxChainWindow})
                       .value_or(kDefaultChainWindow);
  request.unit_schema = ReadSchema(reader);
  request.goal_json = ReadGoal(reader);
  if (units && !request.prompts.empty()) reader.Fail("prompts", "given besides total_units");
  // Neither: told as what is missing.
  if (!units && request.prompts.empty()) reader.Int("total_units");
  if (!reader.ok()) return wire::MalformedBy(reader);
  return request;
}

}  // namespace llmbatch::workflows
