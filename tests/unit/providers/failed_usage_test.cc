// What a provider reports to have used for a call that brought no completion.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <variant>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

enum class Told { kNot, kWhole, kInPart };

struct Row {
  const char* what;
  const char* api;
  std::string body;
  Told told;
  std::int64_t input = 0;
  std::int64_t output = 0;
  const char* tier = "";
};

const std::string kChatUsage =
    R"("service_tier":"flex","usage":{"prompt_tokens":70,"completion_tokens":9})";
const std::string kResponsesUsage =
    R"("service_tier":"flex","usage":{"input_tokens":70,"output_tokens":9})";
const std::string kGeminiUsage =
    R"("usageMetadata":{"promptTokenCount":70,"candidatesTokenCount":4,"thoughtsTokenCount":5})";
const std::string kMessageStart =
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\","
    "\"usage\":{\"input_tokens\":70,\"output_tokens\":1,\"service_tier\":\"batch\"}}}\n\n";
const std::string kMessageText =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":"
    "{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n";
const std::string kMessageDelta =
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
    "\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n";
const std::string kMessageError =
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n";

const Row kRows[] = {
    {"no choices", "openai", R"({"choices":[],)" + kChatUsage + "}", Told::kWhole, 70, 9, "flex"},
    {"no message", "openai", R"({"choices":[{"finish_reason":"stop"}],)" + kChatUsage + "}",
     Told::kWhole, 70, 9, "flex"},
    {"an error with status 200", "openai",
     R"({"error":{"code":"server_error","message":"m"},)" + kChatUsage + "}", Told::kWhole, 70, 9,
     "flex"},
    {"without usage", "openai", R"({"choices":[]})", Told::kNot},
    {"with usage that makes no sense", "openai",
     R"({"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":9}})", Told::kNot},
    {"no JSON", "openai", "{\"choices\":[],", Told::kNot},
    {"a failed response", "openai_responses",
     R"({"status":"failed","error":{"code":"server_error","message":"m"},"output":[],)" +
         kResponsesUsage + "}",
     Told::kWhole, 70, 9, "flex"},
    {"a cancelled one", "openai_responses",
     R"({"status":"cancelled","output":[],)" + kResponsesUsage + "}", Told::kWhole, 70, 9, "flex"},
    {"a failed one, streamed", "openai_responses",
     "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"status\":"
     "\"failed\",\"error\":{\"code\":\"server_error\"}," +
         kResponsesUsage + "}}\n\n",
     Told::kWhole, 70, 9, "flex"},
    {"no content", "anthropic",
     R"({"type":"message","usage":{"input_tokens":60,"cache_read_input_tokens":10,
         "output_tokens":9,"service_tier":"priority"}})",
     Told::kWhole, 70, 9, "priority"},
    {"a stream cut off at its end", "anthropic", kMessageStart + kMessageText + kMessageDelta,
     Told::kInPart, 70, 9, "batch"},
    {"a stream cut off early", "anthropic", kMessageStart, Told::kInPart, 70, 1, "batch"},
    {"an error after some text", "anthropic", kMessageStart + kMessageText + kMessageError,
     Told::kInPart, 70, 1, "batch"},
    {"an error before any text", "anthropic", kMessageStart + kMessageError, Told::kNot},
    {"no candidates", "gemini", "{" + kGeminiUsage + "}", Told::kWhole, 70, 9},
    {"a stream cut off", "gemini",
     "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"x\"}]}}]," + kGeminiUsage +
         "}\n\n",
     Told::kInPart, 70, 9},
};

TEST(FailedUsage, IsWhatTheProviderReports) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(std::string(row.api) + ": " + row.what);
    const auto decoded = CodecFor(row.api)->Decode({.status = 200, .body = row.body}, {});
    ASSERT_TRUE(std::holds_alternative<CallFailure>(decoded));
    const auto& failure = std::get<CallFailure>(decoded);
    ASSERT_EQ(failure.usage.has_value(), row.told != Told::kNot);
    if (!failure.usage) continue;
    EXPECT_EQ(failure.usage->input_tokens, row.input);
    EXPECT_EQ(failure.usage->output_tokens, row.output);
    EXPECT_EQ(failure.tier, row.tier);
    EXPECT_EQ(failure.usage_is_partial, row.told == Told::kInPart);
  }
}

}  // namespace
}  // namespace llmbatch::providers
