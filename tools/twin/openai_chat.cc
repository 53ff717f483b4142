#include <string>

#include "twin/json.h"
#include "twin/wire_format.h"

namespace llmbatch::twin {
namespace {

struct ErrorShape {
  int status;
  const char* type;
  const char* code;  // nullptr: null
};

ErrorShape ShapeOfStatus(int status) {
  switch (status) {
    case 401:
      return {status, "invalid_request_error", "invalid_api_key"};
    case 404:
      return {status, "invalid_request_error", "model_not_found"};
    case 429:
      return {status, "requests", "rate_limit_exceeded"};
    case 503:
      return {status, "service_unavailable_error", "server_is_overloaded"};
    default:
      break;
  }
  return {status, status < 500 ? "invalid_request_error" : "server_error", nullptr};
}

ErrorShape ShapeOf(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return ShapeOfStatus(fault.status);
    case FaultKind::kInsufficientQuota:
      return {429, "insufficient_quota", "insufficient_quota"};
    case FaultKind::kContextLengthExceeded:
      return {400, "invalid_request_error", "context_length_exceeded"};
    case FaultKind::kSlowDown:
      return {503, "service_unavailable_error", "slow_down"};
    case FaultKind::kTokenLimit:
      return {429, "tokens", "rate_limit_exceeded"};
    case FaultKind::kRequestLimit:
    case FaultKind::kConcurrencyLimit:
      return {429, "requests", "rate_limit_exceeded"};
    case FaultKind::kErrorIn200:
      return {200, "server_error", nullptr};
    case FaultKind::kBadRequest:
      return {400, "invalid_request_error", nullptr};
    default:
      return {500, "server_error", nullptr};
  }
}

// A message's content is a text or a list of parts.
std::string ContentText(const JsonValue& message) {
  const JsonValue* content = Find(message, "content");
  if (content == nullptr) return {};
  if (content->IsString()) return std::string(TextOf(*content));
  std::string text;
  if (!content->IsArray()) return text;
  for (const JsonValue& part : content->GetArray()) {
    const JsonValue* piece = Find(part, "text");
    if (piece != nullptr && piece->IsString()) text += TextOf(*piece);
  }
  return text;
}

void ReadMessages(const JsonValue& messages, ModelRequest& request) {
  for (const JsonValue& message : messages.GetArray()) {
    std::string text = ContentText(message);
    request.text += text;
    ++request.message_count;
    const JsonValue* role = Find(message, "role");
    if (role != nullptr && role->IsString() && TextOf(*role) == "user") {
      request.last_user_text = std::move(text);
    }
  }
}

const JsonValue* FindSchema(const JsonValue& body) {
  const JsonValue* schema = Find(body, "response_format");
  for (const char* name : {"json_schema", "schema"}) {
    if (schema != nullptr) schema = Find(*schema, name);
  }
  return schema != nullptr && schema->IsObject() ? schema : nullptr;
}

std::optional<std::uint64_t> FindMaxTokens(const JsonValue& body) {
  for (const char* name : {"max_completion_tokens", "max_tokens"}) {
    const JsonValue* value = Find(body, name);
    if (value != nullptr && value->IsUint64()) return value->GetUint64();
  }
  return std::nullopt;
}

const char* NameOf(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContentFilter:
      return "content_filter";
  }
  return "stop";
}

void WriteNullable(JsonWriter& writer, const char* text) {
  if (text == nullptr) {
    writer.Null();
  } else {
    writer.String(text);
  }
}

void WriteChoice(const Answer& answer, JsonWriter& writer) {
  writer.StartObject();
  writer.Key("index");
  writer.Uint(0);
  writer.Key("finish_reason");
  writer.String(NameOf(answer.finish));
  writer.Key("logprobs");
  writer.Null();
  writer.Key("message");
  writer.StartObject();
  writer.Key("role");
  writer.String("assistant");
  writer.Key("content");
  if (answer.refusal) {
    writer.Null();
  } else {
    WriteText(writer, answer.text);
  }
  writer.Key("refusal");
  WriteNullable(writer, answer.refusal ? answer.refusal->c_str() : nullptr);
  writer.EndObject();
  writer.EndObject();
}

void WriteUsage(const Usage& usage, JsonWriter& writer) {
  writer.Key("usage");
  writer.StartObject();
  writer.Key("prompt_tokens");
  writer.Uint64(usage.prompt_tokens);
  writer.Key("completion_tokens");
  writer.Uint64(usage.completion_tokens);
  writer.Key("total_tokens");
  writer.Uint64(usage.prompt_tokens + usage.completion_tokens);
  writer.Key("prompt_tokens_details");
  writer.StartObject();
  writer.Key("cached_tokens");
  writer.Uint(0);
  writer.EndObject();
  writer.Key("completion_tokens_details");
  writer.StartObject();
  writer.Key("reasoning_tokens");
  writer.Uint(0);
  writer.EndObject();
  writer.EndObject();
}

void AddLimitHeaders(const std::string& what, const std::optional<LimitState>& state,
                     Headers& headers) {
  if (!state) return;
  headers.emplace_back("x-ratelimit-limit-" + what, std::to_string(state->limit));
  headers.emplace_back("x-ratelimit-remaining-" + what, std::to_string(state->remaining));
  headers.emplace_back("x-ratelimit-reset-" + what, FormatGoDuration(state->reset));
}

class OpenAiChatFormat final : public WireFormat {
 public:
  bool Serves(std::string_view path) const override {
    constexpr std::string_view kSuffix = "/chat/completions";
    return path.size() >= kSuffix.size() && path.substr(path.size() - kSuffix.size()) == kSuffix;
  }

  base::Result<ModelRequest> Decode(std::string_view /*path*/,
                                    std::string_view body) const override {
    auto document = ParseJson(body);
    if (!document) return document.error();
    ModelRequest request{.body = *std::move(document)};
    const JsonValue* model = Find(request.body, "model");
    if (model == nullptr || !model->IsString()) return base::Invalid("model must be a text");
    request.model = TextOf(*model);
    const JsonValue* messages = Find(request.body, "messages");
    if (messages == nullptr || !messages->IsArray() || messages->Empty()) {
      return base::Invalid("messages must be a list with something in it");
    }
    const JsonValue* stream = Find(request.body, "stream");
    if (stream != nullptr && stream->IsTrue()) return base::Invalid("stream is not supported here");
    ReadMessages(*messages, request);
    request.schema = FindSchema(request.body);
    request.max_output_tokens = FindMaxTokens(request.body);
    return request;
  }

  std::string EncodeAnswer(const Envelope& envelope, const Answer& answer) const override {
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    writer.Key("id");
    WriteText(writer, "chatcmpl-" + std::to_string(envelope.sequence));
    writer.Key("object");
    writer.String("chat.completion");
    writer.Key("created");
    writer.Int64(base::ToMillis(envelope.created.time_since_epoch()) / 1000);
    writer.Key("model");
    WriteText(writer, envelope.model);
    writer.Key("choices");
    writer.StartArray();
    WriteChoice(answer, writer);
    writer.EndArray();
    if (answer.usage) WriteUsage(*answer.usage, writer);
    writer.EndObject();
    return TakeText(buffer);
  }

  int StatusOf(const Fault& fault) const override { return ShapeOf(fault).status; }

  std::string EncodeError(const Fault& fault, std::string_view message) const override {
    const ErrorShape shape = ShapeOf(fault);
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    writer.Key("error");
    writer.StartObject();
    writer.Key("message");
    WriteText(writer, message);
    writer.Key("type");
    writer.String(shape.type);
    writer.Key("param");
    writer.Null();
    writer.Key("code");
    WriteNullable(writer, shape.code);
    writer.EndObject();
    writer.EndObject();
    return TakeText(buffer);
  }

  Headers RateLimitHeaders(const Limiter& limiter) const override {
    Headers headers;
    AddLimitHeaders("requests", limiter.requests(), headers);
    AddLimitHeaders("tokens", limiter.tokens(), headers);
    return headers;
  }

  std::string_view request_id_header() const override { return "x-request-id"; }
};

}  // namespace

const WireFormat& OpenAiChat() {
  static const OpenAiChatFormat format;
  return format;
}

}  // namespace llmbatch::twin
