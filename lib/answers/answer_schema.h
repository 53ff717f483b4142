// BuildAnswerSchema: the schema of a whole answer, for a provider's structured-output mode.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace llmbatch::answers {

// From the schema of one item's output, the schema of {"results": [{"id": …, output}, …]}. The
// item's $defs move to the root, where its references expect them. Refused are schemas that are not
// of type object, that declare or require `id` themselves, or that refer to their own root; the
// error names the key.
base::Result<std::string> BuildAnswerSchema(std::string_view item_schema_json);

}  // namespace llmbatch::answers
