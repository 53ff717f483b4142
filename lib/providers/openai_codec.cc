#include "providers/openai_codec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "json/value.h"
#include "json/writer.h"
#include "providers/error_body.h"
#include "providers/headers.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;

// Written by the codec itself, or turning the answer into something else than one text.
constexpr std::array<std::string_view, 14> kReservedParameters = {
    "audio",       "function_call",
    "functions",   "max_completion_tokens",
    "max_tokens",  "messages",
    "modalities",  "model",
    "n",           "response_format",
    "stream",      "stream_options",
    "tool_choice", "tools"};

bool IsReserved(std::string_view name) {
  return std::find(kReservedParameters.begin(), kReservedParameters.end(), name) !=
         kReservedParameters.end();
}

// More tokens than any call has: such a figure is nonsense and would break sums.
constexpr std::int64_t kMaxUsageTokens = 1'000'000'000'000;

void WriteMessage(json::Writer& writer, std::string_view role, std::string_view text) {
  writer.BeginObject().Key("role").String(role).Key("content").String(text).EndObject();
}

void WriteMessages(json::Writer& writer, const ChatRequest& request,
                   const model::Provider& provider) {
  writer.Key("messages").BeginArray();
  if (!request.system.empty()) WriteMessage(writer, provider.system_role, request.system);
  for (const Message& message : request.messages) {
    WriteMessage(writer, message.role == Role::kUser ? "user" : "assistant", message.text);
  }
  writer.EndArray();
}

void WriteResponseFormat(json::Writer& writer, const ChatRequest& request,
                         const model::Provider& provider) {
  using SchemaMode = model::Provider::SchemaMode;
  if (request.response_schema_json.empty() || provider.schema_mode == SchemaMode::kNone) return;
  writer.Key("response_format").BeginObject();
  if (provider.schema_mode == SchemaMode::kJsonSchema) {
    writer.Key("type").String("json_schema").Key("json_schema").BeginObject();
    writer.Key("name").String("answers").Key("strict").Bool(true);
    writer.Key("schema").Raw(request.response_schema_json).EndObject();
  } else {
    writer.Key("type").String("json_object");
  }
  writer.EndObject();
}

void WriteParameters(json::Writer& writer, const ChatRequest& request,
                     const model::Provider& provider) {
  if (request.parameters_json.empty()) return;
  const auto parameters = json::Document::Parse(request.parameters_json);
  if (!parameters) return;
  const Value root = parameters->root();
  for (std::size_t i = 0; i < (root.is(Kind::kObject) ? root.size() : 0); ++i) {
    const json::Member member = root.MemberAt(i);
    if (IsReserved(member.name) || member.name == provider.max_tokens_field) continue;
    writer.Key(member.name).Raw(member.value.ToJson());
  }
}

std::optional<std::int64_t> TokensAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  if (!member || !member->is(Kind::kNumber)) return std::nullopt;
  const auto tokens = member->AsInt64();
  if (!tokens || *tokens < 0 || *tokens > kMaxUsageTokens) return std::nullopt;
  return tokens;
}

// A count within the details of another, never above it.
std::int64_t PartAt(Value usage, std::string_view details, std::string_view name,
                    std::int64_t whole) {
  const auto object = usage.Find(details);
  return object ? std::min(TokensAt(*object, name).value_or(0), whole) : 0;
}

std::optional<model::Usage> ReadUsage(Value root) {
  const auto usage = root.Find("usage");
  if (!usage) return std::nullopt;
  const auto input = TokensAt(*usage, "prompt_tokens");
  const auto output = TokensAt(*usage, "completion_tokens");
  if (!input || !output) return std::nullopt;
  return model::Usage{
      .input_tokens = *input,
      .cached_input_tokens = PartAt(*usage, "prompt_tokens_details", "cached_tokens", *input),
      .output_tokens = *output,
      .reasoning_tokens = PartAt(*usage, "completion_tokens_details", "reasoning_tokens", *output)};
}

std::string StringAt(Value object, std::string_view name) {
  const auto member = object.Find(name);
  return member && member->is(Kind::kString) ? std::string(member->AsString()) : std::string();
}

// A text, or the texts of a list of parts.
std::string ReadContent(Value message) {
  const auto content = message.Find("content");
  if (!content || !content->is(Kind::kArray)) return StringAt(message, "content");
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) text += StringAt(content->At(i), "text");
  return text;
}

Completion::FinishReason ReadFinishReason(Value choice) {
  using enum Completion::FinishReason;
  constexpr std::pair<std::string_view, Completion::FinishReason> kReasons[] = {
      {"stop", kStop},
      {"length", kLength},
      {"content_filter", kContentFilter},
      {"tool_calls", kToolCalls},
      {"function_call", kToolCalls}};
  const std::string text = StringAt(choice, "finish_reason");
  for (const auto& [name, reason] : kReasons) {
    if (text == name) return reason;
  }
  return kUnknown;
}

std::string ReadRequestId(const ports::HttpResponse& response, Value root) {
  if (const auto header = FindHeader(response.headers, "x-request-id"); header && IsName(*header)) {
    return std::string(*header);
  }
  std::string id = StringAt(root, "id");
  return IsName(id) ? id : std::string();
}

}  // namespace

ports::HttpRequest OpenAiCodec::Encode(const ChatRequest& request, const model::Provider& provider,
                                       base::Duration timeout) const {
  json::Writer writer;
  writer.BeginObject().Key("model").String(request.model);
  WriteMessages(writer, request, provider);
  if (request.max_output_tokens > 0 && !provider.max_tokens_field.empty()) {
    writer.Key(provider.max_tokens_field).Int(request.max_output_tokens);
  }
  WriteResponseFormat(writer, request, provider);
  WriteParameters(writer, request, provider);
  writer.EndObject();
  return {.provider = provider.name,
          .path = "/chat/completions",
          .headers = {{.name = "content-type", .value = "application/json"}},
          .body = writer.Take(),
          .timeout = timeout,
          .max_response_bytes = provider.max_response_bytes};
}

std::variant<Completion, CallFailure> OpenAiCodec::Decode(const ports::HttpResponse& response,
                                                          base::WallTime now) const {
  if (response.status < 200 || response.status > 299) return Classify(response, now);
  const auto document = json::Document::Parse(response.body, kBodyLimits);
  if (!document) return ProtocolFailure(response, "the body is no JSON");
  const Value root = document->root();
  if (FindError(root)) return Classify(response, now);

  const auto choices = root.Find("choices");
  if (!choices || !choices->is(Kind::kArray) || choices->size() == 0) {
    return ProtocolFailure(response, "no choices");
  }
  const Value choice = choices->At(0);
  const auto message = choice.Find("message");
  if (!message || !message->is(Kind::kObject)) return ProtocolFailure(response, "no message");
  return Completion{.text = ReadContent(*message),
                    .finish_reason = ReadFinishReason(choice),
                    .refused = !StringAt(*message, "refusal").empty(),
                    .usage = ReadUsage(root),
                    .model = StringAt(root, "model"),
                    .request_id = ReadRequestId(response, root)};
}

RateLimits OpenAiCodec::RateLimitsOf(const ports::HttpResponse& response) const {
  return ParseOpenAiRateLimits(response.headers);
}

base::Result<void> OpenAiCodec::ValidateParameters(std::string_view parameters_json) const {
  if (parameters_json.empty()) return {};
  const auto document = json::Document::Parse(parameters_json);
  if (!document || !document->root().is(Kind::kObject)) {
    return base::Invalid("parameters: must be a JSON object");
  }
  for (std::size_t i = 0; i < document->root().size(); ++i) {
    const std::string_view name = document->root().MemberAt(i).name;
    if (IsReserved(name)) {
      return base::Invalid("parameters." + std::string(name) +
                           ": is set by the daemon and can't be given here");
    }
  }
  return {};
}

}  // namespace llmbatch::providers
