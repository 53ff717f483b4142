// Messages as Anthropic sends them.
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
  return CodecFor("anthropic")->Decode({.status = status, .body = std::string(body)}, {});
}

Completion DecodeCompletion(std::string_view body) {
  const auto decoded = Decode(body);
  EXPECT_TRUE(std::holds_alternative<Completion>(decoded)) << body;
  return std::holds_alternative<Completion>(decoded) ? std::get<Completion>(decoded) : Completion{};
}

std::string With(std::string_view name, std::string_view json) {
  return R"({"id":"msg_1","content":[{"type":"text","text":"x"}],")" + std::string(name) +
         "\":" + std::string(json) + "}";
}

TEST(AnthropicDecode, ReadsAFullAnswer) {
  const Completion completion = DecodeCompletion(R"({
      "id": "msg_017", "type": "message", "role": "assistant", "model": "claude-haiku-5-5",
      "content": [{"type": "text", "text": "[]"}],
      "stop_reason": "end_turn", "stop_sequence": null, "stop_details": null,
      "usage": {"input_tokens": 21, "cache_creation_input_tokens": 500,
                "cache_read_input_tokens": 18000,
                "cache_creation": {"ephemeral_5m_input_tokens": 400,
                                   "ephemeral_1h_input_tokens": 100},
                "output_tokens": 393, "output_tokens_details": {"thinking_tokens": 90},
                "service_tier": "standard", "inference_geo": "us"}})");
  EXPECT_EQ(completion.text, "[]");
  EXPECT_EQ(completion.finish_reason, FinishReason::kStop);
  EXPECT_FALSE(completion.refused);
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 18521,
                                            .cached_input_tokens = 18000,
                                            .cache_write_tokens = 500,
                                            .long_cache_write_tokens = 100,
                                            .output_tokens = 393,
                                            .reasoning_tokens = 90}));
  EXPECT_EQ(completion.model, "claude-haiku-5-5");
  EXPECT_EQ(completion.request_id, "msg_017");
}

TEST(AnthropicDecode, TextIsThatOfTheTextBlocks) {
  struct Case {
    std::string_view content;
    std::string_view text;
  };
  const Case cases[] = {
      {R"([{"type":"thinking","thinking":"hm","text":"no","signature":"s"},)"
       R"({"type":"text","text":"["},{"type":"redacted_thinking","data":"d"},)"
       R"({"type":"text","text":"]","citations":null}])",
       "[]"},
      {R"([{"type":"tool_use","name":"n","input":{}},{"type":"new_kind","text":"no"}])", ""},
      {R"([])", ""},
      {R"([null,7,"x",{},{"text":"no"},{"type":"text"},{"type":"text","text":7}])", ""},
  };
  for (const Case& c : cases) {
    const Completion completion =
        DecodeCompletion(R"({"stop_reason":"end_turn","content":)" + std::string(c.content) + "}");
    EXPECT_EQ(completion.text, c.text) << c.content;
  }
}

TEST(AnthropicDecode, ReadsTheStopReason) {
  struct Case {
    std::string_view json;
    FinishReason reason;
    bool refused = false;
  };
  const Case cases[] = {
      {R"("end_turn")", FinishReason::kStop},
      {R"("stop_sequence")", FinishReason::kStop},
      {R"("max_tokens")", FinishReason::kLength},
      {R"("model_context_window_exceeded")", FinishReason::kLength},
      {R"("pause_turn")", FinishReason::kLength},
      {R"("tool_use")", FinishReason::kToolCalls},
      {R"("refusal")", FinishReason::kContentFilter, true},
      {R"("something_new")", FinishReason::kUnknown},
      {R"("")", FinishReason::kUnknown},
      {"null", FinishReason::kUnknown},
      {"7", FinishReason::kUnknown},
  };
  for (const Case& c : cases) {
    const Completion completion = DecodeCompletion(With("stop_reason", c.json));
    EXPECT_EQ(completion.finish_reason, c.reason) << c.json;
    EXPECT_EQ(completion.refused, c.refused) << c.json;
  }
  EXPECT_EQ(DecodeCompletion(R"({"content":[]})").finish_reason, FinishReason::kUnknown);
}

TEST(AnthropicDecode, CacheCountersMayBeMissingOrNull) {
  for (const std::string_view usage :
       {R"({"input_tokens":10,"output_tokens":2})",
        R"({"input_tokens":10,"output_tokens":2,"cache_read_input_tokens":null,)"
        R"("cache_creation_input_tokens":null,"cache_creation":null})"}) {
    EXPECT_EQ(DecodeCompletion(With("usage", usage)).usage,
              (model::Usage{.input_tokens = 10, .output_tokens = 2}))
        << usage;
  }
}

TEST(AnthropicDecode, UsageThatMakesNoSenseIsUnknown) {
  for (const std::string_view usage :
       {"null", "{}", "[]", "7", R"({"input_tokens":1})", R"({"output_tokens":1})",
        R"({"input_tokens":-1,"output_tokens":1})", R"({"input_tokens":"1","output_tokens":1})",
        R"({"input_tokens":1,"output_tokens":9999999999999})",
        R"({"input_tokens":1,"output_tokens":1,"cache_read_input_tokens":-1})",
        R"({"input_tokens":1,"output_tokens":1,"cache_creation_input_tokens":"x"})"}) {
    EXPECT_EQ(DecodeCompletion(With("usage", usage)).usage, std::nullopt) << usage;
  }
}

TEST(AnthropicDecode, DetailsNeverPassTheirWhole) {
  const Completion completion = DecodeCompletion(
      With("usage", R"({"input_tokens":1,"output_tokens":5,"cache_creation_input_tokens":3,)"
                    R"("cache_creation":{"ephemeral_1h_input_tokens":9},)"
                    R"("output_tokens_details":{"thinking_tokens":6}})"));
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 4,
                                            .cache_write_tokens = 3,
                                            .long_cache_write_tokens = 3,
                                            .output_tokens = 5,
                                            .reasoning_tokens = 5}));
}

TEST(AnthropicDecode, RequestIdIsTheHeaders) {
  const ports::HttpResponse response{.status = 200,
                                     .headers = {{"request-id", "req_42"}},
                                     .body = R"({"id":"msg_1","content":[]})"};
  const auto decoded = CodecFor("anthropic")->Decode(response, {});
  EXPECT_EQ(std::get<Completion>(decoded).request_id, "req_42");
}

TEST(AnthropicDecode, WhatIsNoMessageIsAProtocolFailureThatMayHaveCost) {
  for (const std::string_view body :
       {"", "OK", "<html></html>", "{", "[]", "null", "{}", R"({"content":null})",
        R"({"content":"x"})", R"({"content":{}})", R"({"choices":[{"message":{}}]})"}) {
    const auto decoded = Decode(body);
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << body;
    EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kProtocol) << body;
    EXPECT_TRUE(std::get<CallFailure>(decoded).maybe_billed) << body;
  }
}

TEST(AnthropicDecode, EveryCutOfAnAnswerIsAFailure) {
  const std::string body = With("stop_reason", R"("end_turn")");
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_TRUE(std::holds_alternative<CallFailure>(Decode(body.substr(0, length)))) << length;
  }
}

TEST(AnthropicDecode, ErrorsAreErrorsWhateverTheStatus) {
  const std::string_view error =
      R"({"type":"error","error":{"type":"overloaded_error","message":"m"},"content":[]})";
  for (const int status : {200, 529}) {
    const auto decoded = Decode(error, status);
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << status;
    EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kOverloaded) << status;
  }
  EXPECT_TRUE(std::holds_alternative<CallFailure>(Decode(R"({"content":[]})", 503)));
}

TEST(AnthropicRateLimits, AreThoseOfItsOwnHeaders) {
  const ports::HttpResponse response{.status = 200,
                                     .headers = {{"anthropic-ratelimit-requests-remaining", "7"},
                                                 {"x-ratelimit-remaining-tokens", "9"}}};
  const RateLimits limits = CodecFor("anthropic")->RateLimitsOf(response, {});
  EXPECT_EQ(limits.requests.remaining, 7);
  EXPECT_EQ(limits.tokens.remaining, std::nullopt);
}

}  // namespace
}  // namespace llmbatch::providers
