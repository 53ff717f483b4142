#include <chrono>
#include <string>

#include "base/ascii.h"
#include "twin/json.h"
#include "twin/wire_format.h"
#include "twin/wire_parts.h"

namespace llmbatch::twin {
namespace {

constexpr std::string_view kMethod = ":generateContent";
constexpr std::string_view kStreamMethod = ":streamGenerateContent";

struct ErrorShape {
  int status;
  const char* name;
  const char* quota_id = nullptr;  // of a quota that is used up
};

ErrorShape ShapeOfStatus(int status) {
  constexpr ErrorShape kShapes[] = {
      {401, "UNAUTHENTICATED"},
      {403, "PERMISSION_DENIED"},
      {404, "NOT_FOUND"},
      {429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerMinutePerProjectPerModel"},
      {503, "UNAVAILABLE"},
      {504, "DEADLINE_EXCEEDED"}};
  for (const ErrorShape& shape : kShapes) {
    if (shape.status == status) return shape;
  }
  return {status, status < 500 ? "INVALID_ARGUMENT" : "INTERNAL"};
}

ErrorShape ShapeOf(const Fault& fault) {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return ShapeOfStatus(fault.status);
    case FaultKind::kInsufficientQuota:
      return {429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerDayPerProjectPerModel"};
    case FaultKind::kTokenLimit:
      return {429, "RESOURCE_EXHAUSTED", "GenerateContentInputTokensPerModelPerMinute"};
    case FaultKind::kRequestLimit:
    case FaultKind::kConcurrencyLimit:
      return ShapeOfStatus(429);
    case FaultKind::kSlowDown:
      return ShapeOfStatus(503);
    case FaultKind::kErrorIn200:
      return {200, "INTERNAL"};
    case FaultKind::kContextLengthExceeded:
    case FaultKind::kBadRequest:
      return ShapeOfStatus(400);
    default:
      return ShapeOfStatus(500);
  }
}

void WriteRetryInfo(base::Duration wait, JsonWriter& writer) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  std::string text = std::to_string(ms % 1000);
  text = std::to_string(ms / 1000) + "." + std::string(3 - text.size(), '0') + text + "s";
  writer.StartObject();
  WriteMember(writer, "@type", "type.googleapis.com/google.rpc.RetryInfo");
  WriteMember(writer, "retryDelay", text);
  writer.EndObject();
}

void WriteQuotaFailure(const char* quota_id, JsonWriter& writer) {
  writer.StartObject();
  WriteMember(writer, "@type", "type.googleapis.com/google.rpc.QuotaFailure");
  writer.Key("violations");
  writer.StartArray();
  writer.StartObject();
  WriteMember(writer, "quotaId", quota_id);
  writer.EndObject();
  writer.EndArray();
  writer.EndObject();
}

// Without `parts` where there is no text.
void WriteCandidate(const Answer& answer, JsonWriter& writer) {
  writer.StartObject();
  writer.Key("content");
  writer.StartObject();
  if (!answer.refusal && !answer.text.empty()) {
    writer.Key("parts");
    writer.StartArray();
    // Thoughts come first, as a reader must not take them for the answer.
    writer.StartObject();
    WriteMember(writer, "text", "What is asked here?");
    writer.Key("thought");
    writer.Bool(true);
    writer.EndObject();
    writer.StartObject();
    WriteMember(writer, "text", answer.text);
    writer.EndObject();
    writer.EndArray();
  }
  WriteMember(writer, "role", "model");
  writer.EndObject();
  const char* cut_or_whole = answer.finish == FinishReason::kLength ? "MAX_TOKENS" : "STOP";
  WriteMember(writer, "finishReason", answer.refusal ? "SAFETY" : cut_or_whole);
  WriteMember(writer, "index", std::uint64_t{0});
  writer.EndObject();
}

void WriteUsage(const Usage& usage, JsonWriter& writer) {
  writer.Key("usageMetadata");
  writer.StartObject();
  WriteMember(writer, "promptTokenCount", usage.prompt_tokens);
  WriteMember(writer, "candidatesTokenCount", usage.completion_tokens);
  WriteMember(writer, "totalTokenCount", usage.prompt_tokens + usage.completion_tokens);
  writer.EndObject();
}

// The model in ".../models/NAME:generateContent", or the same for a stream; empty if there is none.
std::string_view ModelOf(std::string_view path) {
  constexpr std::string_view kFolder = "/models/";
  const std::string_view method = EndsWith(path, kStreamMethod) ? kStreamMethod : kMethod;
  if (!EndsWith(path, method)) return {};
  path.remove_suffix(method.size());
  const std::size_t found = path.find(kFolder);
  return found == std::string_view::npos ? std::string_view() : path.substr(found + kFolder.size());
}

// OpenAPI's names of types are in upper case.
void LowerTypes(JsonValue& schema, rapidjson::Document& document) {
  if (schema.IsArray()) {
    for (JsonValue& element : schema.GetArray()) LowerTypes(element, document);
  }
  if (!schema.IsObject()) return;
  for (auto& member : schema.GetObject()) {
    if (TextOf(member.name) != "type" || !member.value.IsString()) {
      LowerTypes(member.value, document);
      continue;
    }
    const std::string type = base::ToLower(TextOf(member.value));
    member.value.SetString(type, document.GetAllocator());
  }
}

// Finds the schema, and says what is wrong with how it is asked for; empty: nothing.
std::string ReadSchema(ModelRequest& request) {
  const JsonValue* config = FindObject(request.body, {"generationConfig"});
  if (config == nullptr) return {};
  const JsonValue* openapi = FindObject(*config, {"responseSchema"});
  const JsonValue* json = FindObject(*config, {"responseJsonSchema"});
  if (openapi != nullptr && json != nullptr) {
    return "only one of response_schema and response_json_schema can be set";
  }
  if (openapi == nullptr && json == nullptr) return {};
  if (!IsText(Find(*config, "responseMimeType"), "application/json")) {
    return "response_schema needs response_mime_type application/json";
  }
  if (openapi != nullptr) {
    LowerTypes(request.body["generationConfig"]["responseSchema"], request.body);
  }
  request.schema = openapi != nullptr ? openapi : json;
  return {};
}

class GeminiContentFormat final : public WireFormat {
 public:
  bool Serves(std::string_view path) const override { return !ModelOf(path).empty(); }

  base::Result<ModelRequest> Decode(std::string_view path, std::string_view body) const override {
    auto parsed = ParseRequest(body);
    if (!parsed) return parsed;
    ModelRequest& request = *parsed;
    request.model = ModelOf(path);
    request.stream = EndsWith(path, kStreamMethod);
    for (const char* foreign : {"model", "messages", "system"}) {
      if (Find(request.body, foreign) == nullptr) continue;
      return base::Invalid("Invalid JSON payload received. Unknown name \"" + std::string(foreign) +
                           "\": Cannot find field.");
    }
    const auto contents = FindTurns(request.body, "contents");
    if (!contents) return contents.error();
    const JsonValue* system = FindPath(request.body, {"systemInstruction", "parts"});
    if (system != nullptr) AddTurn(TextOfContent(system), false, request);
    for (const JsonValue& content : (*contents)->GetArray()) {
      AddTurn(TextOfContent(Find(content, "parts")), IsText(Find(content, "role"), "user"),
              request);
    }
    const std::string fault = ReadSchema(request);
    if (!fault.empty()) return base::Invalid(fault);
    if (const JsonValue* config = FindObject(request.body, {"generationConfig"})) {
      request.max_output_tokens = FindCount(*config, "maxOutputTokens");
    }
    return parsed;
  }

  bool Admits(std::string_view /*path*/, const Headers& headers,
              std::string_view api_key) const override {
    return HasHeader(headers, "x-goog-api-key", "", api_key);
  }

  std::string EncodeAnswer(const Envelope& envelope, const Answer& answer) const override {
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    if (answer.finish == FinishReason::kContentFilter) {
      writer.Key("promptFeedback");
      writer.StartObject();
      WriteMember(writer, "blockReason", "PROHIBITED_CONTENT");
      writer.EndObject();
    } else {
      writer.Key("candidates");
      writer.StartArray();
      WriteCandidate(answer, writer);
      writer.EndArray();
    }
    if (answer.usage) WriteUsage(*answer.usage, writer);
    WriteMember(writer, "modelVersion", envelope.model);
    WriteMember(writer, "responseId", "r" + std::to_string(envelope.sequence));
    writer.EndObject();
    return TakeText(buffer);
  }

  // Each event is an answer with a piece of the text, the last one as if it weren't a stream.
  StreamEvents EncodeStream(const Envelope& envelope, const Answer& answer) const override {
    StreamEvents events;
    Answer last = answer;
    if (!answer.refusal && answer.finish != FinishReason::kContentFilter) {
      const auto pieces = CutIntoPieces(answer.text);
      for (std::size_t i = 0; i + 1 < pieces.size(); ++i) {
        events.push_back(MakeEvent(
            "", R"({"candidates":[{"content":{"parts":[{"text":)" + Quote(pieces[i]) +
                    R"(}],"role":"model"},"index":0}],"modelVersion":)" + Quote(envelope.model) +
                    R"(,"responseId":"r)" + std::to_string(envelope.sequence) + "\"}"));
      }
      last.text = pieces.back();
    }
    events.push_back(MakeEvent("", EncodeAnswer(envelope, last)));
    return events;
  }
  std::string_view error_event() const override { return {}; }

  int StatusOf(const Fault& fault) const override { return ShapeOf(fault).status; }

  std::string EncodeError(const Fault& fault, std::string_view message,
                          std::optional<base::Duration> retry_after) const override {
    const ErrorShape shape = ShapeOf(fault);
    // Nothing but the message tells this one.
    constexpr std::string_view kTooLong =
        "The input token count exceeds the maximum number of tokens allowed. ";
    const bool too_long = fault.kind == FaultKind::kContextLengthExceeded;
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    writer.Key("error");
    writer.StartObject();
    WriteMember(writer, "code", static_cast<std::uint64_t>(shape.status));
    WriteMember(writer, "message", std::string(too_long ? kTooLong : "").append(message));
    WriteMember(writer, "status", shape.name);
    if (shape.quota_id != nullptr || retry_after) {
      writer.Key("details");
      writer.StartArray();
      if (shape.quota_id != nullptr) WriteQuotaFailure(shape.quota_id, writer);
      if (retry_after) WriteRetryInfo(*retry_after, writer);
      writer.EndArray();
    }
    writer.EndObject();
    writer.EndObject();
    return TakeText(buffer);
  }

  // It has no such headers.
  Headers RateLimitHeaders(const Limiter& /*limiter*/, base::WallTime /*now*/) const override {
    return {};
  }
  Headers RetryHeaders(base::Duration /*wait*/) const override { return {}; }
  std::string_view request_id_header() const override { return {}; }
};

}  // namespace

const WireFormat& GeminiContent() {
  static const GeminiContentFormat format;
  return format;
}

}  // namespace llmbatch::twin
