#include "config/task_checks.h"

#include "answers/answer_schema.h"
#include "batching/prompt_template.h"
#include "json/schema.h"
#include "json/value.h"
#include "providers/codec.h"
#include "workflows/fields/pattern.h"

namespace llmbatch::config {

base::Result<std::string> CheckOutputSchema(std::string_view text) {
  const auto document = json::Document::Parse(text);
  if (!document) return base::Invalid("is no JSON: " + document.error().message);
  const auto schema = json::Schema::Compile(text);
  if (!schema) return schema.error();
  const auto answer_schema = answers::BuildAnswerSchema(text);
  if (!answer_schema) return answer_schema.error();
  return document->root().ToJson();
}

base::Result<void> CheckTemplates(const model::Task& task) {
  const auto compiled = batching::PromptTemplate::Compile(task);
  if (!compiled) return compiled.error();
  return {};
}

base::Result<void> CheckParameters(std::string_view parameters_json,
                                   const model::Provider& provider) {
  const providers::Codec* codec = providers::CodecFor(provider.api);
  if (codec == nullptr) return {};  // reported with the provider
  return codec->ValidateParameters(parameters_json, provider);
}

base::Result<void> CheckExtractRule(const model::ExtractRule& rule) {
  if (!rule.pointer.starts_with('/')) return base::Invalid("must begin with a slash");
  const auto label =
      workflows::Pattern::Compile(rule.label_pattern, workflows::Pattern::Case::kIgnored);
  if (!label) return base::Invalid("the key " + label.error().message);
  return {};
}

}  // namespace llmbatch::config
