// ClosedSchema: a JSON Schema in the subset that providers can hold a model to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::providers {

// What becomes of properties that an object may lack.
enum class OptionalProperties {
  kStay,
  kBecomeNullable,  // they are required, and null stands for their absence
};

// In it every object says additionalProperties false, every enum and const has a type, and limits
// on numbers, lengths and formats stand in the description instead, where providers refuse them. It
// may allow more values than `schema_json` (answers are checked against that one anyway), never
// other members. nullopt if that can't be done: there is an object whose members are not all
// declared, a list without `items`, or `allOf`.
std::optional<std::string> ClosedSchema(std::string_view schema_json, OptionalProperties optional);
// What keeps ClosedSchema from closing it, in words for an operator; empty if nothing does.
std::string WhatCannotBeClosed(std::string_view schema_json);
// Keywords of it that the closed schema doesn't hold a model to: they are left out, told in words
// only, or weakened. Each once, in the order in which they are met.
std::vector<std::string> WhatIsLoosened(std::string_view schema_json);

}  // namespace llmbatch::providers
