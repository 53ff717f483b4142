// Makes a JSON value that satisfies a JSON schema, out of a hash and a name.
#pragma once

#include <cstdint>
#include <string_view>

#include "twin/json.h"

namespace llmbatch::twin {

// What a filled value is about: the same subject always gives the same value.
struct Subject {
  std::uint64_t hash = 0;
  std::string_view key;  // strings without an enum read "<property> of <key>"
  std::string_view id;   // value of the top-level property "id"
};

// Writes a value for `schema`. Knows const, enum, type (also a list), properties, items, minItems,
// maxItems, minimum, maximum, minLength, maxLength, anyOf, oneOf and $ref into `root`; whatever
// else the schema says is ignored. Limits may also stand in the description: "maxLength 3". A
// nullable value is not null.
void FillSchema(const JsonValue& root, const JsonValue& schema, const Subject& subject,
                JsonWriter& writer);

}  // namespace llmbatch::twin
