#include "providers/strict_schema.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "json/value.h"
#include "json/writer.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Member;
using json::Value;

template <std::size_t size>
bool Contains(const std::array<std::string_view, size>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Limits that are told in words.
constexpr std::array<std::string_view, 13> kLimits = {
    "minLength", "maxLength",        "minimum",    "maximum",     "exclusiveMinimum",
    "maxItems",  "exclusiveMaximum", "multipleOf", "uniqueItems", "minProperties",
    "pattern",   "maxProperties",    "not"};
// Those that mean nothing for what an answer may be.
constexpr std::array<std::string_view, 12> kAnnotations = {
    "title",     "description", "default", "examples", "deprecated", "readOnly",
    "writeOnly", "$comment",    "$schema", "$id",      "$defs",      "definitions"};
constexpr std::array<std::string_view, 10> kFormats = {
    "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"};

std::vector<std::string_view> DeclaredTypes(Value schema) {
  std::vector<std::string_view> types;
  const auto type = schema.Find("type");
  if (type && type->is(Kind::kString)) types.push_back(type->AsString());
  for (std::size_t i = 0; type && type->is(Kind::kArray) && i < type->size(); ++i) {
    if (type->At(i).is(Kind::kString)) types.push_back(type->At(i).AsString());
  }
  return types;
}

bool Has(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Of the values that the schema lists one by one.
std::vector<std::string_view> TypesOfValues(Value schema) {
  std::vector<std::string_view> types;
  const auto add = [&types](Value value) {
    const std::string_view type = json::ToString(value.kind());
    if (!Has(types, type)) types.push_back(type);
  };
  if (const auto constant = schema.Find("const")) add(*constant);
  const auto choices = schema.Find("enum");
  for (std::size_t i = 0; choices && choices->is(Kind::kArray) && i < choices->size(); ++i) {
    add(choices->At(i));
  }
  return types;
}

std::vector<std::string_view> RequiredNames(Value schema) {
  std::vector<std::string_view> names;
  const auto required = schema.Find("required");
  for (std::size_t i = 0; required && required->is(Kind::kArray) && i < required->size(); ++i) {
    if (required->At(i).is(Kind::kString)) names.push_back(required->At(i).AsString());
  }
  return names;
}

bool IsOneOrLess(Value value) {
  return value.is(Kind::kNumber) && (value.AsNumberText() == "0" || value.AsNumberText() == "1");
}

// Whether the keyword is told in words, for want of one that providers take.
bool IsToldInWords(std::string_view name, Value value) {
  if (name == "minItems") return !IsOneOrLess(value);
  if (name == "format") return value.is(Kind::kString) && !Contains(kFormats, value.AsString());
  return Contains(kLimits, name);
}

// The description, and the limits that have no keyword any more.
std::string DescriptionOf(Value schema) {
  std::string limits;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const auto [name, value] = schema.MemberAt(i);
    if (!IsToldInWords(name, value)) continue;
    if (!limits.empty()) limits += ", ";
    limits.append(name).append(" ").append(value.ToJson());
  }
  const auto description = schema.Find("description");
  const std::string text = description && description->is(Kind::kString)
                               ? std::string(description->AsString())
                               : std::string();
  if (limits.empty()) return text;
  return text.empty() ? limits : text + " (" + limits + ")";
}

class Closer {
 public:
  explicit Closer(OptionalProperties optional) : optional_(optional) {}

  std::optional<std::string> Close(Value root) {
    WriteSchema(root, false);
    std::string text = writer_.Take();
    if (!fault_.empty()) return std::nullopt;
    return text;
  }
  // The first one; empty: none.
  std::string_view fault() const { return fault_; }
  std::vector<std::string> TakeLoosened() { return std::move(loosened_); }

 private:
  void Fail(std::string_view fault) {
    if (fault_.empty()) fault_ = fault;
  }

  void Loosen(std::string_view keyword) {
    if (std::find(loosened_.begin(), loosened_.end(), keyword) == loosened_.end()) {
      loosened_.emplace_back(keyword);
    }
  }

  void WriteSchema(Value schema, bool nullable) {
    const bool wrapped = nullable && !CanTakeNull(schema);
    if (wrapped) writer_.BeginObject().Key("anyOf").BeginArray();
    WritePlain(schema, nullable && !wrapped);
    if (wrapped) {
      writer_.BeginObject().Key("type").String("null").EndObject();
      writer_.EndArray().EndObject();
    }
  }

  // Whether null can be added to its type and its choices.
  static bool CanTakeNull(Value schema) {
    return !DeclaredTypes(schema).empty() && !schema.Find("const") && !schema.Find("$ref") &&
           !schema.Find("anyOf") && !schema.Find("oneOf");
  }

  void WritePlain(Value schema, bool nullable) {
    writer_.BeginObject();
    if (!schema.is(Kind::kObject)) {
      Fail("a schema that is true or false");
    } else if (const auto reference = schema.Find("$ref")) {
      // Nothing may stand beside it.
      writer_.Key("$ref").Raw(reference->ToJson());
      for (std::size_t i = 0; i < schema.size(); ++i) {
        const std::string_view name = schema.MemberAt(i).name;
        if (name != "$ref" && !Contains(kAnnotations, name)) Loosen(name);
      }
      WriteDefinitions(schema);
    } else {
      WriteMembers(schema, nullable);
    }
    writer_.EndObject();
  }

  void WriteMembers(Value schema, bool nullable) {
    if (schema.Find("allOf")) Fail("allOf");
    if (schema.Find("anyOf") && schema.Find("oneOf")) Fail("anyOf beside oneOf");
    if (schema.Find("const") && schema.Find("enum")) Fail("const beside enum");
    WriteType(schema, nullable);
    const std::string description = DescriptionOf(schema);
    if (!description.empty()) writer_.Key("description").String(description);
    for (std::size_t i = 0; i < schema.size(); ++i) {
      const auto [name, value] = schema.MemberAt(i);
      // An anyOf takes its place, for which two alternatives may fit as well.
      if (name == "oneOf" || IsToldInWords(name, value)) Loosen(name);
      WriteKeyword(name, value, nullable);
    }
    const auto types = DeclaredTypes(schema);
    if (Has(types, "object") || schema.Find("properties")) WriteObject(schema);
    if (Has(types, "array") && !schema.Find("items")) Fail("an array without items");
    WriteDefinitions(schema);
  }

  void WriteType(Value schema, bool nullable) {
    auto types = DeclaredTypes(schema);
    if (types.empty()) types = TypesOfValues(schema);
    if (types.empty() && schema.Find("properties")) types.emplace_back("object");
    if (types.empty()) {
      // A schema for anything at all.
      if (!schema.Find("anyOf") && !schema.Find("oneOf")) Fail("a value without type");
      return;
    }
    if (nullable && !Has(types, "null")) types.emplace_back("null");
    writer_.Key("type");
    if (types.size() == 1) {
      writer_.String(types.front());
      return;
    }
    writer_.BeginArray();
    for (const std::string_view type : types) writer_.String(type);
    writer_.EndArray();
  }

  void WriteKeyword(std::string_view name, Value value, bool nullable) {
    if (name == "enum") {
      WriteChoices(value, nullable);
    } else if (name == "items") {
      writer_.Key(name);
      WriteSchema(value, false);
    } else if (name == "anyOf" || name == "oneOf") {
      WriteAlternatives(value);
    } else if (name == "const") {
      writer_.Key("enum").BeginArray().Raw(value.ToJson()).EndArray();
    } else if (name == "title" || (name == "minItems" && IsOneOrLess(value))) {
      writer_.Key(name).Raw(value.ToJson());
    } else if (name == "format" && value.is(Kind::kString) &&
               Contains(kFormats, value.AsString())) {
      writer_.Key(name).String(value.AsString());
    }
  }

  void WriteChoices(Value choices, bool nullable) {
    writer_.Key("enum").BeginArray();
    if (!choices.is(Kind::kArray)) Fail("enum");
    for (std::size_t i = 0; choices.is(Kind::kArray) && i < choices.size(); ++i) {
      const Value choice = choices.At(i);
      nullable = nullable && !choice.is(Kind::kNull);
      writer_.Raw(choice.ToJson());
    }
    if (nullable) writer_.Null();
    writer_.EndArray();
  }

  void WriteAlternatives(Value alternatives) {
    writer_.Key("anyOf").BeginArray();
    if (!alternatives.is(Kind::kArray)) Fail("anyOf");
    for (std::size_t i = 0; alternatives.is(Kind::kArray) && i < alternatives.size(); ++i) {
      WriteSchema(alternatives.At(i), false);
    }
    writer_.EndArray();
  }

  void WriteObject(Value schema) {
    const auto properties = schema.Find("properties");
    const auto additional = schema.Find("additionalProperties");
    const bool closed = additional && additional->is(Kind::kBool) && !additional->AsBool();
    if (!properties || !properties->is(Kind::kObject) || properties->size() == 0 ||
        (additional && !closed)) {
      Fail("an object that may have members that aren't declared");
      return;
    }
    const auto required = RequiredNames(schema);
    const bool all = optional_ == OptionalProperties::kBecomeNullable;
    writer_.Key("properties").BeginObject();
    for (std::size_t i = 0; i < properties->size(); ++i) {
      const auto [name, value] = properties->MemberAt(i);
      writer_.Key(name);
      WriteSchema(value, all && !Has(required, name));
    }
    writer_.EndObject().Key("required").BeginArray();
    for (std::size_t i = 0; i < properties->size(); ++i) {
      const std::string_view name = properties->MemberAt(i).name;
      if (all || Has(required, name)) writer_.String(name);
    }
    writer_.EndArray().Key("additionalProperties").Bool(false);
    for (const std::string_view name : required) {
      if (!properties->Find(name)) Fail("a required property that isn't declared");
    }
  }

  void WriteDefinitions(Value schema) {
    for (const std::string_view name : {"$defs", "definitions"}) {
      const auto definitions = schema.Find(name);
      if (!definitions || !definitions->is(Kind::kObject)) continue;
      writer_.Key(name).BeginObject();
      for (std::size_t i = 0; i < definitions->size(); ++i) {
        const auto [definition, value] = definitions->MemberAt(i);
        writer_.Key(definition);
        WriteSchema(value, false);
      }
      writer_.EndObject();
    }
  }

  OptionalProperties optional_;
  json::Writer writer_;
  std::string_view fault_;  // a literal
  std::vector<std::string> loosened_;
};

}  // namespace

std::optional<std::string> ClosedSchema(std::string_view schema_json, OptionalProperties optional) {
  const auto document = json::Document::Parse(schema_json);
  if (!document) return std::nullopt;
  return Closer(optional).Close(document->root());
}

std::string WhatCannotBeClosed(std::string_view schema_json) {
  const auto document = json::Document::Parse(schema_json);
  if (!document) return "what is no JSON";
  Closer closer(OptionalProperties::kStay);
  closer.Close(document->root());
  return std::string(closer.fault());
}

std::vector<std::string> WhatIsLoosened(std::string_view schema_json) {
  const auto document = json::Document::Parse(schema_json);
  if (!document) return {};
  Closer closer(OptionalProperties::kStay);
  closer.Close(document->root());
  return closer.TakeLoosened();
}

}  // namespace llmbatch::providers
