// Taking a field's value out of the user's data, without asking anyone.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "model/task.h"
#include "workflows/fields/fields_request.h"

namespace llmbatch::workflows {

// A task's rule, ready for work: fields whose whole label matches are found at the pointer.
struct ExtractRule {
  Pattern label;
  std::string pointer;
};

// The error names the rule by its label.
base::Result<std::vector<ExtractRule>> CompileRules(const std::vector<model::ExtractRule>& rules);

// RFC 6901; nullopt if there is no such value.
std::optional<json::Value> Resolve(json::Value root, std::string_view pointer);

// The value as JSON; nullopt: to be asked, or with Strategy::kExtract not there. In this order:
//   - at the field's pointer, or anywhere if it has a pattern only: the value, or what the pattern
//     finds in its texts;
//   - at the pointer of the first rule that the label matches;
//   - the member that is named like the field's id, or else its label: letters and digits decide,
//     not their case; the least nested one first.
// Null and empty texts count as missing, and so do objects and arrays that were only named.
std::optional<std::string> Extract(const Field& field, json::Value user_data,
                                   std::span<const ExtractRule> rules);

}  // namespace llmbatch::workflows
