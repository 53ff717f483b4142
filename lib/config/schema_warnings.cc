#include "config/schema_warnings.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "json/schema.h"
#include "providers/openapi_schema.h"
#include "providers/strict_schema.h"

namespace llmbatch::config {
namespace {

using SchemaMode = model::Provider::SchemaMode;

constexpr std::string_view kKey = "output_schema";

template <typename Text>
std::string Join(const std::vector<Text>& texts) {
  std::string joined;
  for (const Text& text : texts) {
    if (!joined.empty()) joined += ", ";
    joined += text;
  }
  return joined;
}

// Why no answer can be held to it; empty: nothing keeps it from that.
std::string WhatIsInTheWay(const std::string& schema_json, SchemaMode mode) {
  std::string what = providers::WhatCannotBeClosed(schema_json);
  if (what.empty() && mode == SchemaMode::kOpenApiSchema &&
      !providers::OpenApiSchema(schema_json)) {
    what = "what OpenAPI's dialect can't say";
  }
  return what;
}

std::string Loosened(const std::string& schema_json, const model::Provider& provider) {
  // It is sent as it is, for the server to make of it what it can.
  if (!provider.strict_schema) return {};
  return Join(provider.schema_mode == SchemaMode::kOpenApiSchema
                  ? providers::WhatOpenApiLoosens(schema_json)
                  : providers::WhatIsLoosened(schema_json));
}

}  // namespace

void WarnOfSchema(const model::Task& task, Section& section, const TaskContext& context) {
  const std::string& schema_json = task.output_schema_json;
  const auto compiled = json::Schema::Compile(schema_json);
  if (!compiled) return;  // there is none, or it was reported
  if (const auto ignored = compiled->IgnoredKeywords(); !ignored.empty()) {
    section.Warn(kKey, "has no effect with " + Join(ignored) + ": answers aren't checked for it");
  }
  std::map<std::string, std::vector<std::string>> models_by_loosened;
  for (const model::RouteEntry& entry : task.route) {
    const model::Provider& provider = context.providers.at(entry.provider);
    const bool asks_for_it = provider.schema_mode == SchemaMode::kJsonSchema ||
                             provider.schema_mode == SchemaMode::kOpenApiSchema;
    if (!asks_for_it) continue;
    const std::string name = entry.provider + "/" + entry.model;
    const std::string what = WhatIsInTheWay(schema_json, provider.schema_mode);
    if (!what.empty()) {
      section.Warn(kKey, name + " can't be held to it, for it has " + what +
                             "; answers are checked all the same");
      continue;
    }
    const std::string loosened = Loosened(schema_json, provider);
    if (!loosened.empty()) models_by_loosened[loosened].push_back(name);
  }
  for (const auto& [loosened, models] : models_by_loosened) {
    section.Warn(kKey, Join(models) + " can't be held to its " + loosened +
                           "; answers are checked for that all the same");
  }
}

}  // namespace llmbatch::config
