// What goes to OpenAI's Responses, and what comes from there.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

using FinishReason = Completion::FinishReason;
using SchemaMode = model::Provider::SchemaMode;

const Codec& Responses() { return *CodecFor("openai_responses"); }

ChatRequest Request() {
  return {.model = "gpt-6.1-terra",
          .system = "You label conversations.",
          .messages = {{.role = Role::kUser, .text = "[{\"id\":\"a\"}]"}},
          .max_output_tokens = 4000};
}

std::string Body(const ChatRequest& request, const model::Provider& provider = {}) {
  return Responses().Encode(request, provider, std::chrono::seconds(1)).body;
}

std::variant<Completion, CallFailure> Decode(std::string_view body, int status = 200) {
  return Responses().Decode({.status = status, .body = std::string(body)}, {});
}

Completion DecodeCompletion(std::string_view body) {
  const auto decoded = Decode(body);
  EXPECT_TRUE(std::holds_alternative<Completion>(decoded)) << body;
  return std::holds_alternative<Completion>(decoded) ? std::get<Completion>(decoded) : Completion{};
}

TEST(ResponsesEncode, StoresNothingAndSendsNothingOptional) {
  EXPECT_EQ(Body(Request()),
            R"({"model":"gpt-6.1-terra","instructions":"You label conversations.",)"
            R"("input":[{"role":"user","content":"[{\"id\":\"a\"}]"}],)"
            R"("max_output_tokens":4000,"store":false})");
  EXPECT_EQ(Body({.model = "m", .messages = {{.role = Role::kAssistant, .text = "hi"}}}),
            R"({"model":"m","input":[{"role":"assistant","content":"hi"}],"store":false})");
  EXPECT_EQ(Responses().Encode(Request(), {}, {}).path, "/responses");
}

TEST(ResponsesEncode, SchemaStandsFlatInTextFormat) {
  ChatRequest request = Request();
  request.response_schema_json = R"({"type":"object","properties":{"a":{"type":"string"}}})";
  EXPECT_TRUE(Body(request).ends_with(
      R"("text":{"format":{"type":"json_schema","name":"answers","strict":true,"schema":)"
      R"({"type":"object","properties":{"a":{"type":["string","null"]}},"required":["a"],)"
      R"("additionalProperties":false}}}})"))
      << Body(request);
  EXPECT_TRUE(Body(request, {.strict_schema = false})
                  .ends_with(R"("strict":false,"schema":)" + request.response_schema_json + "}}}"));
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonObject})
                  .ends_with(R"("text":{"format":{"type":"json_object"}}})"));
  EXPECT_EQ(Body(request, {.schema_mode = SchemaMode::kNone}), Body(Request()));
}

TEST(ResponsesEncode, ParametersAndSchemaShareText) {
  ChatRequest request = Request();
  request.parameters_json =
      R"({"text":{"verbosity":"low","format":{}},"reasoning":{"effort":"low"},"store":true})";
  EXPECT_TRUE(Body(request).ends_with(
      R"("store":false,"text":{"verbosity":"low"},"reasoning":{"effort":"low"}})"))
      << Body(request);
  request.response_schema_json = R"({"type":"object"})";
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonObject})
                  .ends_with(R"("text":{"verbosity":"low","format":{"type":"json_object"}},)"
                             R"("reasoning":{"effort":"low"}})"));
}

TEST(ResponsesParameters, ReservedOnesAreRefusedByName) {
  for (const std::string name :
       {"model", "input", "instructions", "max_output_tokens", "store", "stream", "background",
        "previous_response_id", "conversation", "tools", "tool_choice"}) {
    const auto result = Responses().ValidateParameters("{\"" + name + "\":null}", {});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_TRUE(result.error().message.starts_with("parameters." + name + ":")) << name;
  }
  EXPECT_FALSE(Responses().ValidateParameters(R"({"text":{"format":{}}})", {}).ok());
  EXPECT_TRUE(Responses().ValidateParameters(R"({"text":{"verbosity":"low"}})", {}).ok());
}

TEST(ResponsesDecode, ReadsAFullAnswer) {
  const Completion completion = DecodeCompletion(R"({
      "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-6.1-terra",
      "error": null, "incomplete_details": null,
      "output": [{"type": "reasoning", "id": "rs_1", "summary": [{"type": "x", "text": "no"}]},
                 {"type": "message", "role": "assistant", "status": "completed",
                  "content": [{"type": "output_text", "text": "[", "annotations": []},
                              {"type": "output_text", "text": "]"}, {"type": "new", "text": "n"}]},
                 7, {"type": "message"}],
      "usage": {"input_tokens": 1500, "input_tokens_details": {"cached_tokens": 1024},
                "output_tokens": 300, "output_tokens_details": {"reasoning_tokens": 120},
                "total_tokens": 1800}})");
  EXPECT_EQ(completion.text, "[]");
  EXPECT_EQ(completion.finish_reason, FinishReason::kStop);
  EXPECT_FALSE(completion.refused);
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 1500,
                                            .cached_input_tokens = 1024,
                                            .output_tokens = 300,
                                            .reasoning_tokens = 120}));
  EXPECT_EQ(completion.model, "gpt-6.1-terra");
  EXPECT_EQ(completion.request_id, "resp_1");
}

TEST(ResponsesDecode, ReadsWhetherTheAnswerIsWhole) {
  struct Case {
    std::string_view members;
    FinishReason reason;
  };
  const Case cases[] = {
      {R"("status":"completed")", FinishReason::kStop},
      {R"("status":"incomplete","incomplete_details":{"reason":"max_output_tokens"})",
       FinishReason::kLength},
      {R"("status":"incomplete","incomplete_details":{"reason":"content_filter"})",
       FinishReason::kContentFilter},
      {R"("status":"incomplete","incomplete_details":{"reason":"steered"})", FinishReason::kLength},
      {R"("status":"incomplete","incomplete_details":null)", FinishReason::kLength},
      {R"("status":"new")", FinishReason::kUnknown},
      {R"("status":null)", FinishReason::kUnknown},
  };
  for (const Case& c : cases) {
    const Completion completion =
        DecodeCompletion("{" + std::string(c.members) + R"(,"output":[]})");
    EXPECT_EQ(completion.finish_reason, c.reason) << c.members;
    EXPECT_EQ(completion.text, "") << c.members;
  }
}

TEST(ResponsesDecode, RefusalIsTold) {
  const Completion completion = DecodeCompletion(
      R"({"status":"completed","output":[{"type":"message",
          "content":[{"type":"refusal","refusal":"I can't do that."}]}]})");
  EXPECT_TRUE(completion.refused);
  EXPECT_EQ(completion.text, "");
}

TEST(ResponsesDecode, FailureInsideOf200IsAFailure) {
  const auto decoded =
      Decode(R"({"status":"failed","output":[],"error":{"code":"server_error","message":"m"}})");
  ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded));
  EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kOverloaded);
}

TEST(ResponsesDecode, WhatIsNoAnswerIsAProtocolFailureThatMayHaveCost) {
  for (const std::string_view body :
       {"", "OK", "{", "[]", "null", "{}", R"({"output":null})", R"({"output":{}})",
        R"({"status":"in_progress","output":[]})", R"({"status":"queued","output":[]})",
        R"({"status":"cancelled","output":[]})", R"({"status":"failed","output":[]})",
        R"({"choices":[{"message":{}}]})"}) {
    const auto decoded = Decode(body);
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << body;
    EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kProtocol) << body;
    EXPECT_TRUE(std::get<CallFailure>(decoded).maybe_billed) << body;
  }
}

TEST(ResponsesDecode, UsageThatMakesNoSenseIsUnknown) {
  for (const std::string_view usage :
       {"null", "{}", "7", R"({"input_tokens":1})", R"({"input_tokens":-1,"output_tokens":1})"}) {
    EXPECT_EQ(DecodeCompletion(R"({"output":[],"usage":)" + std::string(usage) + "}").usage,
              std::nullopt)
        << usage;
  }
}

}  // namespace
}  // namespace llmbatch::providers
