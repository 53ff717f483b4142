#include "providers/openai_codec.h"

#include <array>
#include <optional>
#include <string>

#include "json/value.h"
#include "json/writer.h"
#include "providers/fields.h"
#include "providers/openai_parts.h"
#include "providers/parameters.h"
#include "providers/post.h"
#include "providers/service_tier.h"

namespace llmbatch::providers {
namespace {

using json::Kind;
using json::Value;
using SchemaMode = model::Provider::SchemaMode;

constexpr std::array<SchemaMode, 4> kSchemaModes = {
    SchemaMode::kJsonSchema, SchemaMode::kJsonObject, SchemaMode::kJsonObjectSchema,
    SchemaMode::kNone};

// Written by the codec itself, or turning the answer into something else than one text.
constexpr std::array<std::string_view, 14> kReservedParameters = {
    "audio",       "function_call",
    "functions",   "max_completion_tokens",
    "max_tokens",  "messages",
    "modalities",  "model",
    "n",           "response_format",
    "stream",      "stream_options",
    "tool_choice", "tools"};

ReservedNames ReservedFor(const model::Provider& provider) {
  return {.names = kReservedParameters, .also = provider.max_tokens_field};
}

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
  if (request.response_schema_json.empty() || provider.schema_mode == SchemaMode::kNone) return;
  writer.Key("response_format").BeginObject();
  if (provider.schema_mode == SchemaMode::kJsonSchema) {
    writer.Key("type").String("json_schema").Key("json_schema").BeginObject();
    WriteNamedSchema(writer, request.response_schema_json, provider.strict_schema);
    writer.EndObject();
  } else {
    writer.Key("type").String("json_object");
    if (provider.schema_mode == SchemaMode::kJsonObjectSchema) {
      writer.Key("schema").Raw(request.response_schema_json);
    }
  }
  writer.EndObject();
}

std::optional<model::Usage> ReadUsage(Value root) {
  const auto usage = root.Find("usage");
  if (!usage) return std::nullopt;
  return ReadOpenAiUsage(*usage, {.input = "prompt_tokens",
                                  .input_details = "prompt_tokens_details",
                                  .output = "completion_tokens",
                                  .output_details = "completion_tokens_details"});
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
  constexpr NamedFinishReason kReasons[] = {{"stop", kStop},
                                            {"length", kLength},
                                            {"content_filter", kContentFilter},
                                            {"tool_calls", kToolCalls},
                                            {"function_call", kToolCalls}};
  return FinishReasonOf(StringAt(choice, "finish_reason"), kReasons);
}

// Each chunk has a piece of the first choice; usage follows the last piece, and a word ends it all.
class ChatStream final : public CompletionStream {
 private:
  void OnObject(std::string_view /*event*/, Value root) override {
    if (id_.empty()) id_ = StringAt(root, "id");
    if (completion().model.empty()) completion().model = StringAt(root, "model");
    if (const std::string tier = ServiceTier(StringAt(root, "service_tier")); !tier.empty()) {
      completion().tier = tier;
    }
    if (const auto usage = ReadUsage(root)) completion().usage = usage;
    // Empty where a chunk is about something else, such as the prompt's filter or the usage.
    const auto choices = ArrayAt(root, "choices");
    if (choices && choices->size() > 0) OnChoice(choices->At(0));
  }

  void OnChoice(Value choice) {
    has_choice_ = true;
    if (const auto delta = choice.Find("delta")) {
      completion().text += ReadContent(*delta);
      completion().refused = completion().refused || !StringAt(*delta, "refusal").empty();
    }
    if (StringAt(choice, "finish_reason").empty()) return;
    completion().finish_reason = ReadFinishReason(choice);
    SetWhole();
  }

  bool OnWord(std::string_view data) override {
    if (data != "[DONE]") return false;
    if (has_choice_) End();
    return true;
  }

  void Complete(const ports::HttpResponse& head) override {
    completion().request_id = RequestId(head, "x-request-id", id_);
  }

  std::string id_;
  bool has_choice_ = false;
};

FormatTraits ChatTraits() {
  return {.schema_modes = kSchemaModes, .has_chat_names = true, .has_strict_schema = true};
}

// From this version on the deployment is named in the body, as a model.
constexpr std::string_view kAzureVersionOne = "v1";

}  // namespace

FormatTraits OpenAiCodec::traits() const {
  FormatTraits traits = ChatTraits();
  traits.base_url = "https://api.openai.com/v1";
  traits.api_key_header = "Authorization";
  return traits;
}

std::string OpenAiCodec::PathFor(const std::string& /*model*/,
                                 const model::Provider& /*provider*/) const {
  return "/chat/completions";
}

ports::HttpRequest OpenAiCodec::Encode(const ChatRequest& request, const model::Provider& provider,
                                       base::Duration timeout) const {
  json::Writer writer;
  writer.BeginObject().Key("model").String(request.model);
  WriteMessages(writer, request, provider);
  if (request.max_output_tokens > 0 && !provider.max_tokens_field.empty()) {
    writer.Key(provider.max_tokens_field).Int(request.max_output_tokens);
  }
  WriteResponseFormat(writer, request, provider);
  if (request.stream) {
    writer.Key("stream").Bool(true);
    if (provider.stream_usage) {
      writer.Key("stream_options").BeginObject().Key("include_usage").Bool(true).EndObject();
    }
  }
  Parameters(request.parameters_json, ReservedFor(provider)).Write(writer);
  writer.EndObject();
  ports::HttpRequest http =
      MakePost(provider, PathFor(request.model, provider), writer.Take(), timeout);
  if (request.stream) http.end_marks = {"data: [DONE]", "data:[DONE]"};
  return http;
}

std::unique_ptr<CompletionStream> OpenAiCodec::NewStream() const {
  return std::make_unique<ChatStream>();
}

Codec::Used OpenAiCodec::ReadUsed(Value root, const ports::HttpResponse& /*response*/) const {
  return {.usage = ReadUsage(root), .tier = ServiceTier(StringAt(root, "service_tier"))};
}

std::variant<Completion, Codec::Missing> OpenAiCodec::ReadCompletion(
    Value root, const ports::HttpResponse& response) const {
  const auto choices = ArrayAt(root, "choices");
  if (!choices || choices->size() == 0) return Missing("no choices");
  const Value choice = choices->At(0);
  const auto message = choice.Find("message");
  if (!message || !message->is(Kind::kObject)) return Missing("no message");
  return Completion{.text = ReadContent(*message),
                    .finish_reason = ReadFinishReason(choice),
                    .refused = !StringAt(*message, "refusal").empty(),
                    .model = StringAt(root, "model"),
                    .request_id = ReadRequestId(response, "x-request-id", root, "id")};
}

RateLimits OpenAiCodec::RateLimitsOf(const ports::HttpResponse& response,
                                     base::WallTime /*now*/) const {
  return ParseOpenAiRateLimits(response.headers);
}

base::Result<void> OpenAiCodec::ValidateParameters(std::string_view parameters_json,
                                                   const model::Provider& provider) const {
  return CheckParameters(parameters_json, ReservedFor(provider));
}

FormatTraits AzureOpenAiCodec::traits() const {
  FormatTraits traits = ChatTraits();
  traits.api_key_header = "api-key";
  traits.api_version = kAzureVersionOne;
  return traits;
}

std::string AzureOpenAiCodec::PathFor(const std::string& model,
                                      const model::Provider& provider) const {
  const std::string& version = provider.api_version;
  if (version.empty() || version == kAzureVersionOne) return "/openai/v1/chat/completions";
  return "/openai/deployments/" + EncodeSegment(model) +
         "/chat/completions?api-version=" + EncodeSegment(version);
}

}  // namespace llmbatch::providers
