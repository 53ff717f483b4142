#include "json/schema.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "json/schema_rules.h"
#include "json/writer.h"

namespace llmbatch::json {
namespace {

constexpr std::size_t kMaxSteps = 1'000'000;
constexpr std::size_t kMaxNesting = 256;  // of the checks in each other

bool IsWhole(Value number) {
  const std::string_view text = number.AsNumberText();
  if (text.find_first_of(".eE") == std::string_view::npos) return true;
  const double real = number.AsDouble().value_or(0.5);
  return real == std::floor(real);
}

unsigned TypeOf(Value value) {
  switch (value.kind()) {
    case Kind::kNull:
      return kNullType;
    case Kind::kBool:
      return kBooleanType;
    case Kind::kNumber:
      return IsWhole(value) ? kIntegerType : kFractionType;
    case Kind::kString:
      return kStringType;
    case Kind::kArray:
      return kArrayType;
    case Kind::kObject:
      return kObjectType;
  }
  return 0;
}

bool IsMultiple(double number, double of) {
  const double quotient = number / of;
  // A quotient like 0.3 / 0.1 isn't whole by a hair.
  return std::abs(quotient - std::round(quotient)) <= 1e-9 * std::max(1.0, std::abs(quotient));
}

struct Failure {
  std::string pointer;  // built from its end, while the checks return
  std::string_view keyword;
};
using Verdict = std::optional<Failure>;

Verdict Fails(std::string_view keyword) { return Failure{.pointer = {}, .keyword = keyword}; }

// Of the schema that is declared for a member.
std::optional<std::size_t> FindProperty(const SchemaNode& node, std::string_view name) {
  const auto declared = std::lower_bound(
      node.properties.begin(), node.properties.end(), name,
      [](const auto& property, std::string_view wanted) { return property.first < wanted; });
  if (declared == node.properties.end() || declared->first != name) return std::nullopt;
  return declared->second;
}

// One value's check. Ends early once it has taken too many steps.
class Check {
 public:
  explicit Check(const SchemaRules& rules) : rules_(rules) {}

  Verdict Run(std::size_t index, Value value) {
    if (!Enter()) return Fails("");
    const SchemaNode& node = rules_.nodes[index];
    Verdict verdict = Scalar(node, value);
    if (!verdict && value.is(Kind::kArray)) verdict = Array(node, value);
    if (!verdict && value.is(Kind::kObject)) verdict = Object(node, value);
    if (!verdict) verdict = Combined(node, value);
    --nesting_;
    return verdict;
  }

  bool exhausted() const { return exhausted_; }

 private:
  bool Enter() {
    if (steps_ >= kMaxSteps || nesting_ >= kMaxNesting) exhausted_ = true;
    if (exhausted_) return false;
    ++steps_;
    ++nesting_;
    return true;
  }

  Verdict Scalar(const SchemaNode& node, Value value) {
    if (node.refuses_all) return Fails("false");
    if ((node.types & TypeOf(value)) == 0) return Fails("type");
    if (node.constant && !Equal(*node.constant, value)) return Fails("const");
    if (node.choices && !IsChoice(*node.choices, value)) return Fails("enum");
    if (value.is(Kind::kNumber)) return Number(node, value);
    if (value.is(Kind::kString)) return String(node, value.AsString());
    return std::nullopt;
  }

  static Verdict Number(const SchemaNode& node, Value value) {
    if (node.minimum && CompareNumbers(value, *node.minimum) < 0) return Fails("minimum");
    if (node.maximum && CompareNumbers(value, *node.maximum) > 0) return Fails("maximum");
    if (node.exclusive_minimum && CompareNumbers(value, *node.exclusive_minimum) <= 0) {
      return Fails("exclusiveMinimum");
    }
    if (node.exclusive_maximum && CompareNumbers(value, *node.exclusive_maximum) >= 0) {
      return Fails("exclusiveMaximum");
    }
    if (node.multiple_of && !IsMultiple(value.AsDouble().value_or(0), *node.multiple_of)) {
      return Fails("multipleOf");
    }
    return std::nullopt;
  }

  static Verdict String(const SchemaNode& node, std::string_view text) {
    if (node.code_points.min == 0 && text.size() <= node.code_points.max) return std::nullopt;
    const std::size_t length = base::CountCodePoints(text);
    if (length < node.code_points.min) return Fails("minLength");
    if (length > node.code_points.max) return Fails("maxLength");
    return std::nullopt;
  }

  Verdict Array(const SchemaNode& node, Value value) {
    if (value.size() < node.elements.min) return Fails("minItems");
    if (value.size() > node.elements.max) return Fails("maxItems");
    for (std::size_t i = 0; node.items && i < value.size(); ++i) {
      if (Verdict verdict = Run(*node.items, value.At(i))) {
        return Below("/" + std::to_string(i), *std::move(verdict));
      }
    }
    if (node.unique_items && !AreUnique(value)) return Fails("uniqueItems");
    return std::nullopt;
  }

  Verdict Object(const SchemaNode& node, Value value) {
    if (value.size() < node.members.min) return Fails("minProperties");
    if (value.size() > node.members.max) return Fails("maxProperties");
    for (const std::string_view name : node.required) {
      if (!value.Find(name)) return Fails("required");
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (Verdict verdict = OneMember(node, value.MemberAt(i))) return verdict;
    }
    return std::nullopt;
  }

  Verdict OneMember(const SchemaNode& node, const Member& member) {
    if (const auto declared = FindProperty(node, member.name)) {
      Verdict verdict = Run(*declared, member.value);
      return verdict ? Below(PointerStep(member.name), *std::move(verdict)) : std::nullopt;
    }
    if (!node.additional) return std::nullopt;
    if (rules_.nodes[*node.additional].refuses_all) return Fails("additionalProperties");
    Verdict verdict = Run(*node.additional, member.value);
    return verdict ? Below("/*", *std::move(verdict)) : std::nullopt;
  }

  Verdict Combined(const SchemaNode& node, Value value) {
    if (node.target) {
      if (Verdict verdict = Run(*node.target, value)) return verdict;
    }
    for (const std::size_t part : node.all_of) {
      if (Verdict verdict = Run(part, value)) return verdict;
    }
    const auto meets = [this, value](std::size_t part) { return !Run(part, value); };
    if (!node.any_of.empty() && std::none_of(node.any_of.begin(), node.any_of.end(), meets)) {
      return Fails("anyOf");
    }
    if (!node.one_of.empty() && std::count_if(node.one_of.begin(), node.one_of.end(), meets) != 1) {
      return Fails("oneOf");
    }
    if (node.negated && meets(*node.negated)) return Fails("not");
    return std::nullopt;
  }

  static Verdict Below(std::string_view step, Failure failure) {
    failure.pointer.insert(0, step);
    return failure;
  }

  bool IsChoice(Value choices, Value value) {
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (Equal(choices.At(i), value)) return true;
    }
    return false;
  }

  bool AreUnique(Value array) {
    for (std::size_t i = 1; i < array.size(); ++i) {
      for (std::size_t j = 0; j < i && !exhausted_; ++j) {
        if (Equal(array.At(i), array.At(j))) return false;
      }
    }
    return true;
  }

  bool Equal(Value a, Value b) {
    if (a.kind() != b.kind() || a.size() != b.size() || !Enter()) return false;
    const bool equal = EqualContents(a, b);
    --nesting_;
    return equal;
  }

  bool EqualContents(Value a, Value b) {
    switch (a.kind()) {
      case Kind::kNull:
        return true;
      case Kind::kBool:
        return a.AsBool() == b.AsBool();
      case Kind::kNumber:
        return CompareNumbers(a, b) == 0;
      case Kind::kString:
        return a.AsString() == b.AsString();
      case Kind::kArray:
        for (std::size_t i = 0; i < a.size(); ++i) {
          if (!Equal(a.At(i), b.At(i))) return false;
        }
        return true;
      case Kind::kObject:
        for (std::size_t i = 0; i < a.size(); ++i) {
          const auto other = b.Find(a.MemberAt(i).name);
          if (!other || !Equal(a.MemberAt(i).value, *other)) return false;
        }
        return true;
    }
    return false;
  }

  const SchemaRules& rules_;
  std::size_t steps_ = 0;
  std::size_t nesting_ = 0;
  bool exhausted_ = false;
};

// Copies a value without the nulls that stand for something missing.
class NullRemover {
 public:
  explicit NullRemover(const SchemaRules& rules) : rules_(rules) {}

  std::optional<std::string> Run(Value root) {
    Copy(rules_.root, root);
    std::string text = writer_.Take();
    if (removed_ == 0) return std::nullopt;
    return text;
  }

 private:
  void Copy(std::size_t index, Value value) {
    const SchemaNode& node = Resolve(index);
    if (value.is(Kind::kArray) && node.items) {
      writer_.BeginArray();
      for (std::size_t i = 0; i < value.size(); ++i) Copy(*node.items, value.At(i));
      writer_.EndArray();
    } else if (value.is(Kind::kObject) && !node.properties.empty()) {
      writer_.BeginObject();
      for (std::size_t i = 0; i < value.size(); ++i) CopyMember(node, value.MemberAt(i));
      writer_.EndObject();
    } else {
      writer_.Raw(value.ToJson());
    }
  }

  void CopyMember(const SchemaNode& node, const Member& member) {
    const auto declared = FindProperty(node, member.name);
    if (declared && member.value.is(Kind::kNull) && !Requires(node, member.name) &&
        Check(rules_).Run(*declared, member.value)) {
      ++removed_;
      return;
    }
    writer_.Key(member.name);
    if (declared) {
      Copy(*declared, member.value);
    } else {
      writer_.Raw(member.value.ToJson());
    }
  }

  // What a reference leads to, unless it leads in a circle.
  const SchemaNode& Resolve(std::size_t index) const {
    std::size_t steps = 0;
    while (rules_.nodes[index].target && ++steps < rules_.nodes.size()) {
      index = *rules_.nodes[index].target;
    }
    return rules_.nodes[index];
  }

  static bool Requires(const SchemaNode& node, std::string_view name) {
    return std::find(node.required.begin(), node.required.end(), name) != node.required.end();
  }

  const SchemaRules& rules_;
  Writer writer_;
  std::size_t removed_ = 0;
};

}  // namespace

Schema::Schema(std::shared_ptr<const SchemaRules> rules) : rules_(std::move(rules)) {}

base::Result<Schema> Schema::Compile(std::string_view json) {
  auto document = Document::Parse(json, {.max_bytes = kMaxBytes, .max_depth = kMaxDepth});
  if (!document) return document.error();
  auto rules = CompileRules(*std::move(document));
  if (!rules) return rules.error();
  return Schema(*std::move(rules));
}

std::vector<std::string_view> Schema::IgnoredKeywords() const {
  std::vector<std::string_view> keywords;
  if (rules_->has_default) keywords.emplace_back("default");
  if (rules_->has_format) keywords.emplace_back("format");
  return keywords;
}

base::Result<void> Schema::Validate(Value value) const {
  Check check(*rules_);
  const Verdict failure = check.Run(rules_->root, value);
  if (check.exhausted()) {
    return base::MakeError(base::ErrorKind::kTooLarge, "checking takes too many steps");
  }
  if (!failure) return {};
  return base::Invalid('"' + failure->pointer + "\" doesn't meet " + std::string(failure->keyword));
}

base::Result<void> Schema::Validate(std::string_view json) const {
  const auto document = Document::Parse(json);
  if (!document) return document.error();
  return Validate(document->root());
}

std::optional<std::string> Schema::WithoutForeignNulls(std::string_view json) const {
  const auto document = Document::Parse(json);
  if (!document) return std::nullopt;
  return NullRemover(*rules_).Run(document->root());
}

}  // namespace llmbatch::json
