// What a task's texts must fulfil, asked of the modules that will use them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/task.h"

namespace llmbatch::config {

// Returns the JSON Schema of one item's output as compact JSON. The error tells what is wrong with
// it: no JSON, no schema that answers can be checked by, or a property that is ours.
base::Result<std::string> CheckOutputSchema(std::string_view text);

// Whether the task's templates can be filled in. The error begins with the key: "system: …" or
// "prompt: …".
base::Result<void> CheckTemplates(const model::Task& task);

// Whether `parameters_json` may go into requests to this provider.
base::Result<void> CheckParameters(std::string_view parameters_json,
                                   const model::Provider& provider);

// Whether fields can be found by the rule. The error doesn't name it.
base::Result<void> CheckExtractRule(const model::ExtractRule& rule);

}  // namespace llmbatch::config
