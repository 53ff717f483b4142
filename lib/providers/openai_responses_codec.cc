#include "providers/openai_responses_codec.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "json/value.h"
#include "json/writer.h"
#include "providers/error_body.h"
#include "providers/fields.h"
#include "providers/openai_parts.h"
#include "providers/parameters.h"
#include "providers/post.h"
#include "providers/service_tier.h"

namespace llmbatch::providers {
namespace {

using json::Value;
using SchemaMode = model::Provider::SchemaMode;
using FinishReason = Completion::FinishReason;

constexpr std::array<SchemaMode, 3> kSchemaModes = {SchemaMode::kJsonSchema,
                                                    SchemaMode::kJsonObject, SchemaMode::kNone};

constexpr std::array<std::string_view, 14> kReserved = {"background",   "conversation",
                                                        "include",      "input",
                                                        "instructions", "max_output_tokens",
                                                        "model",        "previous_response_id",
                                                        "prompt",       "store",
                                                        "stream",       "stream_options",
                                                        "tool_choice",  "tools"};
constexpr std::array<std::string_view, 1> kReservedText = {"format"};
constexpr ReservedNames kReservedNames = {
    .names = kReserved, .shared_object = "text", .within_shared = kReservedText};

void WriteFormat(json::Writer& writer, const ChatRequest& request,
                 const model::Provider& provider) {
  writer.Key("format").BeginObject();
  if (provider.schema_mode == SchemaMode::kJsonSchema) {
    writer.Key("type").String("json_schema");
    WriteNamedSchema(writer, request.response_schema_json, provider.strict_schema);
  } else {
    writer.Key("type").String("json_object");
  }
  writer.EndObject();
}

void WriteText(json::Writer& writer, const ChatRequest& request, const model::Provider& provider,
               const Parameters& parameters) {
  const bool has_schema =
      !request.response_schema_json.empty() && provider.schema_mode != SchemaMode::kNone;
  if (!has_schema && !parameters.has_shared()) return;
  writer.Key("text").BeginObject();
  parameters.WriteShared(writer);
  if (has_schema) WriteFormat(writer, request, provider);
  writer.EndObject();
}

// Messages stand among other things, like thoughts.
void ReadOutput(Value output, Completion& completion) {
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (StringAt(output.At(i), "type") != "message") continue;
    const auto content = ArrayAt(output.At(i), "content");
    for (std::size_t k = 0; content && k < content->size(); ++k) {
      const std::string type = StringAt(content->At(k), "type");
      if (type == "output_text") completion.text += StringAt(content->At(k), "text");
      if (type == "refusal") completion.refused = true;
    }
  }
}

FinishReason ReadFinishReason(Value root) {
  const std::string status = StringAt(root, "status");
  if (status == "completed") return FinishReason::kStop;
  if (status != "incomplete") return FinishReason::kUnknown;
  const auto details = root.Find("incomplete_details");
  const std::string reason = details ? StringAt(*details, "reason") : std::string();
  if (reason == "content_filter") return FinishReason::kContentFilter;
  // Whatever the reason: there is only a part of the answer.
  return FinishReason::kLength;
}

// These answers are none, and none will follow.
bool IsUnfinished(std::string_view status) {
  return status == "failed" || status == "cancelled" || status == "in_progress" ||
         status == "queued";
}

std::optional<model::Usage> ReadUsage(Value root) {
  const auto usage = root.Find("usage");
  if (!usage) return std::nullopt;
  return ReadOpenAiUsage(*usage, {.input = "input_tokens",
                                  .input_details = "input_tokens_details",
                                  .output = "output_tokens",
                                  .output_details = "output_tokens_details"});
}

// Of a whole response; nullopt if it is none.
std::optional<Completion> ReadResponse(Value root) {
  const auto output = ArrayAt(root, "output");
  if (!output) return std::nullopt;
  Completion completion{.finish_reason = ReadFinishReason(root),
                        .usage = ReadUsage(root),
                        .model = StringAt(root, "model"),
                        .tier = ServiceTier(StringAt(root, "service_tier"))};
  ReadOutput(*output, completion);
  return completion;
}

// The last event has the whole response once more.
class ResponsesStream final : public CompletionStream {
 private:
  void OnObject(std::string_view event, Value root) override {
    std::string type = StringAt(root, "type");
    if (type.empty()) type = event;
    const auto response = root.Find("response");
    if (type == "response.output_text.delta") {
      text_ += StringAt(root, "delta");
    } else if (type == "error") {
      // Flat here, where a body would have it in a member.
      Fail("{\"error\":" + root.ToJson() + "}");
    } else if (type == "response.failed" && response) {
      ReportUsage(ReadUsage(*response), ServiceTier(StringAt(*response, "service_tier")));
      Fail(FindError(*response) ? response->ToJson() : R"({"error":"failed"})");
    } else if ((type == "response.completed" || type == "response.incomplete") && response) {
      OnLast(*response);
    }
  }

  void OnLast(Value response) {
    id_ = StringAt(response, "id");
    auto read = ReadResponse(response);
    if (!read) read = Completion{.finish_reason = ReadFinishReason(response)};
    // Servers that only speak like this one may leave the text out.
    if (read->text.empty() && !read->refused) read->text = std::move(text_);
    completion() = *std::move(read);
    End();
  }

  void Complete(const ports::HttpResponse& head) override {
    completion().request_id = RequestId(head, "x-request-id", id_);
  }

  std::string text_;
  std::string id_;
};

}  // namespace

FormatTraits OpenAiResponsesCodec::traits() const {
  return {.base_url = "https://api.openai.com/v1",
          .api_key_header = "Authorization",
          .schema_modes = kSchemaModes,
          .has_strict_schema = true};
}

ports::HttpRequest OpenAiResponsesCodec::Encode(const ChatRequest& request,
                                                const model::Provider& provider,
                                                base::Duration timeout) const {
  const Parameters parameters(request.parameters_json, kReservedNames);
  json::Writer writer;
  writer.BeginObject().Key("model").String(request.model);
  if (!request.system.empty()) writer.Key("instructions").String(request.system);
  writer.Key("input").BeginArray();
  for (const Message& message : request.messages) {
    writer.BeginObject().Key("role").String(message.role == Role::kUser ? "user" : "assistant");
    writer.Key("content").String(message.text).EndObject();
  }
  writer.EndArray();
  if (request.max_output_tokens > 0) {
    writer.Key("max_output_tokens").Int(request.max_output_tokens);
  }
  writer.Key("store").Bool(false);
  if (request.stream) writer.Key("stream").Bool(true);
  WriteText(writer, request, provider, parameters);
  parameters.Write(writer);
  writer.EndObject();
  ports::HttpRequest http = MakePost(provider, "/responses", writer.Take(), timeout);
  if (request.stream) {
    http.end_marks = {"event: response.completed", "event: response.incomplete",
                      "event: response.failed", "event: error"};
  }
  return http;
}

std::unique_ptr<CompletionStream> OpenAiResponsesCodec::NewStream() const {
  return std::make_unique<ResponsesStream>();
}

Codec::Used OpenAiResponsesCodec::ReadUsed(Value root,
                                           const ports::HttpResponse& /*response*/) const {
  return {.usage = ReadUsage(root), .tier = ServiceTier(StringAt(root, "service_tier"))};
}

std::variant<Completion, Codec::Missing> OpenAiResponsesCodec::ReadCompletion(
    Value root, const ports::HttpResponse& response) const {
  if (IsUnfinished(StringAt(root, "status"))) return Missing("the response is not finished");
  auto completion = ReadResponse(root);
  if (!completion) return Missing("no output");
  completion->request_id = ReadRequestId(response, "x-request-id", root, "id");
  return *std::move(completion);
}

RateLimits OpenAiResponsesCodec::RateLimitsOf(const ports::HttpResponse& response,
                                              base::WallTime /*now*/) const {
  return ParseOpenAiRateLimits(response.headers);
}

base::Result<void> OpenAiResponsesCodec::ValidateParameters(
    std::string_view parameters_json, const model::Provider& /*provider*/) const {
  return CheckParameters(parameters_json, kReservedNames);
}

}  // namespace llmbatch::providers
