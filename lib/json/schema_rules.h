// What a schema was compiled to, for the files of this module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace llmbatch::json {

// Bits of a set of types. "integer" is the set of whole numbers, "number" has both bits.
enum SchemaType : std::uint8_t {
  kNullType = 1,
  kBooleanType = 2,
  kIntegerType = 4,
  kFractionType = 8,
  kStringType = 16,
  kArrayType = 32,
  kObjectType = 64,
  kEveryType = 127,
};

struct SchemaCounts {
  std::size_t min = 0;
  std::size_t max = std::numeric_limits<std::size_t>::max();
};

// One schema or subschema. Others are named by their index in SchemaRules::nodes.
struct SchemaNode {
  bool refuses_all = false;  // the schema `false`
  unsigned types = kEveryType;
  std::optional<Value> constant;
  std::optional<Value> choices;  // an array
  std::optional<Value> minimum, maximum, exclusive_minimum, exclusive_maximum;
  std::optional<double> multiple_of;
  SchemaCounts code_points, elements, members;
  bool unique_items = false;
  std::vector<std::pair<std::string_view, std::size_t>> properties;
  std::vector<std::string_view> required;
  std::optional<std::size_t> additional, items, negated, target;
  std::vector<std::size_t> all_of, any_of, one_of;
};

struct SchemaRules {
  explicit SchemaRules(Document parsed) : document(std::move(parsed)) {}

  Document document;  // the nodes' values and names point into it
  std::vector<SchemaNode> nodes;
  std::size_t root = 0;
  bool has_default = false;
  bool has_format = false;
};

base::Result<std::shared_ptr<const SchemaRules>> CompileRules(Document document);

// `name` as one step of a JSON pointer, with its slash.
std::string PointerStep(std::string_view name);

// Less than, equal or greater than 0, as `a` is to `b`. Exact for whole numbers of 64 bits.
// REQUIRES: both are numbers
int CompareNumbers(Value a, Value b);

}  // namespace llmbatch::json
