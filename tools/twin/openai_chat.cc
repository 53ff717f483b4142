#include <string>

#include "twin/json.h"
#include "twin/openai_format.h"
#include "twin/wire_parts.h"

namespace llmbatch::twin {
namespace {

std::optional<std::uint64_t> FindMaxTokens(const JsonValue& body) {
  const auto limit = FindCount(body, "max_completion_tokens");
  return limit ? limit : FindCount(body, "max_tokens");
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

class OpenAiChatFormat final : public OpenAiFormat {
 public:
  bool Serves(std::string_view path) const override { return EndsWith(path, "/chat/completions"); }

  base::Result<ModelRequest> Decode(std::string_view /*path*/,
                                    std::string_view body) const override {
    auto parsed = ParseRequestWithModel(body);
    if (!parsed) return parsed;
    ModelRequest& request = *parsed;
    const auto messages = FindTurns(request.body, "messages");
    if (!messages) return messages.error();
    for (const JsonValue& message : (*messages)->GetArray()) {
      AddTurn(TextOfContent(Find(message, "content")), IsText(Find(message, "role"), "user"),
              request);
    }
    const JsonValue* format = FindObject(request.body, {"response_format", "json_schema"});
    if (format != nullptr) {
      request.schema = FindObject(*format, {"schema"});
      const std::string fault = FaultOfStrictSchema(*format);
      if (!fault.empty()) return base::Invalid("Invalid schema for response_format: " + fault);
    }
    request.max_output_tokens = FindMaxTokens(request.body);
    const JsonValue* usage = FindPath(request.body, {"stream_options", "include_usage"});
    request.stream_usage = usage != nullptr && usage->IsTrue();
    return parsed;
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

  StreamEvents EncodeStream(const Envelope& envelope, const Answer& answer) const override {
    const std::string head =
        R"({"id":"chatcmpl-)" + std::to_string(envelope.sequence) +
        R"(","object":"chat.completion.chunk","created":)" +
        std::to_string(base::ToMillis(envelope.created.time_since_epoch()) / 1000) +
        R"(,"model":)" + Quote(envelope.model) + R"(,"choices":[)";
    const auto chunk = [&head](const std::string& delta, const std::string& finish) {
      return MakeEvent("", head + R"({"index":0,"delta":{)" + delta + R"(},"finish_reason":)" +
                               finish + R"(,"logprobs":null}],"usage":null})");
    };
    StreamEvents events;
    events.push_back(chunk(R"("role":"assistant","content":"")", "null"));
    const char* member = answer.refusal ? "refusal" : "content";
    const std::string& text = answer.refusal ? *answer.refusal : answer.text;
    for (const std::string_view piece : CutIntoPieces(text)) {
      events.push_back(chunk(Quote(member) + ":" + Quote(piece), "null"));
    }
    events.push_back(chunk("", Quote(NameOf(answer.finish))));
    if (answer.usage) {
      rapidjson::StringBuffer buffer;
      JsonWriter writer(buffer);
      writer.StartObject();
      WriteUsage(*answer.usage, writer);
      writer.EndObject();
      // Without its brace: a member of the chunk.
      events.push_back(MakeEvent("", head + "]," + TakeText(buffer).substr(1)));
    }
    events.push_back(MakeEvent("", "[DONE]"));
    return events;
  }
  std::string_view error_event() const override { return {}; }
};

}  // namespace

const WireFormat& OpenAiChat() {
  static const OpenAiChatFormat format;
  return format;
}

}  // namespace llmbatch::twin
