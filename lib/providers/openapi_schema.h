// OpenApiSchema: a JSON Schema in the dialect of OpenAPI that Gemini's responseSchema takes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::providers {

// Types in upper case, null as `nullable`, references put in where they are made, and the order of
// properties told. May allow more values than `schema_json`, never other members. nullopt for what
// ClosedSchema can't close, for schemas that contain themselves, and for what mixes types of which
// one has parts.
std::optional<std::string> OpenApiSchema(std::string_view schema_json);
// Keywords of it that this dialect doesn't hold a model to, as WhatIsLoosened names them.
std::vector<std::string> WhatOpenApiLoosens(std::string_view schema_json);

}  // namespace llmbatch::providers
