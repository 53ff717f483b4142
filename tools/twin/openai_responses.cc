#include <string>

#include "twin/json.h"
#include "twin/openai_format.h"
#include "twin/wire_parts.h"

namespace llmbatch::twin {
namespace {

constexpr std::string_view kReasoningId = "rs_1";
constexpr std::string_view kMessageId = "msg_1";

// Nullptr: the answer is whole.
const char* IncompleteReason(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return nullptr;
    case FinishReason::kLength:
      return "max_output_tokens";
    case FinishReason::kContentFilter:
      return "content_filter";
  }
  return nullptr;
}

void WritePart(const Answer& answer, JsonWriter& writer) {
  writer.StartObject();
  WriteMember(writer, "type", answer.refusal ? "refusal" : "output_text");
  if (answer.refusal) {
    WriteMember(writer, "refusal", *answer.refusal);
  } else {
    WriteMember(writer, "text", answer.text);
    writer.Key("annotations");
    writer.StartArray();
    writer.EndArray();
  }
  writer.EndObject();
}

void WriteItem(const Answer& answer, JsonWriter& writer) {
  writer.StartObject();
  WriteMember(writer, "id", kMessageId);
  WriteMember(writer, "type", "message");
  WriteMember(writer, "role", "assistant");
  WriteMember(writer, "status", "completed");
  writer.Key("content");
  writer.StartArray();
  WritePart(answer, writer);
  writer.EndArray();
  writer.EndObject();
}

// Thoughts come first, as a reader must not take them for the answer.
void WriteOutput(const Answer& answer, JsonWriter& writer) {
  writer.Key("output");
  writer.StartArray();
  writer.StartObject();
  WriteMember(writer, "id", kReasoningId);
  WriteMember(writer, "type", "reasoning");
  writer.Key("summary");
  writer.StartArray();
  writer.EndArray();
  writer.EndObject();
  WriteItem(answer, writer);
  writer.EndArray();
}

void WriteUsage(const Usage& usage, JsonWriter& writer) {
  writer.Key("usage");
  writer.StartObject();
  WriteMember(writer, "input_tokens", usage.prompt_tokens);
  WriteMember(writer, "output_tokens", usage.completion_tokens);
  WriteMember(writer, "total_tokens", usage.prompt_tokens + usage.completion_tokens);
  for (const auto& [details, part] : {std::pair("input_tokens_details", "cached_tokens"),
                                      {"output_tokens_details", "reasoning_tokens"}}) {
    writer.Key(details);
    writer.StartObject();
    WriteMember(writer, part, std::uint64_t{0});
    writer.EndObject();
  }
  writer.EndObject();
}

void ReadInput(const JsonValue& input, ModelRequest& request) {
  if (input.IsString()) {
    AddTurn(std::string(TextOf(input)), true, request);
    return;
  }
  for (const JsonValue& turn : input.GetArray()) {
    AddTurn(TextOfContent(Find(turn, "content")), IsText(Find(turn, "role"), "user"), request);
  }
}

std::string WrittenBy(const Answer& answer, void (*write)(const Answer&, JsonWriter&)) {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  write(answer, writer);
  return TakeText(buffer);
}

// The events of the one part of the message.
template <typename Add>
void AddText(const Answer& answer, const Add& add) {
  const std::string place = R"("item_id":"msg_1","output_index":1,"content_index":0,)";
  const std::string kind = answer.refusal ? "response.refusal" : "response.output_text";
  const std::string& text = answer.refusal ? *answer.refusal : answer.text;
  Answer empty = answer;
  (answer.refusal ? *empty.refusal : empty.text).clear();
  add("response.content_part.added", place + R"("part":)" + WrittenBy(empty, WritePart));
  for (const std::string_view piece : CutIntoPieces(text)) {
    add(kind + ".delta", place + R"("delta":)" + Quote(piece) + R"(,"logprobs":[])");
  }
  add(kind + ".done", place + (answer.refusal ? R"("refusal":)" : R"("text":)") + Quote(text) +
                          R"(,"logprobs":[])");
  add("response.content_part.done", place + R"("part":)" + WrittenBy(answer, WritePart));
}

class OpenAiResponsesFormat final : public OpenAiFormat {
 public:
  bool Serves(std::string_view path) const override { return EndsWith(path, "/responses"); }

  base::Result<ModelRequest> Decode(std::string_view /*path*/,
                                    std::string_view body) const override {
    auto parsed = ParseRequestWithModel(body);
    if (!parsed) return parsed;
    ModelRequest& request = *parsed;
    if (Find(request.body, "messages") != nullptr) {
      return base::Invalid("Unsupported parameter: 'messages'. It is called 'input' here.");
    }
    const JsonValue* instructions = Find(request.body, "instructions");
    if (instructions != nullptr) AddTurn(TextOfContent(instructions), false, request);
    const JsonValue* input = Find(request.body, "input");
    if (input == nullptr || !(input->IsString() || input->IsArray())) {
      return base::Invalid("input must be a text or a list");
    }
    ReadInput(*input, request);
    if (const JsonValue* format = FindObject(request.body, {"text", "format"})) {
      request.schema = FindObject(*format, {"schema"});
      const std::string fault = FaultOfStrictSchema(*format);
      if (!fault.empty()) return base::Invalid("Invalid schema for text.format: " + fault);
    }
    request.max_output_tokens = FindCount(request.body, "max_output_tokens");
    return parsed;
  }

  std::string EncodeAnswer(const Envelope& envelope, const Answer& answer) const override {
    const char* incomplete = IncompleteReason(answer.finish);
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    WriteMember(writer, "id", "resp_" + std::to_string(envelope.sequence));
    WriteMember(writer, "object", "response");
    writer.Key("created_at");
    writer.Int64(base::ToMillis(envelope.created.time_since_epoch()) / 1000);
    WriteMember(writer, "model", envelope.model);
    WriteMember(writer, "status", incomplete == nullptr ? "completed" : "incomplete");
    writer.Key("error");
    writer.Null();
    writer.Key("incomplete_details");
    if (incomplete == nullptr) {
      writer.Null();
    } else {
      writer.StartObject();
      WriteMember(writer, "reason", incomplete);
      writer.EndObject();
    }
    WriteOutput(answer, writer);
    if (answer.usage) WriteUsage(*answer.usage, writer);
    writer.EndObject();
    return TakeText(buffer);
  }

  StreamEvents EncodeStream(const Envelope& envelope, const Answer& answer) const override {
    const std::string id = "resp_" + std::to_string(envelope.sequence);
    StreamEvents events;
    const auto add = [&events](const std::string& type, const std::string& members) {
      events.push_back(MakeEvent(type, R"({"type":")" + type + R"(","sequence_number":)" +
                                           std::to_string(events.size()) + "," + members + "}"));
    };
    add("response.created",
        R"("response":{"id":")" + id + R"(","object":"response","created_at":0,"model":)" +
            Quote(envelope.model) +
            R"(,"status":"in_progress","error":null,"incomplete_details":null,"output":[]})");
    const std::string reasoning = R"({"id":"rs_1","type":"reasoning","summary":[]})";
    add("response.output_item.added", R"("output_index":0,"item":)" + reasoning);
    add("response.output_item.done", R"("output_index":0,"item":)" + reasoning);
    add("response.output_item.added",
        R"("output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","status":"in_progress","content":[]})");
    AddText(answer, add);
    add("response.output_item.done", R"("output_index":1,"item":)" + WrittenBy(answer, WriteItem));
    add(IncompleteReason(answer.finish) == nullptr ? "response.completed" : "response.incomplete",
        R"("response":)" + EncodeAnswer(envelope, answer));
    return events;
  }
  std::string_view error_event() const override { return "error"; }
};

}  // namespace

const WireFormat& OpenAiResponses() {
  static const OpenAiResponsesFormat format;
  return format;
}

}  // namespace llmbatch::twin
