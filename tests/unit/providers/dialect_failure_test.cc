// How errors of servers that speak like OpenAI's are judged, by bodies written after their
// documentation and reports.
#include <gtest/gtest.h>

#include "unit/providers/classify.h"

namespace llmbatch::providers {
namespace {

using enum FailureClass;

TEST(Classify, Vllm) {
  ExpectClasses({
      {400,
       R"({"error":{"message":"This model's maximum context length is 4096 tokens.",)"
       R"("type":"BadRequestError","param":null,"code":400}})",
       kContextTooLong},
      {400,
       R"({"object":"error","message":"max_tokens must be at least 1, got -186.",)"
       R"("type":"BadRequestError","param":null,"code":400})",
       kContextTooLong},
      {400,
       R"({"error":{"message":"max_tokens=9 cannot be greater than max_model_len=8",)"
       R"("type":"BadRequestError","param":null,"code":400}})",
       kContextTooLong},
      {404, R"({"error":{"message":"m","type":"NotFoundError","param":null,"code":404}})",
       kBadRequest},
      {500, R"({"error":{"message":"m","type":"InternalServerError","param":null,"code":500}})",
       kOverloaded},
  });
}

TEST(Classify, LlamaCpp) {
  ExpectClasses({
      {400,
       R"({"error":{"code":400,"message":"m","type":"exceed_context_size_error",)"
       R"("n_prompt_tokens":9412,"n_ctx":8192}})",
       kContextTooLong},
      {503, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
       kOverloaded},
      {401, R"({"error":{"code":401,"message":"m","type":"authentication_error"}})", kAuth},
  });
}

TEST(Classify, Ollama) {
  ExpectClasses({
      {503, R"({"error":{"message":"busy","type":"api_error","param":null,"code":null}})",
       kOverloaded},
      {404, R"({"error":"model not found"})", kBadRequest},
      {400, R"({"error":"the input exceeds the context window"})", kContextTooLong},
  });
}

TEST(Classify, LiteLlm) {
  ExpectClasses({
      {400,
       R"({"error":{"message":"litellm.ContextWindowExceededError: x","type":null,"param":null,)"
       R"("code":"400"}})",
       kContextTooLong},
      {429, R"({"error":{"message":"m","type":"throttling_error","param":null,"code":"429"}})",
       kRateLimited},
      {429,
       R"({"error":{"message":"Budget has been exceeded! Current cost: 10.51, Max budget: 10.00",)"
       R"("type":"budget_exceeded","param":null,"code":"429"}})",
       kQuotaExhausted},
      {429, R"({"error":{"message":"m","type":"budget_exceeded","param":null,"code":"429"}})",
       kQuotaExhausted},
      {400,
       R"({"error":{"message":"litellm.BadRequestError: OpenAIException - Budget has been )"
       R"(exceeded!","type":null,"param":null,"code":"400"}})",
       kQuotaExhausted},
      {429,
       R"({"error":{"message":"No deployments available - crossed budget: Exceeded budget for )"
       R"(deployment","type":"None","param":"None","code":"429"}})",
       kQuotaExhausted},
      {400,
       R"({"error":{"message":"litellm.ContentPolicyViolationError: litellm.BadRequestError: x",)"
       R"("type":null,"param":null,"code":"400"}})",
       kContentBlocked},
      {401, R"({"error":{"message":"m","type":"auth_error","param":"None","code":"401"}})", kAuth},
      {404,
       R"({"error":{"message":"litellm.NotFoundError: x","type":null,"param":null,"code":"404"}})",
       kBadRequest},
  });
}

TEST(Classify, OpenRouter) {
  ExpectClasses({
      {400, R"({"error":{"code":400,"message":"x is not a valid model ID"}})", kBadRequest},
      {400,
       R"({"error":{"code":400,"message":"This endpoint's maximum context length is 131072 )"
       R"(tokens. However, you requested about 200000 tokens"}})",
       kContextTooLong},
      {401, R"({"error":{"code":401,"message":"No auth credentials found"}})", kAuth},
      {402, R"({"error":{"code":402,"message":"Insufficient credits"}})", kQuotaExhausted},
      // One item's words; the key is as good as before.
      {403,
       R"({"error":{"code":403,"message":"m requires moderation. Your input was flagged for x.",)"
       R"("metadata":{"reasons":["x"],"flagged_input":"…","provider_name":"p"}}})",
       kContentBlocked},
      {403, R"({"error":{"code":403,"message":"Key limit exceeded"}})", kAuth},
      {408, R"({"error":{"code":408,"message":"m"}})", kOverloaded},
      {429, R"({"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min."}})",
       kRateLimited},
      {502, R"({"error":{"code":502,"message":"Provider returned error"}})", kOverloaded},
      {503, R"({"error":{"code":503,"message":"No instances available"}})", kOverloaded},
      // Once the model has begun, errors come with 200.
      {200, R"({"error":{"code":502,"message":"m","metadata":{"provider_name":"p"}}})",
       kOverloaded},
  });
}

TEST(Classify, Groq) {
  ExpectClasses({
      {400,
       R"({"error":{"message":"Failed to generate JSON. Please adjust your prompt.",)"
       R"("type":"invalid_request_error","code":"json_validate_failed",)"
       R"("failed_generation":"[{'id':"}})",
       kProtocol},
      {400,
       R"({"error":{"message":"Please reduce the length of the messages or completion.",)"
       R"("type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}})",
       kContextTooLong},
      {413,
       R"({"error":{"message":"Request too large for model `m` on tokens per minute (TPM): )"
       R"(Limit 6000, Requested 9000","type":"tokens","code":"rate_limit_exceeded"}})",
       kRequestTooLarge},
      {429,
       R"({"error":{"message":"Rate limit reached for model `m`. Please try again in 7.66s.",)"
       R"("type":"tokens","code":"rate_limit_exceeded"}})",
       kRateLimited},
      {498, R"({"error":{"message":"m","type":"flex_capacity_error","code":"capacity_exceeded"}})",
       kOverloaded},
  });
}

TEST(Classify, ErrorsInsideOf200) {
  ExpectClasses({
      // LM Studio
      {200, R"({"error":"Trying to keep 9000 tokens; this exceeds the available context size."})",
       kContextTooLong},
      // Gateways with the true status in the code
      {200, R"({"error":{"message":"m","code":429}})", kRateLimited},
      {200, R"({"error":{"message":"m","code":"502"}})", kOverloaded},
      {200, R"({"error":{"message":"m","code":400}})", kBadRequest},
      {200, R"({"error":{"message":"m","code":7}})", kProtocol},
      {200, R"({"error":{"message":"m"}})", kProtocol},
      {200, R"({"error":true})", kProtocol},
  });
}

}  // namespace
}  // namespace llmbatch::providers
