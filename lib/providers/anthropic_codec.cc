#include "providers/anthropic_codec.h"

#include <array>
#include <map>
#include <optional>
#include <string>

#include "json/value.h"
#include "json/writer.h"
#include "providers/fields.h"
#include "providers/parameters.h"
#include "providers/post.h"
#include "providers/service_tier.h"
#include "providers/strict_schema.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;
using PromptCache = model::Provider::PromptCache;
using SchemaMode = model::Provider::SchemaMode;

constexpr std::string_view kUsualVersion = "2026-10-21";
// From this version on, sampling parameters are an error, whatever their value.
constexpr std::string_view kFirstWithoutSampling = "2026-10-21";
// The format demands a limit even of those who want none.
constexpr std::int64_t kUsualMaxTokens = 4096;

constexpr std::array<SchemaMode, 2> kSchemaModes = {SchemaMode::kJsonSchema, SchemaMode::kNone};

constexpr std::size_t kSamplingNames = 3;
constexpr std::array<std::string_view, 13> kReserved = {
    "container", "max_tokens", "mcp_servers", "messages", "model", "output_format", "stream",
    "system", "tool_choice", "tools",
    // Sampling, reserved in versions that refuse it.
    "temperature", "top_k", "top_p"};
constexpr std::array<std::string_view, 1> kReservedOutputConfig = {"format"};

std::string_view VersionOf(const model::Provider& provider) {
  return provider.api_version.empty() ? kUsualVersion : std::string_view(provider.api_version);
}

ReservedNames ReservedFor(const model::Provider& provider) {
  // Versions are dates, so they compare as texts.
  const bool sampling = VersionOf(provider) < kFirstWithoutSampling;
  const std::span<const std::string_view> names = kReserved;
  return {.names = sampling ? names.first(names.size() - kSamplingNames) : names,
          .shared_object = "output_config",
          .within_shared = kReservedOutputConfig};
}

void WriteSystem(json::Writer& writer, const std::string& system, PromptCache cache) {
  if (system.empty()) return;
  writer.Key("system");
  if (cache == PromptCache::kNone) {
    writer.String(system);
    return;
  }
  writer.BeginArray().BeginObject().Key("type").String("text").Key("text").String(system);
  writer.Key("cache_control").BeginObject().Key("type").String("ephemeral");
  writer.Key("ttl").String(cache == PromptCache::kHour ? "1h" : "5m");
  writer.EndObject().EndObject().EndArray();
}

void WriteMessages(json::Writer& writer, const std::vector<Message>& messages) {
  writer.Key("messages").BeginArray();
  for (const Message& message : messages) {
    writer.BeginObject().Key("role").String(message.role == Role::kUser ? "user" : "assistant");
    writer.Key("content").String(message.text).EndObject();
  }
  writer.EndArray();
}

void WriteOutputConfig(json::Writer& writer, const ChatRequest& request,
                       const model::Provider& provider, const Parameters& parameters) {
  std::optional<std::string> schema;
  if (provider.schema_mode != SchemaMode::kNone && !request.response_schema_json.empty()) {
    schema = ClosedSchema(request.response_schema_json, OptionalProperties::kStay);
  }
  if (!schema && !parameters.has_shared()) return;
  writer.Key("output_config").BeginObject();
  parameters.WriteShared(writer);
  if (schema) {
    writer.Key("format").BeginObject().Key("type").String("json_schema");
    writer.Key("schema").Raw(*schema).EndObject();
  }
  writer.EndObject();
}

// Blocks of thoughts and of other kinds stand between those of text.
std::string ReadText(Value content) {
  std::string text;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (StringAt(content.At(i), "type") == "text") text += StringAt(content.At(i), "text");
  }
  return text;
}

Completion::FinishReason ReadStopReason(Value root) {
  using enum Completion::FinishReason;
  constexpr NamedFinishReason kReasons[] = {{"end_turn", kStop},
                                            {"stop_sequence", kStop},
                                            {"max_tokens", kLength},
                                            {"model_context_window_exceeded", kLength},
                                            // The turn could go on; there is only a part of it.
                                            {"pause_turn", kLength},
                                            {"refusal", kContentFilter},
                                            {"tool_use", kToolCalls}};
  return FinishReasonOf(StringAt(root, "stop_reason"), kReasons);
}

// What the cache gave and took is told beside input_tokens, not within.
std::optional<model::Usage> ReadUsage(Value root) {
  const auto usage = root.Find("usage");
  if (!usage) return std::nullopt;
  const auto input = TokensAt(*usage, "input_tokens");
  const auto output = TokensAt(*usage, "output_tokens");
  const auto read = TokensOrZeroAt(*usage, "cache_read_input_tokens");
  const auto written = TokensOrZeroAt(*usage, "cache_creation_input_tokens");
  if (!input || !output || !read || !written) return std::nullopt;
  return model::Usage{
      .input_tokens = *input + *read + *written,
      .cached_input_tokens = *read,
      .cache_write_tokens = *written,
      .long_cache_write_tokens =
          PartAt(*usage, "cache_creation", "ephemeral_1h_input_tokens", *written),
      .output_tokens = *output,
      .reasoning_tokens = PartAt(*usage, "output_tokens_details", "thinking_tokens", *output)};
}

std::string ReadTier(Value root) {
  const auto usage = root.Find("usage");
  return usage ? ServiceTier(StringAt(*usage, "service_tier")) : std::string();
}

// The first event has the input's tokens, a late one the output's; the text comes in between, in
// blocks.
class MessageStream final : public CompletionStream {
 private:
  void OnObject(std::string_view event, Value root) override {
    std::string type = StringAt(root, "type");
    if (type.empty()) type = event;
    if (type == "message_start") {
      if (const auto message = root.Find("message")) OnStart(*message);
    } else if (type == "content_block_start") {
      const auto block = root.Find("content_block");
      if (block && StringAt(*block, "type") == "text")
        completion().text += StringAt(*block, "text");
    } else if (type == "content_block_delta") {
      const auto delta = root.Find("delta");
      if (delta && StringAt(*delta, "type") == "text_delta") {
        completion().text += StringAt(*delta, "text");
      }
    } else if (type == "message_delta") {
      NoteUsage(root);
      if (const auto delta = root.Find("delta")) {
        completion().finish_reason = ReadStopReason(*delta);
        completion().refused =
            completion().finish_reason == Completion::FinishReason::kContentFilter;
      }
    } else if (type == "message_stop") {
      End();
    }
  }

  void OnStart(Value message) {
    id_ = StringAt(message, "id");
    completion().model = StringAt(message, "model");
    NoteUsage(message);
  }

  // Figures of later events replace those before: they are sums.
  void NoteUsage(Value holder) {
    const auto usage = holder.Find("usage");
    if (!usage || !usage->is(Kind::kObject)) return;
    for (std::size_t i = 0; i < usage->size(); ++i) {
      const json::Member member = usage->MemberAt(i);
      if (!member.value.is(Kind::kNull)) usage_[std::string(member.name)] = member.value.ToJson();
    }
  }

  void Complete(const ports::HttpResponse& head) override {
    json::Writer writer;
    writer.BeginObject().Key("usage").BeginObject();
    for (const auto& [name, json] : usage_) writer.Key(name).Raw(json);
    writer.EndObject().EndObject();
    if (const auto document = json::Document::Parse(writer.Take())) {
      completion().usage = ReadUsage(document->root());
      completion().tier = ReadTier(document->root());
    }
    completion().request_id = RequestId(head, "request-id", id_);
  }

  std::map<std::string, std::string> usage_;  // JSON of its members
  std::string id_;
};

}  // namespace

FormatTraits AnthropicCodec::traits() const {
  return {.base_url = "https://api.anthropic.com",
          .api_key_header = "x-api-key",
          .api_version = kUsualVersion,
          .schema_modes = kSchemaModes,
          .has_prompt_cache = true};
}

ports::HttpRequest AnthropicCodec::Encode(const ChatRequest& request,
                                          const model::Provider& provider,
                                          base::Duration timeout) const {
  const Parameters parameters(request.parameters_json, ReservedFor(provider));
  json::Writer writer;
  writer.BeginObject().Key("model").String(request.model).Key("max_tokens");
  writer.Int(request.max_output_tokens > 0 ? request.max_output_tokens : kUsualMaxTokens);
  WriteSystem(writer, request.system, provider.prompt_cache);
  WriteMessages(writer, request.messages);
  WriteOutputConfig(writer, request, provider, parameters);
  if (request.stream) writer.Key("stream").Bool(true);
  parameters.Write(writer);
  writer.EndObject();
  ports::HttpRequest http = MakePost(provider, "/v1/messages", writer.Take(), timeout);
  http.headers.push_back({.name = "anthropic-version", .value = std::string(VersionOf(provider))});
  if (request.stream) http.end_marks = {"event: message_stop", "event: error"};
  return http;
}

std::unique_ptr<CompletionStream> AnthropicCodec::NewStream() const {
  return std::make_unique<MessageStream>();
}

Codec::Used AnthropicCodec::ReadUsed(Value root, const ports::HttpResponse& /*response*/) const {
  return {.usage = ReadUsage(root), .tier = ReadTier(root)};
}

std::variant<Completion, Codec::Missing> AnthropicCodec::ReadCompletion(
    Value root, const ports::HttpResponse& response) const {
  const auto content = ArrayAt(root, "content");
  if (!content) return Missing("no content");
  const auto finish_reason = ReadStopReason(root);
  return Completion{.text = ReadText(*content),
                    .finish_reason = finish_reason,
                    .refused = finish_reason == Completion::FinishReason::kContentFilter,
                    .model = StringAt(root, "model"),
                    .request_id = ReadRequestId(response, "request-id", root, "id")};
}

RateLimits AnthropicCodec::RateLimitsOf(const ports::HttpResponse& response,
                                        base::WallTime now) const {
  return ParseAnthropicRateLimits(response.headers, now);
}

base::Result<void> AnthropicCodec::ValidateParameters(std::string_view parameters_json,
                                                      const model::Provider& provider) const {
  return CheckParameters(parameters_json, ReservedFor(provider));
}

}  // namespace llmbatch::providers
