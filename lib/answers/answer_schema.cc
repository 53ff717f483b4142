#include "answers/answer_schema.h"

#include <optional>

#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::answers {
namespace {

using json::Kind;
using json::Value;

bool IsObjectType(Value schema) {
  const auto type = schema.Find("type");
  return type && type->is(Kind::kString) && type->AsString() == "object";
}

bool Requires(Value schema, std::string_view name) {
  const auto required = schema.Find("required");
  if (!required || !required->is(Kind::kArray)) return false;
  for (std::size_t i = 0; i < required->size(); ++i) {
    const Value entry = required->At(i);
    if (entry.is(Kind::kString) && entry.AsString() == name) return true;
  }
  return false;
}

// References to "#" or into its properties would point into the whole answer's schema.
bool IsLostReference(const json::Member& member) {
  if (member.name != "$ref" || !member.value.is(Kind::kString)) return false;
  const std::string_view target = member.value.AsString();
  return !target.starts_with("#/$defs/") && !target.starts_with("#/definitions/");
}

bool HasLostReference(Value value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.is(Kind::kArray)) {
      if (HasLostReference(value.At(i))) return true;
    } else {
      const json::Member member = value.MemberAt(i);
      if (IsLostReference(member) || HasLostReference(member.value)) return true;
    }
  }
  return false;
}

std::optional<base::Error> Refusal(Value schema) {
  if (!schema.is(Kind::kObject) || !IsObjectType(schema)) {
    return base::Invalid("output_schema: type must be \"object\"");
  }
  const auto properties = schema.Find("properties");
  if (properties && !properties->is(Kind::kObject)) {
    return base::Invalid("output_schema.properties: must be an object");
  }
  if ((properties && properties->Find("id")) || Requires(schema, "id")) {
    return base::Invalid(
        "output_schema.properties.id: the name id is taken for telling items apart");
  }
  if (HasLostReference(schema)) {
    return base::Invalid("output_schema: $ref must point into #/$defs or #/definitions");
  }
  return std::nullopt;
}

void WriteProperties(json::Writer& writer, Value schema) {
  writer.Key("properties").BeginObject();
  writer.Key("id").BeginObject().Key("type").String("string").EndObject();
  if (const auto properties = schema.Find("properties")) {
    for (std::size_t i = 0; i < properties->size(); ++i) {
      const json::Member member = properties->MemberAt(i);
      writer.Key(member.name).Raw(member.value.ToJson());
    }
  }
  writer.EndObject();
}

void WriteRequired(json::Writer& writer, Value schema) {
  writer.Key("required").BeginArray().String("id");
  const auto required = schema.Find("required");
  for (std::size_t i = 0; required && i < required->size(); ++i) {
    writer.Raw(required->At(i).ToJson());
  }
  writer.EndArray();
}

bool DeclaresProperties(Value schema) {
  const auto properties = schema.Find("properties");
  return properties && properties->size() > 0;
}

bool BelongsToRoot(std::string_view name) { return name == "$defs" || name == "definitions"; }

void WriteItem(json::Writer& writer, Value schema) {
  writer.BeginObject();
  WriteProperties(writer, schema);
  WriteRequired(writer, schema);
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const json::Member member = schema.MemberAt(i);
    if (member.name == "properties" || member.name == "required" || member.name == "$schema" ||
        member.name == "$id" || BelongsToRoot(member.name)) {
      continue;
    }
    writer.Key(member.name).Raw(member.value.ToJson());
  }
  // Nothing is declared, so anything is welcome; beside the id that has to be said.
  if (!DeclaresProperties(schema) && !schema.Find("additionalProperties")) {
    writer.Key("additionalProperties").Bool(true);
  }
  writer.EndObject();
}

}  // namespace

base::Result<std::string> BuildAnswerSchema(std::string_view item_schema_json) {
  const auto document = json::Document::Parse(item_schema_json);
  if (!document) return base::Invalid("output_schema: " + document.error().message);
  const Value item = document->root();
  if (auto refusal = Refusal(item)) return *refusal;

  json::Writer writer;
  writer.BeginObject().Key("type").String("object").Key("additionalProperties").Bool(false);
  writer.Key("required").BeginArray().String("results").EndArray();
  writer.Key("properties").BeginObject().Key("results").BeginObject();
  writer.Key("type").String("array").Key("items");
  WriteItem(writer, item);
  writer.EndObject().EndObject();
  for (std::size_t i = 0; i < item.size(); ++i) {
    const json::Member member = item.MemberAt(i);
    if (BelongsToRoot(member.name)) writer.Key(member.name).Raw(member.value.ToJson());
  }
  writer.EndObject();
  return writer.Take();
}

}  // namespace llmbatch::answers
