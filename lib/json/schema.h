// Schema: a JSON Schema, compiled once, that values are checked against.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

namespace llmbatch::json {

struct SchemaRules;

// Keywords mean what they mean in draft 2020-12. Checked are
//   type enum const · properties required additionalProperties minProperties maxProperties ·
//   items minItems maxItems uniqueItems · minLength maxLength ·
//   minimum maximum exclusiveMinimum exclusiveMaximum multipleOf ·
//   allOf anyOf oneOf not · $ref within the same schema, $defs definitions.
// Known and without effect are
//   title description default examples format deprecated readOnly writeOnly $comment $schema,
//   and $id at the root.
// Every other keyword is refused, since a check that is silently left out is worse than none.
//
// Immutable; copies share what was compiled.
class Schema {
 public:
  static constexpr std::size_t kMaxBytes = 64U << 10;
  static constexpr std::size_t kMaxDepth = 64;

  // The error names the JSON pointer of the keyword that is wrong, unknown or refers to nothing.
  static base::Result<Schema> Compile(std::string_view json);

  // Those of "default" and "format" that stand in it: they read as if they had an effect.
  std::vector<std::string_view> IgnoredKeywords() const;

  // The error names the JSON pointer of the value and the keyword that it doesn't meet, never the
  // content: a member that the schema doesn't declare stands as "*" in the pointer. A check that
  // takes too many steps ends with kTooLarge.
  base::Result<void> Validate(Value value) const;
  // Reads `json` under the default Limits first.
  base::Result<void> Validate(std::string_view json) const;

  // `json` without members that are null instead of missing: they are null, declared, not required,
  // and their own schema refuses null. Not looked for within allOf, anyOf, oneOf and not. nullopt
  // if there is none, or if it is no JSON.
  std::optional<std::string> WithoutForeignNulls(std::string_view json) const;

 private:
  explicit Schema(std::shared_ptr<const SchemaRules> rules);

  std::shared_ptr<const SchemaRules> rules_;
};

}  // namespace llmbatch::json
