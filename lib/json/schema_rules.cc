#include "json/schema_rules.h"

#include <algorithm>
#include <array>
#include <map>

namespace llmbatch::json {
namespace {

using base::Invalid;
using base::Result;

std::optional<unsigned> TypeBits(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, unsigned>, 7> kTypes{{
      {"null", kNullType},
      {"boolean", kBooleanType},
      {"integer", kIntegerType},
      {"number", kIntegerType | kFractionType},
      {"string", kStringType},
      {"array", kArrayType},
      {"object", kObjectType},
  }};
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                   [name](const auto& type) { return type.first == name; });
  if (found == kTypes.end()) return std::nullopt;
  return found->second;
}

constexpr std::array<std::string_view, 10> kAnnotations{
    "title",      "description", "default",   "examples", "format",
    "deprecated", "readOnly",    "writeOnly", "$comment", "$schema"};

// Turns the schema's values into nodes, from the root down; references are resolved at the end.
class Compiler {
 public:
  explicit Compiler(SchemaRules& rules) : rules_(rules) {}

  Result<void> Run() {
    rules_.root = Add(rules_.document.root(), "");
    ResolveReferences();
    if (!error_) RefuseLoops();
    if (error_) return *error_;
    return {};
  }

 private:
  using Method = void (Compiler::*)(SchemaNode&, Value, const std::string&);

  void Fail(const std::string& pointer, std::string_view what) {
    if (!error_)
      error_ = Invalid((pointer.empty() ? "schema" : pointer) + ": " + std::string(what));
  }

  std::size_t Add(Value schema, const std::string& pointer) {
    SchemaNode node;
    if (schema.is(Kind::kBool)) {
      node.refuses_all = !schema.AsBool();
    } else if (schema.is(Kind::kObject)) {
      for (std::size_t i = 0; i < schema.size() && !error_; ++i) {
        const Member member = schema.MemberAt(i);
        Keyword(node, member, pointer);
      }
    } else {
      Fail(pointer, "must be an object or a boolean");
    }
    rules_.nodes.push_back(std::move(node));
    const std::size_t index = rules_.nodes.size() - 1;
    by_pointer_.emplace(pointer, index);
    if (const auto reference = pending_.find(pointer); reference != pending_.end()) {
      reference->second.node = index;
    }
    return index;
  }

  void Keyword(SchemaNode& node, const Member& member, const std::string& parent) {
    static const std::map<std::string_view, Method> kMethods{
        {"type", &Compiler::Type},
        {"enum", &Compiler::Enum},
        {"const", &Compiler::Const},
        {"properties", &Compiler::Properties},
        {"required", &Compiler::Required},
        {"additionalProperties", &Compiler::Additional},
        {"items", &Compiler::Items},
        {"not", &Compiler::Not},
        {"allOf", &Compiler::AllOf},
        {"anyOf", &Compiler::AnyOf},
        {"oneOf", &Compiler::OneOf},
        {"uniqueItems", &Compiler::UniqueItems},
        {"multipleOf", &Compiler::MultipleOf},
        {"$defs", &Compiler::Definitions},
        {"definitions", &Compiler::Definitions},
    };
    const std::string pointer = parent + PointerStep(member.name);
    if (const auto method = kMethods.find(member.name); method != kMethods.end()) {
      (this->*method->second)(node, member.value, pointer);
    } else if (member.name == "$ref") {
      Reference(member.value, parent, pointer);
    } else if (!Bound(node, member, pointer) && !Count(node, member, pointer) &&
               !IsAnnotation(member.name, parent)) {
      Fail(pointer, "this keyword is not supported");
    }
    rules_.has_default = rules_.has_default || member.name == "default";
    rules_.has_format = rules_.has_format || member.name == "format";
  }

  static bool IsAnnotation(std::string_view name, const std::string& parent) {
    return std::find(kAnnotations.begin(), kAnnotations.end(), name) != kAnnotations.end() ||
           (name == "$id" && parent.empty());
  }

  bool Bound(SchemaNode& node, const Member& member, const std::string& pointer) {
    const std::array<std::pair<std::string_view, std::optional<Value>*>, 4> bounds{{
        {"minimum", &node.minimum},
        {"maximum", &node.maximum},
        {"exclusiveMinimum", &node.exclusive_minimum},
        {"exclusiveMaximum", &node.exclusive_maximum},
    }};
    for (const auto& [name, bound] : bounds) {
      if (member.name != name) continue;
      if (!member.value.is(Kind::kNumber)) Fail(pointer, "must be a number");
      *bound = member.value;
      return true;
    }
    return false;
  }

  bool Count(SchemaNode& node, const Member& member, const std::string& pointer) {
    const std::array<std::pair<std::string_view, std::size_t*>, 6> counts{{
        {"minLength", &node.code_points.min},
        {"maxLength", &node.code_points.max},
        {"minItems", &node.elements.min},
        {"maxItems", &node.elements.max},
        {"minProperties", &node.members.min},
        {"maxProperties", &node.members.max},
    }};
    for (const auto& [name, count] : counts) {
      if (member.name != name) continue;
      const auto number =
          member.value.is(Kind::kNumber) ? member.value.AsInt64() : std::optional<std::int64_t>();
      if (number && *number >= 0) {
        *count = static_cast<std::size_t>(*number);
      } else {
        Fail(pointer, "must be a whole number that isn't negative");
      }
      return true;
    }
    return false;
  }

  void Type(SchemaNode& node, Value value, const std::string& pointer) {
    node.types = 0;
    const bool list = value.is(Kind::kArray) && value.size() > 0;
    for (std::size_t i = 0; i < (list ? value.size() : 1); ++i) {
      const Value name = list ? value.At(i) : value;
      const auto bits =
          name.is(Kind::kString) ? TypeBits(name.AsString()) : std::optional<unsigned>();
      if (!bits) return Fail(pointer, "must be the name of a type, or a list of them");
      node.types |= *bits;
    }
  }

  void Enum(SchemaNode& node, Value value, const std::string& pointer) {
    if (!value.is(Kind::kArray)) return Fail(pointer, "must be an array");
    node.choices = value;
  }

  void Const(SchemaNode& node, Value value, const std::string&) { node.constant = value; }

  void Properties(SchemaNode& node, Value value, const std::string& pointer) {
    if (!value.is(Kind::kObject)) return Fail(pointer, "must be an object");
    for (std::size_t i = 0; i < value.size() && !error_; ++i) {
      const Member member = value.MemberAt(i);
      node.properties.emplace_back(member.name,
                                   Add(member.value, pointer + PointerStep(member.name)));
    }
    std::sort(node.properties.begin(), node.properties.end());
  }

  void Required(SchemaNode& node, Value value, const std::string& pointer) {
    if (!value.is(Kind::kArray)) return Fail(pointer, "must be an array of strings");
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!value.At(i).is(Kind::kString)) return Fail(pointer, "must be an array of strings");
      node.required.push_back(value.At(i).AsString());
    }
  }

  void Additional(SchemaNode& node, Value value, const std::string& pointer) {
    node.additional = Add(value, pointer);
  }
  void Items(SchemaNode& node, Value value, const std::string& pointer) {
    node.items = Add(value, pointer);
  }
  void Not(SchemaNode& node, Value value, const std::string& pointer) {
    node.negated = Add(value, pointer);
  }
  void AllOf(SchemaNode& node, Value value, const std::string& pointer) {
    node.all_of = List(value, pointer);
  }
  void AnyOf(SchemaNode& node, Value value, const std::string& pointer) {
    node.any_of = List(value, pointer);
  }
  void OneOf(SchemaNode& node, Value value, const std::string& pointer) {
    node.one_of = List(value, pointer);
  }

  std::vector<std::size_t> List(Value value, const std::string& pointer) {
    std::vector<std::size_t> nodes;
    if (!value.is(Kind::kArray) || value.size() == 0) {
      Fail(pointer, "must be an array of schemas");
      return nodes;
    }
    for (std::size_t i = 0; i < value.size() && !error_; ++i) {
      nodes.push_back(Add(value.At(i), pointer + "/" + std::to_string(i)));
    }
    return nodes;
  }

  void UniqueItems(SchemaNode& node, Value value, const std::string& pointer) {
    if (!value.is(Kind::kBool)) return Fail(pointer, "must be a boolean");
    node.unique_items = value.AsBool();
  }

  void MultipleOf(SchemaNode& node, Value value, const std::string& pointer) {
    const auto number = value.is(Kind::kNumber) ? value.AsDouble() : std::optional<double>();
    if (!number || *number <= 0) return Fail(pointer, "must be a number above 0");
    node.multiple_of = number;
  }

  void Definitions(SchemaNode&, Value value, const std::string& pointer) {
    if (!value.is(Kind::kObject)) return Fail(pointer, "must be an object");
    for (std::size_t i = 0; i < value.size() && !error_; ++i) {
      const Member member = value.MemberAt(i);
      Add(member.value, pointer + PointerStep(member.name));
    }
  }

  void Reference(Value value, const std::string& parent, const std::string& pointer) {
    if (!value.is(Kind::kString)) return Fail(pointer, "must be a string");
    const std::string_view target = value.AsString();
    const bool local = !target.empty() && target.front() == '#' &&
                       (target.size() == 1 || target[1] == '/') &&
                       target.find('%') == std::string_view::npos;
    if (!local) return Fail(pointer, "must be a JSON pointer into this schema, \"#/…\"");
    pending_[parent] = {.node = 0, .target = std::string(target.substr(1))};
  }

  void ResolveReferences() {
    for (const auto& [parent, reference] : pending_) {
      const auto found = by_pointer_.find(reference.target);
      if (found == by_pointer_.end()) return Fail(parent + "/$ref", "refers to no schema");
      rules_.nodes[reference.node].target = found->second;
    }
  }

  // A schema that leads back to itself without a step into the value would never end.
  void RefuseLoops() {
    enum class Mark : char { kNew, kOpen, kDone };
    std::vector<Mark> marks(rules_.nodes.size(), Mark::kNew);
    std::vector<std::pair<std::size_t, bool>> work;  // a node, and whether it is to be ended
    for (std::size_t start = 0; start < marks.size(); ++start) {
      work.emplace_back(start, false);
      while (!work.empty()) {
        const auto [index, end] = work.back();
        work.pop_back();
        if (end) {
          marks[index] = Mark::kDone;
          continue;
        }
        if (marks[index] == Mark::kOpen) return Fail("", "a $ref leads back to itself");
        if (marks[index] == Mark::kDone) continue;
        marks[index] = Mark::kOpen;
        work.emplace_back(index, true);
        for (const std::size_t next : SameValue(rules_.nodes[index]))
          work.emplace_back(next, false);
      }
    }
  }

  // The schemas that a node applies to the very value it is applied to.
  static std::vector<std::size_t> SameValue(const SchemaNode& node) {
    std::vector<std::size_t> nodes = node.all_of;
    nodes.insert(nodes.end(), node.any_of.begin(), node.any_of.end());
    nodes.insert(nodes.end(), node.one_of.begin(), node.one_of.end());
    if (node.negated) nodes.push_back(*node.negated);
    if (node.target) nodes.push_back(*node.target);
    return nodes;
  }

  struct Pending {
    std::size_t node = 0;
    std::string target;
  };

  SchemaRules& rules_;
  std::map<std::string, std::size_t> by_pointer_;
  std::map<std::string, Pending> pending_;  // by the pointer of the schema with the $ref
  std::optional<base::Error> error_;
};

}  // namespace

std::string PointerStep(std::string_view name) {
  std::string step = "/";
  for (const char byte : name) {
    if (byte == '~') {
      step += "~0";
    } else if (byte == '/') {
      step += "~1";
    } else {
      step += byte;
    }
  }
  return step;
}

int CompareNumbers(Value a, Value b) {
  const auto whole_a = a.AsInt64();
  const auto whole_b = b.AsInt64();
  if (whole_a && whole_b)
    return static_cast<int>(*whole_a > *whole_b) - static_cast<int>(*whole_a < *whole_b);
  // Only a number too near to 0 for a double has none.
  const double real_a = a.AsDouble().value_or(0);
  const double real_b = b.AsDouble().value_or(0);
  return static_cast<int>(real_a > real_b) - static_cast<int>(real_a < real_b);
}

base::Result<std::shared_ptr<const SchemaRules>> CompileRules(Document document) {
  auto rules = std::make_shared<SchemaRules>(std::move(document));
  const auto outcome = Compiler(*rules).Run();
  if (!outcome) return outcome.error();
  return std::shared_ptr<const SchemaRules>(std::move(rules));
}

}  // namespace llmbatch::json
