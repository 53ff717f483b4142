// Completions as servers send them that speak OpenAI's chat completions.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

using FinishReason = Completion::FinishReason;

std::variant<Completion, CallFailure> Decode(std::string_view body, int status = 200) {
  return CodecFor("openai")->Decode({.status = status, .body = std::string(body)}, {});
}

Completion DecodeCompletion(std::string_view body) {
  const auto decoded = Decode(body);
  EXPECT_TRUE(std::holds_alternative<Completion>(decoded)) << body;
  return std::holds_alternative<Completion>(decoded) ? std::get<Completion>(decoded) : Completion{};
}

std::string WithChoice(std::string_view choice) {
  return R"({"id":"c-1","choices":[)" + std::string(choice) + "]}";
}

TEST(OpenAiDecode, ReadsAFullAnswer) {
  const Completion completion = DecodeCompletion(R"({
      "id": "chatcmpl-77", "object": "chat.completion", "created": 1795224228,
      "model": "gpt-6-luna-2026-09-01", "service_tier": "default", "system_fingerprint": "fp_9",
      "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
                   "message": {"role": "assistant", "content": "[]", "refusal": null,
                               "annotations": []}}],
      "usage": {"prompt_tokens": 1500, "completion_tokens": 300, "total_tokens": 1800,
                "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 120, "audio_tokens": 0}}})");
  EXPECT_EQ(completion.text, "[]");
  EXPECT_EQ(completion.finish_reason, FinishReason::kStop);
  EXPECT_FALSE(completion.refused);
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 1500,
                                            .cached_input_tokens = 1024,
                                            .output_tokens = 300,
                                            .reasoning_tokens = 120}));
  EXPECT_EQ(completion.model, "gpt-6-luna-2026-09-01");
  EXPECT_EQ(completion.request_id, "chatcmpl-77");
}

TEST(OpenAiDecode, ReadsAnswersOfOtherServers) {
  const std::string_view bodies[] = {
      // Azure: results of its filter beside the answer
      R"({"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},
          "finish_reason":"stop","index":0,"message":{"content":"[]","role":"assistant"}}],
          "model":"m","prompt_filter_results":[{"prompt_index":0}],
          "usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}})",
      // vLLM: nulls where there is nothing
      R"({"id":"chatcmpl-1","model":"m","choices":[{"index":0,"message":{"role":"assistant",
          "reasoning_content":null,"content":"[]","tool_calls":[]},"logprobs":null,
          "finish_reason":"stop","stop_reason":null}],
          "usage":{"prompt_tokens":10,"total_tokens":12,"completion_tokens":2,
          "prompt_tokens_details":null},"prompt_logprobs":null})",
      // llama.cpp: timings
      R"({"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant",
          "content":"[]"}}],"created":1,"model":"m","object":"chat.completion",
          "usage":{"completion_tokens":2,"prompt_tokens":10,"total_tokens":12},
          "timings":{"prompt_n":10,"predicted_per_second":41.5}})",
      // Ollama
      R"({"id":"chatcmpl-5","object":"chat.completion","model":"m","system_fingerprint":"fp_o",
          "choices":[{"index":0,"message":{"role":"assistant","content":"[]"},
          "finish_reason":"stop"}],
          "usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}})",
      // Content in parts, and an error that is none
      R"({"error":null,"model":"m","choices":[{"finish_reason":"stop","message":
          {"content":[{"type":"text","text":"["},{"type":"text","text":"]"},7]}}],
          "usage":{"prompt_tokens":10,"completion_tokens":2}})",
  };
  for (const std::string_view body : bodies) {
    const Completion completion = DecodeCompletion(body);
    EXPECT_EQ(completion.text, "[]") << body;
    EXPECT_EQ(completion.finish_reason, FinishReason::kStop) << body;
    EXPECT_EQ(completion.model, "m") << body;
    EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 10, .output_tokens = 2})) << body;
  }
}

TEST(OpenAiDecode, ReadsTheFinishReason) {
  struct Case {
    std::string_view json;
    FinishReason reason;
  };
  const Case cases[] = {
      {R"("stop")", FinishReason::kStop},
      {R"("length")", FinishReason::kLength},
      {R"("content_filter")", FinishReason::kContentFilter},
      {R"("tool_calls")", FinishReason::kToolCalls},
      {R"("function_call")", FinishReason::kToolCalls},
      {R"("eos")", FinishReason::kUnknown},
      {R"("")", FinishReason::kUnknown},
      {"null", FinishReason::kUnknown},
      {"7", FinishReason::kUnknown},
  };
  for (const Case& c : cases) {
    const std::string choice =
        R"({"message":{"content":"x"},"finish_reason":)" + std::string(c.json) + "}";
    EXPECT_EQ(DecodeCompletion(WithChoice(choice)).finish_reason, c.reason) << c.json;
  }
}

TEST(OpenAiDecode, RefusalIsTold) {
  const Completion completion = DecodeCompletion(WithChoice(
      R"({"message":{"content":null,"refusal":"I can't do that."},"finish_reason":"stop"})"));
  EXPECT_TRUE(completion.refused);
  EXPECT_EQ(completion.text, "");
}

TEST(OpenAiDecode, TextMayBeMissing) {
  for (const std::string_view message :
       {"{}", R"({"content":null})", R"({"content":""})", R"({"content":[]})",
        R"({"content":{"text":"x"}})", R"({"content":7})", R"({"refusal":""})"}) {
    const Completion completion = DecodeCompletion(
        WithChoice(R"({"finish_reason":"length","message":)" + std::string(message) + "}"));
    EXPECT_EQ(completion.text, "") << message;
    EXPECT_FALSE(completion.refused) << message;
  }
}

TEST(OpenAiDecode, UsageThatMakesNoSenseIsUnknown) {
  for (const std::string_view usage :
       {"null", "{}", "[]", "7", R"({"prompt_tokens":1})", R"({"completion_tokens":1})",
        R"({"prompt_tokens":-1,"completion_tokens":1})",
        R"({"prompt_tokens":"1","completion_tokens":1})",
        R"({"prompt_tokens":1.5,"completion_tokens":1})",
        R"({"prompt_tokens":1,"completion_tokens":9999999999999})",
        R"({"prompt_tokens":1,"completion_tokens":99999999999999999999})"}) {
    const std::string body =
        R"({"choices":[{"message":{"content":"x"}}],"usage":)" + std::string(usage) + "}";
    EXPECT_EQ(DecodeCompletion(body).usage, std::nullopt) << usage;
  }
}

TEST(OpenAiDecode, DetailsNeverPassTheirWhole) {
  const Completion completion = DecodeCompletion(
      R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":10,
          "completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11},
          "completion_tokens_details":{"reasoning_tokens":"x"}}})");
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 10,
                                            .cached_input_tokens = 10,
                                            .output_tokens = 5,
                                            .reasoning_tokens = 0}));
}

TEST(OpenAiDecode, WhatIsWrittenToTheCacheIsAPartOfTheInput) {
  const Completion completion = DecodeCompletion(
      R"({"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":10,
          "completion_tokens":5,"prompt_tokens_details":{"cached_tokens":6,
          "cache_write_tokens":9}}})");
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 10,
                                            .cached_input_tokens = 6,
                                            .cache_write_tokens = 4,
                                            .output_tokens = 5}));
}

TEST(OpenAiDecode, RequestIdIsTheHeadersAndFitForLogs) {
  const auto request_id = [](const char* header) {
    const ports::HttpResponse response{.status = 200,
                                       .headers = {{"x-request-id", header}},
                                       .body = WithChoice(R"({"message":{}})")};
    return std::get<Completion>(CodecFor("openai")->Decode(response, {})).request_id;
  };
  EXPECT_EQ(request_id("req_42"), "req_42");
  EXPECT_EQ(request_id("two words"), "c-1");
  EXPECT_EQ(request_id(""), "c-1");
}

TEST(OpenAiDecode, WhatIsNoCompletionIsAProtocolFailureThatMayHaveCost) {
  for (const std::string_view body :
       {"", "OK", "<html></html>", "{", "[]", "null", "{}", R"({"choices":null})",
        R"({"choices":[]})", R"({"choices":{}})", R"({"choices":[null]})", R"({"choices":[{}]})",
        R"({"choices":[{"message":null}]})", R"({"choices":[{"message":"x"}]})",
        R"({"choices":[{"text":"x"}]})"}) {
    const auto decoded = Decode(body);
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << body;
    EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kProtocol) << body;
    EXPECT_TRUE(std::get<CallFailure>(decoded).maybe_billed) << body;
  }
}

TEST(OpenAiDecode, EveryCutOfAnAnswerIsAFailure) {
  const std::string body = R"({"choices":[{"message":{"content":"ä\n"}}],"usage":{}})";
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_TRUE(std::holds_alternative<CallFailure>(Decode(body.substr(0, length)))) << length;
  }
}

TEST(OpenAiDecode, ErrorInsideOf200IsAnError) {
  const auto decoded =
      Decode(R"({"error":"The prompt is longer than the model's context length.","choices":[]})");
  ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded));
  EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kContextTooLong);
}

TEST(OpenAiDecode, StatusOfAnErrorIsAnErrorWhateverTheBody) {
  const auto decoded = Decode(WithChoice(R"({"message":{"content":"x"}})"), 503);
  ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded));
  EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kOverloaded);
}

}  // namespace
}  // namespace llmbatch::providers
