#include "providers/openapi_schema.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "json/value.h"
#include "json/writer.h"
#include "providers/strict_schema.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;

// References within references; more is taken for a schema that contains itself.
constexpr std::size_t kMaxDepth = 64;
// Of what references are put in for: each may stand in many places.
constexpr std::size_t kMaxNodes = 5'000;

std::string ToUpper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

bool IsNullType(Value schema) {
  const auto type = schema.Find("type");
  return type && type->is(Kind::kString) && type->AsString() == "null";
}

struct Types {
  std::vector<std::string_view> others;
  bool null = false;
};

Types TypesOf(Value schema) {
  Types types;
  const auto add = [&types](Value type) {
    if (!type.is(Kind::kString)) return;
    if (type.AsString() == "null") {
      types.null = true;
    } else {
      types.others.push_back(type.AsString());
    }
  };
  const auto type = schema.Find("type");
  if (!type) return types;
  if (!type->is(Kind::kArray)) add(*type);
  for (std::size_t i = 0; type->is(Kind::kArray) && i < type->size(); ++i) add(type->At(i));
  return types;
}

// Reads what ClosedSchema has written: one spelling for each meaning.
class Translator {
 public:
  explicit Translator(Value root) : root_(root) {}

  std::optional<std::string> Translate() {
    Write(root_, false, 0);
    std::string text = writer_.Take();
    if (failed_) return std::nullopt;
    return text;
  }
  std::vector<std::string> TakeLoosened() { return std::move(loosened_); }

 private:
  void Loosen(std::string_view keyword) {
    if (std::find(loosened_.begin(), loosened_.end(), keyword) == loosened_.end()) {
      loosened_.emplace_back(keyword);
    }
  }

  void Write(Value schema, bool nullable, std::size_t depth) {
    failed_ = failed_ || depth > kMaxDepth || ++nodes_ > kMaxNodes;
    if (failed_) {
      writer_.Null();
      return;
    }
    if (const auto reference = schema.Find("$ref")) {
      WriteTarget(*reference, nullable, depth);
    } else if (const auto alternatives = schema.Find("anyOf")) {
      WriteAlternatives(schema, *alternatives, nullable, depth);
    } else {
      WritePlain(schema, nullable, depth);
    }
  }

  // "#/$defs/name" or "#/definitions/name".
  std::optional<Value> Find(Value reference) const {
    if (!reference.is(Kind::kString)) return std::nullopt;
    std::string_view path = reference.AsString();
    if (!path.starts_with("#/")) return std::nullopt;
    path.remove_prefix(2);
    const std::size_t slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto folder = root_.Find(path.substr(0, slash));
    return folder ? folder->Find(path.substr(slash + 1)) : std::nullopt;
  }

  void WriteTarget(Value reference, bool nullable, std::size_t depth) {
    if (const auto target = Find(reference)) {
      Write(*target, nullable, depth + 1);
      return;
    }
    failed_ = true;
    writer_.Null();
  }

  void WriteAlternatives(Value schema, Value alternatives, bool nullable, std::size_t depth) {
    std::vector<Value> others;
    for (std::size_t i = 0; i < alternatives.size(); ++i) {
      if (IsNullType(alternatives.At(i))) {
        nullable = true;
      } else {
        others.push_back(alternatives.At(i));
      }
    }
    if (others.size() == 1) {
      Write(others.front(), nullable, depth + 1);
      return;
    }
    if (others.empty() || schema.Find("type")) failed_ = true;
    writer_.BeginObject();
    WriteDescription(schema);
    WriteNullable(nullable);
    writer_.Key("anyOf").BeginArray();
    for (const Value other : others) Write(other, false, depth + 1);
    writer_.EndArray().EndObject();
  }

  void WritePlain(Value schema, bool nullable, std::size_t depth) {
    const Types types = TypesOf(schema);
    nullable = nullable || types.null;
    writer_.BeginObject();
    if (types.others.empty()) {
      writer_.Key("type").String("NULL");
    } else if (types.others.size() == 1) {
      writer_.Key("type").String(ToUpper(types.others.front()));
      WriteNullable(nullable);
    } else {
      WriteTypes(schema, types);
      WriteNullable(nullable);
    }
    WriteDescription(schema);
    WriteParts(schema, depth);
    writer_.EndObject();
  }

  void WriteTypes(Value schema, const Types& types) {
    if (schema.Find("properties") || schema.Find("items") || schema.Find("enum")) failed_ = true;
    writer_.Key("anyOf").BeginArray();
    for (const std::string_view type : types.others) {
      writer_.BeginObject().Key("type").String(ToUpper(type)).EndObject();
    }
    writer_.EndArray();
  }

  void WriteParts(Value schema, std::size_t depth) {
    const auto format = schema.Find("format");
    if (format && format->is(Kind::kString) && format->AsString() == "date-time") {
      writer_.Key("format").String("date-time");
    } else if (format) {
      Loosen("format");
    }
    if (const auto choices = schema.Find("enum")) WriteChoices(*choices);
    if (const auto items = schema.Find("items")) {
      writer_.Key("items");
      Write(*items, false, depth + 1);
    }
    if (const auto least = schema.Find("minItems")) writer_.Key("minItems").Raw(least->ToJson());
    if (const auto properties = schema.Find("properties")) {
      WriteProperties(schema, *properties, depth);
    }
  }

  // Only texts can be chosen from.
  void WriteChoices(Value choices) {
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const Value choice = choices.At(i);
      if (choice.is(Kind::kString)) {
        texts.push_back(choice.AsString());
      } else if (!choice.is(Kind::kNull)) {
        Loosen("enum");
        return;
      }
    }
    if (texts.empty()) return;
    writer_.Key("enum").BeginArray();
    for (const std::string_view text : texts) writer_.String(text);
    writer_.EndArray();
  }

  void WriteProperties(Value schema, Value properties, std::size_t depth) {
    writer_.Key("properties").BeginObject();
    for (std::size_t i = 0; i < properties.size(); ++i) {
      writer_.Key(properties.MemberAt(i).name);
      Write(properties.MemberAt(i).value, false, depth + 1);
    }
    writer_.EndObject();
    if (const auto required = schema.Find("required")) {
      writer_.Key("required").Raw(required->ToJson());
    }
    writer_.Key("propertyOrdering").BeginArray();
    for (std::size_t i = 0; i < properties.size(); ++i) {
      writer_.String(properties.MemberAt(i).name);
    }
    writer_.EndArray();
  }

  void WriteDescription(Value schema) {
    for (const std::string_view name : {"title", "description"}) {
      if (const auto text = schema.Find(name)) writer_.Key(name).Raw(text->ToJson());
    }
  }

  void WriteNullable(bool nullable) {
    if (nullable) writer_.Key("nullable").Bool(true);
  }

  Value root_;
  json::Writer writer_;
  std::size_t nodes_ = 0;
  bool failed_ = false;
  std::vector<std::string> loosened_;
};

}  // namespace

std::optional<std::string> OpenApiSchema(std::string_view schema_json) {
  const auto closed = ClosedSchema(schema_json, OptionalProperties::kStay);
  if (!closed) return std::nullopt;
  const auto document = json::Document::Parse(*closed);
  if (!document) return std::nullopt;
  return Translator(document->root()).Translate();
}

std::vector<std::string> WhatOpenApiLoosens(std::string_view schema_json) {
  std::vector<std::string> keywords = WhatIsLoosened(schema_json);
  const auto closed = ClosedSchema(schema_json, OptionalProperties::kStay);
  const auto document = json::Document::Parse(closed.value_or("{}"));
  if (!document) return keywords;
  Translator translator(document->root());
  translator.Translate();
  for (std::string& keyword : translator.TakeLoosened()) {
    if (std::find(keywords.begin(), keywords.end(), keyword) == keywords.end()) {
      keywords.push_back(std::move(keyword));
    }
  }
  return keywords;
}

}  // namespace llmbatch::providers
