#include "twin/schema_filler.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>

#include "base/utf8.h"

namespace llmbatch::twin {
namespace {

// A schema may refer to itself; below this depth everything is null.
constexpr int kMaxSchemaDepth = 16;
// A small schema can ask for exponentially many values; after these it gets nulls.
constexpr int kMaxValues = 2'000;
constexpr std::int64_t kMaxArrayItems = 100;
constexpr std::size_t kMaxStringLength = 10'000;
constexpr double kMaxToldLimit = 1e15;

// A limit that stands in the description in words, "maxLength 3": providers refuse some keywords,
// and their clients tell the model so.
std::optional<double> ToldLimit(const JsonValue& schema, std::string_view name) {
  const JsonValue* description = Find(schema, "description");
  if (description == nullptr || !description->IsString()) return std::nullopt;
  const std::string_view text = TextOf(*description);
  const std::size_t found = text.find(std::string(name) + " ");
  if (found == text.npos) return std::nullopt;
  const char* number = text.data() + found + name.size() + 1;
  double value = 0;
  const auto [end, error] = std::from_chars(number, text.data() + text.size(), value);
  if (error != std::errc() || !(std::abs(value) <= kMaxToldLimit)) return std::nullopt;
  return value;
}

std::int64_t IntegerOr(const JsonValue& schema, const char* name, std::int64_t otherwise) {
  const JsonValue* value = Find(schema, name);
  if (value != nullptr && value->IsInt64()) return value->GetInt64();
  const auto told = ToldLimit(schema, name);
  return told ? static_cast<std::int64_t>(*told) : otherwise;
}

double NumberOr(const JsonValue& schema, const char* name, double otherwise) {
  const JsonValue* value = Find(schema, name);
  if (value != nullptr && value->IsNumber()) return value->GetDouble();
  return ToldLimit(schema, name).value_or(otherwise);
}

// The member of that name if it is an array with something in it.
const JsonValue* FindList(const JsonValue& schema, const char* name) {
  const JsonValue* value = Find(schema, name);
  return value != nullptr && value->IsArray() && !value->Empty() ? value : nullptr;
}

class Filler {
 public:
  Filler(const JsonValue& root, const Subject& subject, JsonWriter& writer)
      : root_(root), subject_(subject), writer_(writer) {}

  void Fill(const JsonValue& given, std::string_view path, int depth) {
    const JsonValue& schema = Resolve(given);
    if (depth > kMaxSchemaDepth || ++values_ > kMaxValues) {
      writer_.Null();
    } else if (const JsonValue* constant = Find(schema, "const")) {
      constant->Accept(writer_);
    } else if (const JsonValue* values = FindList(schema, "enum")) {
      (*values)[static_cast<rapidjson::SizeType>(Draw(path, values->Size()))].Accept(writer_);
    } else if (const JsonValue* any = Alternative(schema)) {
      Fill(*any, path, depth + 1);
    } else {
      FillType(schema, TypeOf(schema), path, depth);
    }
  }

 private:
  const JsonValue& Resolve(const JsonValue& schema) const {
    const JsonValue* current = &schema;
    for (int hops = 0; hops < kMaxSchemaDepth; ++hops) {
      const JsonValue* reference = Find(*current, "$ref");
      if (reference == nullptr || !reference->IsString()) break;
      const JsonValue* target = Pointed(TextOf(*reference));
      if (target == nullptr) break;
      current = target;
    }
    return *current;
  }

  const JsonValue* Pointed(std::string_view pointer) const {
    const JsonValue* target = &root_;
    if (pointer.substr(0, 1) != "#") return nullptr;
    pointer.remove_prefix(1);
    while (!pointer.empty() && target != nullptr) {
      pointer.remove_prefix(1);
      const auto end = std::min(pointer.find('/'), pointer.size());
      target = Find(*target, std::string(pointer.substr(0, end)).c_str());
      pointer.remove_prefix(end);
    }
    return target;
  }

  const JsonValue* Alternative(const JsonValue& schema) const {
    for (const char* name : {"anyOf", "oneOf"}) {
      const JsonValue* choices = FindList(schema, name);
      if (choices == nullptr) continue;
      for (const JsonValue& choice : choices->GetArray()) {
        if (TypeOf(Resolve(choice)) != "null") return &choice;
      }
    }
    return nullptr;
  }

  static std::string_view TypeOf(const JsonValue& schema) {
    const JsonValue* type = Find(schema, "type");
    if (type == nullptr) return Find(schema, "properties") != nullptr ? "object" : "string";
    if (type->IsString()) return TextOf(*type);
    if (!type->IsArray()) return "string";
    for (const JsonValue& one : type->GetArray()) {
      if (one.IsString() && TextOf(one) != "null") return TextOf(one);
    }
    return "null";
  }

  void FillType(const JsonValue& schema, std::string_view type, std::string_view path, int depth) {
    if (type == "object") {
      FillObject(schema, path, depth);
    } else if (type == "array") {
      FillArray(schema, path, depth);
    } else if (type == "integer") {
      FillInteger(schema, path);
    } else if (type == "number") {
      FillNumber(schema, path);
    } else if (type == "boolean") {
      writer_.Bool(Draw(path, 2) == 1);
    } else if (type == "null") {
      writer_.Null();
    } else {
      FillString(schema, path);
    }
  }

  void FillObject(const JsonValue& schema, std::string_view path, int depth) {
    writer_.StartObject();
    const JsonValue* properties = Find(schema, "properties");
    if (properties != nullptr && properties->IsObject()) {
      for (const auto& property : properties->GetObject()) {
        const std::string_view name = TextOf(property.name);
        writer_.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
        if (path.empty() && name == "id") {
          WriteText(writer_, subject_.id);
        } else {
          Fill(property.value, path.empty() ? std::string(name) : Join(path, name), depth + 1);
        }
      }
    }
    writer_.EndObject();
  }

  void FillArray(const JsonValue& schema, std::string_view path, int depth) {
    const std::int64_t least = std::max<std::int64_t>(IntegerOr(schema, "minItems", 1), 0);
    const std::int64_t most = IntegerOr(schema, "maxItems", std::max<std::int64_t>(least, 1));
    const std::int64_t count = std::min({least, most, kMaxArrayItems});
    const JsonValue* element = Find(schema, "items");
    writer_.StartArray();
    for (std::int64_t i = 0; element != nullptr && i < count; ++i) {
      Fill(*element, Join(path, std::to_string(i)), depth + 1);
    }
    writer_.EndArray();
  }

  void FillInteger(const JsonValue& schema, std::string_view path) {
    const double least = std::ceil(NumberOr(schema, "minimum", 0));
    const double most = std::floor(NumberOr(schema, "maximum", least + 100));
    const double value = std::clamp(Spread(path, least, most), -9e15, 9e15);
    writer_.Int64(static_cast<std::int64_t>(std::floor(value)));
  }

  void FillNumber(const JsonValue& schema, std::string_view path) {
    const double least = NumberOr(schema, "minimum", 0);
    writer_.Double(Spread(path, least, NumberOr(schema, "maximum", least + 1)));
  }

  void FillString(const JsonValue& schema, std::string_view path) {
    std::string text = std::string(path) + " of " + std::string(subject_.key);
    const auto least = static_cast<std::size_t>(
        std::clamp<std::int64_t>(IntegerOr(schema, "minLength", 0), 0, kMaxStringLength));
    const auto most = static_cast<std::size_t>(
        std::clamp<std::int64_t>(IntegerOr(schema, "maxLength", kMaxStringLength), 0,
                                 static_cast<std::int64_t>(kMaxStringLength)));
    if (text.size() < least) text.append(least - text.size(), '.');
    WriteText(writer_, base::TruncateUtf8(text, most));
  }

  static std::string Join(std::string_view path, std::string_view name) {
    return std::string(path) + "." + std::string(name);
  }

  std::uint64_t Draw(std::string_view path, std::uint64_t bound) const {
    return (HashText(path, subject_.hash) >> 16) % bound;
  }

  // In steps of a hundredth of the range, so that numbers stay short.
  double Spread(std::string_view path, double least, double most) const {
    if (!(most > least)) return least;
    return least + (most - least) * static_cast<double>(Draw(path, 100)) / 100.0;
  }

  const JsonValue& root_;
  const Subject& subject_;
  JsonWriter& writer_;
  int values_ = 0;
};

}  // namespace

void FillSchema(const JsonValue& root, const JsonValue& schema, const Subject& subject,
                JsonWriter& writer) {
  Filler(root, subject, writer).Fill(schema, "", 0);
}

}  // namespace llmbatch::twin
