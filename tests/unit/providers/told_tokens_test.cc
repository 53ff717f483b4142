// What errors about the length of a prompt tell of it, by bodies written after documentation and
// reports.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "providers/codec.h"
#include "unit/providers/classify.h"

namespace llmbatch::providers {
namespace {

using Tokens = std::optional<std::int64_t>;

struct Told {
  std::string_view api;
  int status;
  std::string_view body;
  Tokens tokens;
};

constexpr Told kTold[] = {
    {"openai", 400,
     R"({"error":{"message":"This model's maximum context length is 128000 tokens. However, your )"
     R"(messages resulted in 150123 tokens. Please reduce the length of the messages.",)"
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
     150'123},
    {"openai", 400,
     R"({"error":{"message":"This model's maximum context length is 8192 tokens. However, your )"
     R"(messages resulted in 9010 tokens (9000 in the messages, 10 in the schemas).",)"
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
     9'010},
    {"openai_responses", 400,
     R"({"error":{"message":"Input tokens exceed the configured limit of 272000 tokens. Your )"
     R"(messages resulted in 300001 tokens.","type":"invalid_request_error","param":null,)"
     R"("code":"context_length_exceeded"}})",
     300'001},
    {"openai_responses", 200,
     R"({"id":"resp_1","object":"response","status":"failed","output":[],"error":{)"
     R"("code":"context_length_exceeded","message":"Your messages resulted in 300001 tokens."}})",
     300'001},
    {"azure_openai", 400,
     R"({"error":{"message":"This model's maximum context length is 4096 tokens. However, you )"
     R"(requested 5100 tokens (5000 in the messages, 100 in the completion).",)"
     R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
     5'000},
    {"anthropic", 400,
     R"({"type":"error","error":{"type":"invalid_request_error",)"
     R"("message":"prompt is too long: 210000 tokens > 200000 maximum"}})",
     210'000},
    {"anthropic", 400,
     R"({"type":"error","error":{"type":"invalid_request_error","message":"input length and )"
     R"(`max_tokens` exceed context limit: 189136 + 20000 > 204648, decrease input length"}})",
     189'136},
    {"gemini", 400,
     R"({"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum )"
     R"(number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}})",
     1'200'000},
    // vLLM
    {"openai", 400,
     R"({"error":{"message":"This model's maximum context length is 4096 tokens. However, you )"
     R"(requested 4600 tokens (4400 in the messages, 200 in the completion).",)"
     R"("type":"BadRequestError","param":null,"code":400}})",
     4'400},
    {"openai", 400,
     R"({"error":{"message":"'max_tokens' is too large: 4000. This model's maximum context )"
     R"(length is 4096 tokens and your request has 1200 input tokens.",)"
     R"("type":"BadRequestError","param":null,"code":400}})",
     1'200},
    // llama.cpp, in words and as a number
    {"openai", 400,
     R"({"error":{"code":400,"message":"request (9412 tokens) exceeds the available context )"
     R"(size (8192 tokens), try increasing it","type":"exceed_context_size_error"}})",
     9'412},
    {"openai", 400,
     R"({"error":{"code":400,"message":"m","type":"exceed_context_size_error",)"
     R"("n_prompt_tokens":9412,"n_ctx":8192}})",
     9'412},
    // LM Studio answers with status 200.
    {"openai", 200,
     R"({"error":{"message":"Your messages resulted in 5000 tokens","code":null,)"
     R"("type":"context_length_exceeded"}})",
     5'000},
    // Not told, or no number of tokens.
    {"openai", 400,
     R"({"error":{"message":"This model's maximum context length is 4096 tokens.","code":400}})",
     std::nullopt},
    {"openai", 400,
     R"({"error":{"message":"maximum context length; your messages resulted in  tokens"}})",
     std::nullopt},
    {"openai", 400,
     R"({"error":{"message":"maximum context length; your messages resulted in -5 tokens"}})",
     std::nullopt},
    {"openai", 400,
     R"({"error":{"message":"maximum context length; messages resulted in 0 tokens"}})",
     std::nullopt},
    {"openai", 400,
     R"({"error":{"message":"maximum context length; messages resulted in 99999999999 tokens"}})",
     std::nullopt},
    {"openai", 400, R"({"error":{"message":"maximum context length","n_prompt_tokens":-1}})",
     std::nullopt},
    // Another error that speaks of tokens.
    {"openai", 429,
     R"({"error":{"message":"Rate limit; your messages resulted in 5000 tokens",)"
     R"("type":"tokens","code":"rate_limit_exceeded"}})",
     std::nullopt},
};

TEST(ToldPromptTokens, AreReadFromWhatEachProviderSays) {
  for (const Told& told : kTold) {
    const auto decoded = CodecFor(told.api)->Decode(
        ports::HttpResponse{.status = told.status, .body = std::string(told.body)}, {});
    const auto* failure = std::get_if<CallFailure>(&decoded);
    ASSERT_NE(failure, nullptr) << told.body;
    EXPECT_EQ(failure->prompt_tokens, told.tokens) << told.body;
  }
}

}  // namespace
}  // namespace llmbatch::providers
