#include "twin/wire_parts.h"

#include <algorithm>
#include <utility>

namespace llmbatch::twin {
namespace {

bool Requires(const JsonValue& schema, const JsonValue& name) {
  const JsonValue* required = Find(schema, "required");
  if (required == nullptr || !required->IsArray()) return false;
  for (const JsonValue& entry : required->GetArray()) {
    if (entry == name) return true;
  }
  return false;
}

std::string FaultOfObject(const JsonValue& schema, const JsonValue& properties, bool all_required) {
  const JsonValue* additional = Find(schema, "additionalProperties");
  if (additional == nullptr || !additional->IsFalse()) {
    return "'additionalProperties' must be false in every object";
  }
  for (const auto& property : properties.GetObject()) {
    if (all_required && !Requires(schema, property.name)) {
      return "'required' must have every property";
    }
    std::string fault = FaultOfClosedSchema(property.value, all_required);
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace

bool HasHeader(const Headers& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const auto& header) { return header.first == name; });
}

bool HasHeader(const Headers& headers, std::string_view name, std::string_view prefix,
               std::string_view value) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first == name && header.second == std::string(prefix).append(value);
  });
}

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

const JsonValue* FindPath(const JsonValue& value, std::initializer_list<const char*> path) {
  const JsonValue* found = &value;
  for (const char* name : path) {
    if (found != nullptr) found = Find(*found, name);
  }
  return found;
}

const JsonValue* FindObject(const JsonValue& value, std::initializer_list<const char*> path) {
  const JsonValue* found = FindPath(value, path);
  return found != nullptr && found->IsObject() ? found : nullptr;
}

std::optional<std::uint64_t> FindCount(const JsonValue& value, const char* name) {
  const JsonValue* number = Find(value, name);
  if (number == nullptr || !number->IsUint64()) return std::nullopt;
  return number->GetUint64();
}

bool IsText(const JsonValue* value, std::string_view text) {
  return value != nullptr && value->IsString() && TextOf(*value) == text;
}

base::Result<ModelRequest> ParseRequest(std::string_view body) {
  auto document = ParseJson(body);
  if (!document) return document.error();
  ModelRequest request{.body = *std::move(document)};
  const JsonValue* stream = Find(request.body, "stream");
  request.stream = stream != nullptr && stream->IsTrue();
  return request;
}

base::Result<ModelRequest> ParseRequestWithModel(std::string_view body) {
  auto request = ParseRequest(body);
  if (!request) return request;
  const JsonValue* model = Find(request->body, "model");
  if (model == nullptr || !model->IsString()) return base::Invalid("model must be a text");
  request->model = TextOf(*model);
  return request;
}

base::Result<const JsonValue*> FindTurns(const JsonValue& body, const char* name) {
  const JsonValue* turns = Find(body, name);
  if (turns == nullptr || !turns->IsArray() || turns->Empty()) {
    return base::Invalid(std::string(name) + " must be a list with something in it");
  }
  return turns;
}

std::string TextOfContent(const JsonValue* content) {
  if (content == nullptr) return {};
  if (content->IsString()) return std::string(TextOf(*content));
  std::string text;
  if (!content->IsArray()) return text;
  for (const JsonValue& part : content->GetArray()) {
    const JsonValue* piece = Find(part, "text");
    if (piece != nullptr && piece->IsString()) text += TextOf(*piece);
  }
  return text;
}

void AddTurn(std::string text, bool by_user, ModelRequest& request) {
  request.text += text;
  ++request.message_count;
  if (by_user) request.last_user_text = std::move(text);
}

std::string FaultOfClosedSchema(const JsonValue& schema, bool all_required) {
  if (const JsonValue* properties = FindObject(schema, {"properties"})) {
    std::string fault = FaultOfObject(schema, *properties, all_required);
    if (!fault.empty()) return fault;
  }
  for (const char* name : {"$defs", "definitions"}) {
    const JsonValue* definitions = FindObject(schema, {name});
    if (definitions == nullptr) continue;
    for (const auto& definition : definitions->GetObject()) {
      std::string fault = FaultOfClosedSchema(definition.value, all_required);
      if (!fault.empty()) return fault;
    }
  }
  const JsonValue* alternatives = Find(schema, "anyOf");
  if (alternatives != nullptr && alternatives->IsArray()) {
    for (const JsonValue& alternative : alternatives->GetArray()) {
      std::string fault = FaultOfClosedSchema(alternative, all_required);
      if (!fault.empty()) return fault;
    }
  }
  const JsonValue* items = Find(schema, "items");
  return items == nullptr ? std::string() : FaultOfClosedSchema(*items, all_required);
}

void WriteMember(JsonWriter& writer, const char* name, std::string_view text) {
  writer.Key(name);
  WriteText(writer, text);
}

void WriteMember(JsonWriter& writer, const char* name, std::uint64_t number) {
  writer.Key(name);
  writer.Uint64(number);
}

void WriteNullable(JsonWriter& writer, const char* text) {
  if (text == nullptr) {
    writer.Null();
  } else {
    writer.String(text);
  }
}

}  // namespace llmbatch::twin
