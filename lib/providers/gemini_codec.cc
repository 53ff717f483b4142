#include "providers/gemini_codec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "json/value.h"
#include "json/writer.h"
#include "providers/fields.h"
#include "providers/headers.h"
#include "providers/openapi_schema.h"
#include "providers/parameters.h"
#include "providers/post.h"
#include "providers/service_tier.h"
#include "providers/strict_schema.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;
using SchemaMode = model::Provider::SchemaMode;
using FinishReason = Completion::FinishReason;

constexpr std::string_view kUsualVersion = "v1";
constexpr std::string_view kTierHeader = "x-gemini-service-tier";

constexpr std::array<SchemaMode, 4> kSchemaModes = {SchemaMode::kJsonSchema,
                                                    SchemaMode::kOpenApiSchema,
                                                    SchemaMode::kJsonObject, SchemaMode::kNone};

// The API takes each name in two spellings.
constexpr std::array<std::string_view, 8> kReserved = {
    "contents",           "generation_config", "model",       "systemInstruction",
    "system_instruction", "toolConfig",        "tool_config", "tools"};
constexpr std::array<std::string_view, 12> kReservedConfig = {
    "candidateCount",     "candidate_count",     "maxOutputTokens",    "max_output_tokens",
    "responseJsonSchema", "responseMimeType",    "responseSchema",     "response_json_schema",
    "response_mime_type", "response_modalities", "responseModalities", "response_schema"};
constexpr ReservedNames kReservedNames = {
    .names = kReserved, .shared_object = "generationConfig", .within_shared = kReservedConfig};

std::string PathFor(const std::string& model, const model::Provider& provider, bool stream) {
  const std::string version(provider.api_version.empty() ? kUsualVersion
                                                         : std::string_view(provider.api_version));
  std::string path = "/" + EncodeSegment(version);
  std::string_view name = model;
  std::string folder = "models";
  // A model may be named with its folder, as the API's own lists do.
  for (const std::string_view known : {"models/", "tunedModels/"}) {
    if (!name.starts_with(known)) continue;
    folder = known.substr(0, known.size() - 1);
    name.remove_prefix(known.size());
    break;
  }
  return path + "/" + folder + "/" + EncodeSegment(name) +
         (stream ? ":streamGenerateContent?alt=sse" : ":generateContent");
}

void WriteParts(json::Writer& writer, const std::string& text) {
  writer.Key("parts").BeginArray().BeginObject().Key("text").String(text).EndObject().EndArray();
}

void WriteSchema(json::Writer& writer, const std::string& schema_json, SchemaMode mode) {
  if (schema_json.empty() || mode == SchemaMode::kNone) return;
  writer.Key("responseMimeType").String("application/json");
  if (mode == SchemaMode::kJsonSchema) {
    const auto closed = ClosedSchema(schema_json, OptionalProperties::kStay);
    writer.Key("responseJsonSchema").Raw(closed ? *closed : schema_json);
  } else if (mode == SchemaMode::kOpenApiSchema) {
    if (const auto schema = OpenApiSchema(schema_json)) {
      writer.Key("responseSchema").Raw(*schema);
    }
  }
}

void WriteConfig(json::Writer& writer, const ChatRequest& request, const model::Provider& provider,
                 const Parameters& parameters) {
  const bool has_schema =
      !request.response_schema_json.empty() && provider.schema_mode != SchemaMode::kNone;
  if (request.max_output_tokens <= 0 && !has_schema && !parameters.has_shared()) return;
  writer.Key("generationConfig").BeginObject();
  if (request.max_output_tokens > 0) {
    writer.Key("maxOutputTokens").Int(request.max_output_tokens);
  }
  WriteSchema(writer, request.response_schema_json, provider.schema_mode);
  parameters.WriteShared(writer);
  writer.EndObject();
}

bool IsThought(Value part) {
  const auto thought = part.Find("thought");
  return thought && thought->is(Kind::kBool) && thought->AsBool();
}

// Content and parts may be missing, as when thoughts have used up the limit.
std::string ReadText(Value candidate) {
  const auto content = candidate.Find("content");
  const auto parts = content ? ArrayAt(*content, "parts") : std::nullopt;
  std::string text;
  for (std::size_t i = 0; parts && i < parts->size(); ++i) {
    if (!IsThought(parts->At(i))) text += StringAt(parts->At(i), "text");
  }
  return text;
}

// OTHER, MALFORMED_RESPONSE and what isn't known here say nothing about the prompt: such an answer
// is read as far as it goes, and what it lacks is asked again.
FinishReason ReadFinishReason(Value candidate) {
  using enum Completion::FinishReason;
  constexpr NamedFinishReason kReasons[] = {{"STOP", kStop},
                                            {"MAX_TOKENS", kLength},
                                            {"CONTINUATION", kLength},
                                            {"SAFETY", kContentFilter},
                                            {"RECITATION", kContentFilter},
                                            {"LANGUAGE", kContentFilter},
                                            {"BLOCKLIST", kContentFilter},
                                            {"PROHIBITED_CONTENT", kContentFilter},
                                            {"SPII", kContentFilter},
                                            {"MODEL_ARMOR", kContentFilter},
                                            {"IMAGE_SAFETY", kContentFilter},
                                            {"IMAGE_PROHIBITED_CONTENT", kContentFilter},
                                            {"IMAGE_RECITATION", kContentFilter},
                                            {"MALFORMED_FUNCTION_CALL", kToolCalls},
                                            {"UNEXPECTED_TOOL_CALL", kToolCalls},
                                            {"TOO_MANY_TOOL_CALLS", kToolCalls}};
  return FinishReasonOf(StringAt(candidate, "finishReason"), kReasons);
}

// Thoughts are told beside the answer's tokens, not within. What is zero may be left out.
std::optional<model::Usage> ReadUsage(Value root) {
  const auto usage = root.Find("usageMetadata");
  if (!usage) return std::nullopt;
  const auto prompt = TokensAt(*usage, "promptTokenCount");
  const auto tools = TokensOrZeroAt(*usage, "toolUsePromptTokenCount");
  const auto answer = TokensOrZeroAt(*usage, "candidatesTokenCount");
  const auto thoughts = TokensOrZeroAt(*usage, "thoughtsTokenCount");
  const auto cached = TokensOrZeroAt(*usage, "cachedContentTokenCount");
  if (!prompt || !tools || !answer || !thoughts || !cached) return std::nullopt;
  const std::int64_t input = *prompt + *tools;
  return model::Usage{.input_tokens = input,
                      .cached_input_tokens = std::min(*cached, input),
                      .output_tokens = *answer + *thoughts,
                      .reasoning_tokens = *thoughts};
}

// The header tells of a call that was served at a lower tier than it asked for.
std::string ReadTier(const ports::HttpResponse& response, Value root) {
  if (const auto told = FindHeader(response.headers, kTierHeader)) {
    return ServiceTier(*told);
  }
  const auto usage = root.Find("usageMetadata");
  return usage ? ServiceTier(StringAt(*usage, "serviceTier")) : std::string();
}

bool IsBlocked(Value root) {
  const auto feedback = root.Find("promptFeedback");
  return feedback && !StringAt(*feedback, "blockReason").empty();
}

// Each event is an answer of its own with a piece of the text; the last one tells why it ends.
class ContentStream final : public CompletionStream {
 private:
  void OnObject(std::string_view /*event*/, Value root) override {
    if (id_.empty()) id_ = StringAt(root, "responseId");
    if (completion().model.empty()) completion().model = StringAt(root, "modelVersion");
    const auto metadata = root.Find("usageMetadata");
    if (metadata) tier_ = ServiceTier(StringAt(*metadata, "serviceTier"));
    // Sums up to here, not what is new.
    if (metadata) completion().usage = ReadUsage(root);
    const auto candidates = ArrayAt(root, "candidates");
    if (candidates && candidates->size() > 0) {
      const Value candidate = candidates->At(0);
      completion().text += ReadText(candidate);
      if (StringAt(candidate, "finishReason").empty()) return;
      completion().finish_reason = ReadFinishReason(candidate);
      SetWhole();
    } else if (IsBlocked(root)) {
      completion().finish_reason = FinishReason::kContentFilter;
      completion().refused = true;
      SetWhole();
    }
  }

  void Complete(const ports::HttpResponse& head) override {
    const auto told = FindHeader(head.headers, kTierHeader);
    completion().tier = told ? ServiceTier(*told) : tier_;
    completion().request_id = RequestId(head, "x-request-id", id_);
  }

  std::string tier_;
  std::string id_;
};

}  // namespace

FormatTraits GeminiCodec::traits() const {
  return {.base_url = "https://generativelanguage.googleapis.com",
          .api_key_header = "x-goog-api-key",
          .api_version = kUsualVersion,
          .schema_modes = kSchemaModes};
}

ports::HttpRequest GeminiCodec::Encode(const ChatRequest& request, const model::Provider& provider,
                                       base::Duration timeout) const {
  const Parameters parameters(request.parameters_json, kReservedNames);
  json::Writer writer;
  writer.BeginObject();
  if (!request.system.empty()) {
    writer.Key("systemInstruction").BeginObject();
    WriteParts(writer, request.system);
    writer.EndObject();
  }
  writer.Key("contents").BeginArray();
  for (const Message& message : request.messages) {
    writer.BeginObject().Key("role").String(message.role == Role::kUser ? "user" : "model");
    WriteParts(writer, message.text);
    writer.EndObject();
  }
  writer.EndArray();
  WriteConfig(writer, request, provider, parameters);
  parameters.Write(writer);
  writer.EndObject();
  return MakePost(provider, PathFor(request.model, provider, request.stream), writer.Take(),
                  timeout);
}

std::unique_ptr<CompletionStream> GeminiCodec::NewStream() const {
  return std::make_unique<ContentStream>();
}

Codec::Used GeminiCodec::ReadUsed(Value root, const ports::HttpResponse& response) const {
  return {.usage = ReadUsage(root), .tier = ReadTier(response, root)};
}

std::variant<Completion, Codec::Missing> GeminiCodec::ReadCompletion(
    Value root, const ports::HttpResponse& response) const {
  Completion completion{.model = StringAt(root, "modelVersion"),
                        .request_id = ReadRequestId(response, "x-request-id", root, "responseId")};
  const auto candidates = ArrayAt(root, "candidates");
  if (!candidates || candidates->size() == 0) {
    if (!IsBlocked(root)) return Missing("no candidates");
    completion.finish_reason = FinishReason::kContentFilter;
    completion.refused = true;
    return completion;
  }
  const Value candidate = candidates->At(0);
  if (!candidate.is(Kind::kObject)) return Missing("no candidate");
  completion.text = ReadText(candidate);
  completion.finish_reason = ReadFinishReason(candidate);
  return completion;
}

RateLimits GeminiCodec::RateLimitsOf(const ports::HttpResponse& /*response*/,
                                     base::WallTime /*now*/) const {
  return {};
}

base::Result<void> GeminiCodec::ValidateParameters(std::string_view parameters_json,
                                                   const model::Provider& /*provider*/) const {
  return CheckParameters(parameters_json, kReservedNames);
}

}  // namespace llmbatch::providers
