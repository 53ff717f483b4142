#include <chrono>
#include <string>

#include "twin/json.h"
#include "twin/wire_format.h"
#include "twin/wire_parts.h"

namespace llmbatch::twin {
namespace {

struct ErrorShape {
  int status;
  const char* type;
  const char* error_code = nullptr;  // of the details; nullptr: none
};

ErrorShape ShapeOfStatus(int status) {
  constexpr ErrorShape kShapes[] = {
      {401, "authentication_error"}, {402, "billing_error"},  {403, "permission_error"},
      {404, "not_found_error"},      {409, "conflict_error"}, {413, "request_too_large"},
      {429, "rate_limit_error"},     {504, "timeout_error"},  {529, "overloaded_error"}};
  for (const ErrorShape& shape : kShapes) {
    if (shape.status == status) return shape;
  }
  return {status, status < 500 ? "invalid_request_error" : "api_error"};
}

ErrorShape ShapeOf(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return ShapeOfStatus(fault.status);
    case FaultKind::kInsufficientQuota:
      return {429, "rate_limit_error", "enforced_spend_limit_reached"};
    case FaultKind::kSlowDown:
      return ShapeOfStatus(529);
    case FaultKind::kTokenLimit:
    case FaultKind::kRequestLimit:
    case FaultKind::kConcurrencyLimit:
      return ShapeOfStatus(429);
    case FaultKind::kErrorIn200:
      return {200, "overloaded_error"};
    case FaultKind::kContextLengthExceeded:
    case FaultKind::kBadRequest:
      return ShapeOfStatus(400);
    default:
      return ShapeOfStatus(500);
  }
}

const char* StopReasonOf(const Answer& answer) {
  if (answer.refusal) return "refusal";
  switch (answer.finish) {
    case FinishReason::kStop:
      return "end_turn";
    case FinishReason::kLength:
      return "max_tokens";
    case FinishReason::kContentFilter:
      return "refusal";
  }
  return "end_turn";
}

// Thoughts come first, as a reader must not take them for the answer.
void WriteContent(const Answer& answer, JsonWriter& writer) {
  writer.Key("content");
  writer.StartArray();
  writer.StartObject();
  WriteMember(writer, "type", "thinking");
  WriteMember(writer, "thinking", "");
  WriteMember(writer, "signature", "c2ln");
  writer.EndObject();
  writer.StartObject();
  WriteMember(writer, "type", "text");
  WriteMember(writer, "text", answer.refusal ? *answer.refusal : answer.text);
  writer.EndObject();
  writer.EndArray();
}

void WriteUsage(const Usage& usage, JsonWriter& writer) {
  writer.Key("usage");
  writer.StartObject();
  WriteMember(writer, "input_tokens", usage.prompt_tokens);
  WriteMember(writer, "cache_creation_input_tokens", std::uint64_t{0});
  WriteMember(writer, "cache_read_input_tokens", std::uint64_t{0});
  WriteMember(writer, "output_tokens", usage.completion_tokens);
  WriteMember(writer, "service_tier", "standard");
  writer.EndObject();
}

void AddLimitHeaders(const std::string& what, const std::optional<LimitState>& state,
                     base::WallTime now, Headers& headers) {
  if (!state) return;
  const std::string prefix = "anthropic-ratelimit-" + what;
  headers.emplace_back(prefix + "-limit", std::to_string(state->limit));
  headers.emplace_back(prefix + "-remaining", std::to_string(state->remaining));
  headers.emplace_back(prefix + "-reset", base::FormatRfc3339(now + state->reset));
}

class AnthropicMessagesFormat final : public WireFormat {
 public:
  bool Serves(std::string_view path) const override { return EndsWith(path, "/v1/messages"); }

  base::Result<ModelRequest> Decode(std::string_view /*path*/,
                                    std::string_view body) const override {
    auto parsed = ParseRequestWithModel(body);
    if (!parsed) return parsed;
    ModelRequest& request = *parsed;
    request.max_output_tokens = FindCount(request.body, "max_tokens");
    if (!request.max_output_tokens) return base::Invalid("max_tokens: Field required");
    const auto messages = FindTurns(request.body, "messages");
    if (!messages) return messages.error();
    const JsonValue* system = Find(request.body, "system");
    if (system != nullptr) AddTurn(TextOfContent(system), false, request);
    for (const JsonValue& message : (*messages)->GetArray()) {
      AddTurn(TextOfContent(Find(message, "content")), IsText(Find(message, "role"), "user"),
              request);
    }
    request.schema = FindObject(request.body, {"output_config", "format", "schema"});
    if (request.schema != nullptr) {
      const std::string fault = FaultOfClosedSchema(*request.schema, false);
      if (!fault.empty()) return base::Invalid("output_config.format.schema: " + fault);
    }
    return parsed;
  }

  // Without a version no key helps.
  bool Admits(std::string_view /*path*/, const Headers& headers,
              std::string_view api_key) const override {
    return HasHeader(headers, "anthropic-version") &&
           (HasHeader(headers, "x-api-key", "", api_key) ||
            HasHeader(headers, "authorization", "Bearer ", api_key));
  }

  std::string EncodeAnswer(const Envelope& envelope, const Answer& answer) const override {
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    WriteMember(writer, "id", "msg_" + std::to_string(envelope.sequence));
    WriteMember(writer, "type", "message");
    WriteMember(writer, "role", "assistant");
    WriteMember(writer, "model", envelope.model);
    WriteContent(answer, writer);
    WriteMember(writer, "stop_reason", StopReasonOf(answer));
    writer.Key("stop_sequence");
    writer.Null();
    if (answer.usage) WriteUsage(*answer.usage, writer);
    writer.EndObject();
    return TakeText(buffer);
  }

  StreamEvents EncodeStream(const Envelope& envelope, const Answer& answer) const override {
    StreamEvents events;
    const auto add = [&events](const std::string& type, const std::string& members) {
      events.push_back(MakeEvent(type, R"({"type":")" + type + "\"" + members + "}"));
    };
    const Usage usage = answer.usage.value_or(Usage{});
    const std::string input = R"("usage":{"input_tokens":)" + std::to_string(usage.prompt_tokens) +
                              R"(,"output_tokens":1,"service_tier":"standard"})";
    add("message_start", R"(,"message":{"id":"msg_)" + std::to_string(envelope.sequence) +
                             R"(","type":"message","role":"assistant","model":)" +
                             Quote(envelope.model) +
                             R"(,"content":[],"stop_reason":null,"stop_sequence":null)" +
                             (answer.usage ? "," + input : "") + "}");
    // Thoughts come first, as a reader must not take them for the answer.
    add("content_block_start",
        R"(,"index":0,"content_block":{"type":"thinking","thinking":"","signature":""})");
    add("content_block_delta", R"(,"index":0,"delta":{"type":"thinking_delta","thinking":"Hm."})");
    add("content_block_stop", R"(,"index":0)");
    add("content_block_start", R"(,"index":1,"content_block":{"type":"text","text":""})");
    add("ping", "");
    for (const std::string_view piece :
         CutIntoPieces(answer.refusal ? *answer.refusal : answer.text)) {
      add("content_block_delta",
          R"(,"index":1,"delta":{"type":"text_delta","text":)" + Quote(piece) + "}");
    }
    add("content_block_stop", R"(,"index":1)");
    add("message_delta",
        R"(,"delta":{"stop_reason":")" + std::string(StopReasonOf(answer)) +
            R"(","stop_sequence":null},"usage":{)" +
            (answer.usage ? R"("output_tokens":)" + std::to_string(usage.completion_tokens) : "") +
            "}");
    add("message_stop", "");
    return events;
  }
  std::string_view error_event() const override { return "error"; }

  int StatusOf(const Fault& fault) const override { return ShapeOf(fault).status; }

  std::string EncodeError(const Fault& fault, std::string_view message,
                          std::optional<base::Duration> /*retry_after*/) const override {
    const ErrorShape shape = ShapeOf(fault);
    // Nothing but the message tells this one.
    const bool too_long = fault.kind == FaultKind::kContextLengthExceeded;
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    WriteMember(writer, "type", "error");
    writer.Key("error");
    writer.StartObject();
    WriteMember(writer, "type", shape.type);
    WriteMember(writer, "message",
                too_long ? "prompt is too long: " + std::string(message) : std::string(message));
    if (shape.error_code != nullptr) {
      writer.Key("details");
      writer.StartObject();
      WriteMember(writer, "error_code", shape.error_code);
      writer.EndObject();
    }
    writer.EndObject();
    writer.EndObject();
    return TakeText(buffer);
  }

  Headers RateLimitHeaders(const Limiter& limiter, base::WallTime now) const override {
    Headers headers;
    AddLimitHeaders("requests", limiter.requests(), now, headers);
    AddLimitHeaders("tokens", limiter.tokens(), now, headers);
    return headers;
  }

  Headers RetryHeaders(base::Duration wait) const override {
    return {{"retry-after", std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count())}};
  }

  std::string_view request_id_header() const override { return "request-id"; }
};

}  // namespace

const WireFormat& AnthropicMessages() {
  static const AnthropicMessagesFormat format;
  return format;
}

}  // namespace llmbatch::twin
