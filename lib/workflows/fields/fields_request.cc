#include "workflows/fields/fields_request.h"

#include <string_view>
#include <unordered_set>
#include <utility>

#include "json/object_reader.h"

namespace llmbatch::workflows {
namespace {

using json::Kind;
using json::ObjectReader;

constexpr json::StringLimits kLabelLimits{
    .min_code_points = 1, .max_code_points = 1'000, .allow_control_characters = true};
constexpr json::StringLimits kPointerLimits{
    .min_code_points = 1, .max_code_points = 1'000, .allow_control_characters = true};

Field::Strategy ReadStrategy(ObjectReader& reader) {
  const auto name = reader.OptionalString("strategy");
  if (!name) return Field::Strategy::kAuto;
  if (*name == "extract") return Field::Strategy::kExtract;
  if (*name != "generate") reader.Fail("strategy", "must be extract or generate");
  return Field::Strategy::kGenerate;
}

std::optional<Pattern> ReadPattern(ObjectReader& reader) {
  const auto text = reader.OptionalString("pattern");
  if (!text) return std::nullopt;
  auto pattern = Pattern::Compile(*text, Pattern::Case::kExact);
  if (pattern) return *std::move(pattern);
  reader.Fail("pattern", pattern.error().message);
  return std::nullopt;
}

Field ReadField(ObjectReader& reader) {
  Field field;
  field.id = reader.String("id", wire::kIdLimits);
  field.label = reader.String("label", kLabelLimits);
  field.type = reader.OptionalString("type", kLabelLimits).value_or("");
  field.strategy = ReadStrategy(reader);
  field.pointer = reader.OptionalString("pointer", kPointerLimits).value_or("");
  if (!field.pointer.empty() && !field.pointer.starts_with('/')) {
    reader.Fail("pointer", "must begin with a slash");
  }
  field.pattern = ReadPattern(reader);
  return field;
}

std::string ReadContext(ObjectReader& reader) {
  const auto context = reader.Any("context");
  if (!context) return {};
  if (!context->is(Kind::kObject) && !context->is(Kind::kString)) {
    reader.Optional("context", Kind::kObject);  // notes what was expected
    return {};
  }
  return context->ToJson();
}

}  // namespace

std::variant<FieldsRequest, wire::Malformed> ReadFieldsRequest(json::Value job) {
  FieldsRequest request;
  ObjectReader reader(job, "");
  const auto fields = reader.Required("fields", Kind::kArray);
  if (fields && (fields->size() < 1 || fields->size() > kMaxFields)) {
    reader.Fail("fields", "must have from 1 to " + std::to_string(kMaxFields) + " elements");
  }
  const auto user_data = reader.Optional("user_data", Kind::kObject);
  request.user_data_json = user_data ? user_data->ToJson() : "{}";
  request.context_json = ReadContext(reader);
  request.max_parallel = reader.OptionalInt("max_parallel", {.min = 1, .max = kMaxParallelFields})
                             .value_or(kDefaultParallelFields);
  if (!reader.ok()) return wire::MalformedBy(reader);

  std::unordered_set<std::string> ids;
  for (std::size_t i = 0; i < fields->size(); ++i) {
    ObjectReader each(fields->At(i), "fields[" + std::to_string(i) + "]");
    Field field = ReadField(each);
    if (each.ok() && !ids.insert(field.id).second) {
      each.Fail("id", "the same as that of a field before");
    }
    if (!each.ok()) return wire::MalformedBy(each);
    request.fields.push_back(std::move(field));
  }
  return request;
}

}  // namespace llmbatch::workflows
