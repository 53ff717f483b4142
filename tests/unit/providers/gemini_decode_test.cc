// Answers as Gemini sends them.
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
  return CodecFor("gemini")->Decode({.status = status, .body = std::string(body)}, {});
}

Completion DecodeCompletion(std::string_view body) {
  const auto decoded = Decode(body);
  EXPECT_TRUE(std::holds_alternative<Completion>(decoded)) << body;
  return std::holds_alternative<Completion>(decoded) ? std::get<Completion>(decoded) : Completion{};
}

std::string WithCandidate(std::string_view candidate) {
  return R"({"candidates":[)" + std::string(candidate) + "]}";
}

std::string WithUsage(std::string_view usage) {
  return R"({"candidates":[{"content":{"parts":[{"text":"x"}]}}],"usageMetadata":)" +
         std::string(usage) + "}";
}

TEST(GeminiDecode, ReadsAFullAnswer) {
  const Completion completion = DecodeCompletion(R"({
      "candidates": [{"index": 0, "finishReason": "STOP", "safetyRatings": [],
                      "content": {"role": "model",
                                  "parts": [{"text": "[]", "thoughtSignature": "c2ln"}]}}],
      "usageMetadata": {"promptTokenCount": 1500, "cachedContentTokenCount": 1024,
                        "candidatesTokenCount": 300, "thoughtsTokenCount": 120,
                        "toolUsePromptTokenCount": 30, "totalTokenCount": 1950,
                        "trafficType": "ON_DEMAND"},
      "modelVersion": "gemini-3.8-flash", "responseId": "r-77"})");
  EXPECT_EQ(completion.text, "[]");
  EXPECT_EQ(completion.finish_reason, FinishReason::kStop);
  EXPECT_FALSE(completion.refused);
  EXPECT_EQ(completion.usage, (model::Usage{.input_tokens = 1530,
                                            .cached_input_tokens = 1024,
                                            .output_tokens = 420,
                                            .reasoning_tokens = 120}));
  EXPECT_EQ(completion.model, "gemini-3.8-flash");
  EXPECT_EQ(completion.request_id, "r-77");
}

TEST(GeminiDecode, ThoughtsAreNoPartOfTheText) {
  const Completion completion = DecodeCompletion(
      WithCandidate(R"({"finishReason":"STOP","content":{"parts":[{"text":"Hm.","thought":true},)"
                    R"({"text":"[","thought":false},{"functionCall":{}},7,{"text":"]"}]}})"));
  EXPECT_EQ(completion.text, "[]");
}

TEST(GeminiDecode, ContentAndPartsMayBeMissing) {
  for (const std::string_view content :
       {"", R"(,"content":null)", R"(,"content":{})", R"(,"content":{"role":"model"})",
        R"(,"content":{"parts":null})", R"(,"content":{"parts":[]})",
        R"(,"content":{"parts":[{}]})", R"(,"content":7)", R"(,"content":{"parts":"x"})"}) {
    const Completion completion = DecodeCompletion(
        WithCandidate(R"({"finishReason":"MAX_TOKENS")" + std::string(content) + "}"));
    EXPECT_EQ(completion.text, "") << content;
    EXPECT_EQ(completion.finish_reason, FinishReason::kLength) << content;
  }
}

TEST(GeminiDecode, ReadsTheFinishReason) {
  struct Case {
    std::string_view name;
    FinishReason reason;
  };
  const Case cases[] = {
      {"STOP", FinishReason::kStop},
      {"MAX_TOKENS", FinishReason::kLength},
      {"CONTINUATION", FinishReason::kLength},
      {"SAFETY", FinishReason::kContentFilter},
      {"RECITATION", FinishReason::kContentFilter},
      {"LANGUAGE", FinishReason::kContentFilter},
      {"BLOCKLIST", FinishReason::kContentFilter},
      {"PROHIBITED_CONTENT", FinishReason::kContentFilter},
      {"SPII", FinishReason::kContentFilter},
      {"MODEL_ARMOR", FinishReason::kContentFilter},
      {"IMAGE_SAFETY", FinishReason::kContentFilter},
      {"MALFORMED_FUNCTION_CALL", FinishReason::kToolCalls},
      {"UNEXPECTED_TOOL_CALL", FinishReason::kToolCalls},
      {"OTHER", FinishReason::kUnknown},
      {"MALFORMED_RESPONSE", FinishReason::kUnknown},
      {"FINISH_REASON_UNSPECIFIED", FinishReason::kUnknown},
      {"SOMETHING_NEW", FinishReason::kUnknown},
      {"", FinishReason::kUnknown},
  };
  for (const Case& c : cases) {
    const std::string candidate = R"({"finishReason":")" + std::string(c.name) + "\"}";
    EXPECT_EQ(DecodeCompletion(WithCandidate(candidate)).finish_reason, c.reason) << c.name;
  }
  for (const std::string_view candidate :
       {"{}", R"({"finishReason":null})", R"({"finishReason":7})"}) {
    EXPECT_EQ(DecodeCompletion(WithCandidate(candidate)).finish_reason, FinishReason::kUnknown);
  }
}

TEST(GeminiDecode, BlockedPromptIsARefusal) {
  for (const std::string reason :
       {"SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "MODEL_ARMOR", "NEW_ONE"}) {
    for (const std::string_view candidates : {"", R"("candidates":[],)"}) {
      const Completion completion = DecodeCompletion(
          "{" + std::string(candidates) + R"("promptFeedback":{"blockReason":")" + reason +
          R"("},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9}})");
      EXPECT_TRUE(completion.refused) << reason;
      EXPECT_EQ(completion.finish_reason, FinishReason::kContentFilter) << reason;
      EXPECT_EQ(completion.usage, model::Usage{.input_tokens = 9}) << reason;
    }
  }
}

TEST(GeminiDecode, FeedbackBesideAnAnswerBlocksNothing) {
  const Completion completion =
      DecodeCompletion(R"({"candidates":[{"finishReason":"STOP","content":{"parts":
                           [{"text":"x"}]}}],"promptFeedback":{"safetyRatings":[]}})");
  EXPECT_FALSE(completion.refused);
  EXPECT_EQ(completion.text, "x");
}

TEST(GeminiDecode, WhatIsZeroMayBeLeftOutOfUsage) {
  EXPECT_EQ(DecodeCompletion(WithUsage(R"({"promptTokenCount":10})")).usage,
            (model::Usage{.input_tokens = 10}));
  EXPECT_EQ(DecodeCompletion(WithUsage(R"({"promptTokenCount":10,"thoughtsTokenCount":5})")).usage,
            (model::Usage{.input_tokens = 10, .output_tokens = 5, .reasoning_tokens = 5}));
  EXPECT_EQ(
      DecodeCompletion(WithUsage(R"({"promptTokenCount":10,"cachedContentTokenCount":11})")).usage,
      (model::Usage{.input_tokens = 10, .cached_input_tokens = 10}));
}

TEST(GeminiDecode, UsageThatMakesNoSenseIsUnknown) {
  for (const std::string_view usage :
       {"null", "{}", "[]", "7", R"({"candidatesTokenCount":1})", R"({"promptTokenCount":-1})",
        R"({"promptTokenCount":"1"})", R"({"promptTokenCount":1,"candidatesTokenCount":-1})",
        R"({"promptTokenCount":1,"thoughtsTokenCount":"x"})",
        R"({"promptTokenCount":1,"candidatesTokenCount":9999999999999})"}) {
    EXPECT_EQ(DecodeCompletion(WithUsage(usage)).usage, std::nullopt) << usage;
  }
}

TEST(GeminiDecode, WhatIsNoAnswerIsAProtocolFailureThatMayHaveCost) {
  for (const std::string_view body :
       {"", "OK", "<html></html>", "{", "[]", "null", "{}", R"({"candidates":null})",
        R"({"candidates":[]})", R"({"candidates":{}})", R"({"candidates":[null]})",
        R"({"candidates":[7]})", R"({"promptFeedback":{}})",
        R"({"candidates":[],"promptFeedback":{"blockReason":""}})",
        R"([{"candidates":[{"finishReason":"STOP"}]}])"}) {
    const auto decoded = Decode(body);
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << body;
    EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kProtocol) << body;
    EXPECT_TRUE(std::get<CallFailure>(decoded).maybe_billed) << body;
  }
}

TEST(GeminiDecode, EveryCutOfAnAnswerIsAFailure) {
  const std::string body = WithUsage(R"({"promptTokenCount":10})");
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_TRUE(std::holds_alternative<CallFailure>(Decode(body.substr(0, length)))) << length;
  }
}

TEST(GeminiDecode, ErrorsMayStandInAList) {
  for (const std::string_view body :
       {R"({"error":{"code":503,"status":"UNAVAILABLE","message":"m"}})",
        R"([{"error":{"code":503,"status":"UNAVAILABLE","message":"m"}}])"}) {
    for (const int status : {200, 503}) {
      const auto decoded = Decode(body, status);
      ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded)) << body;
      EXPECT_EQ(std::get<CallFailure>(decoded).cls, FailureClass::kOverloaded) << body;
    }
  }
}

TEST(GeminiRateLimits, AreNotTold) {
  const RateLimits limits = CodecFor("gemini")->RateLimitsOf(
      {.status = 200, .headers = {{"x-ratelimit-remaining-requests", "7"}}}, {});
  EXPECT_EQ(limits.requests.remaining, std::nullopt);
}

}  // namespace
}  // namespace llmbatch::providers
