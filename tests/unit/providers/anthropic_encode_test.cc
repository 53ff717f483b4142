// What goes to Anthropic's Messages.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

using PromptCache = model::Provider::PromptCache;
using SchemaMode = model::Provider::SchemaMode;

constexpr std::string_view kOpenSchema =
    R"({"type":"object","required":["id"],"properties":{"id":{"type":"string"},)"
    R"("score":{"type":"integer","minimum":1}}})";
constexpr std::string_view kClosedSchema =
    R"({"type":"object","properties":{"id":{"type":"string"},)"
    R"("score":{"type":"integer","description":"minimum 1"}},"required":["id"],)"
    R"("additionalProperties":false})";

const Codec& Anthropic() { return *CodecFor("anthropic"); }

ChatRequest Request() {
  return {.model = "claude-haiku-5-5",
          .system = "You label conversations.",
          .messages = {{.role = Role::kUser, .text = "[{\"id\":\"a\"}]"}},
          .max_output_tokens = 4000};
}

std::string Body(const ChatRequest& request, const model::Provider& provider = {}) {
  return Anthropic().Encode(request, provider, std::chrono::seconds(1)).body;
}

TEST(AnthropicEncode, SendsNothingOptionalByItself) {
  EXPECT_EQ(Body(Request()),
            R"({"model":"claude-haiku-5-5","max_tokens":4000,"system":"You label conversations.",)"
            R"("messages":[{"role":"user","content":"[{\"id\":\"a\"}]"}]})");
}

TEST(AnthropicEncode, FillsTheHttpRequest) {
  const model::Provider provider{.name = "main",
                                 .api_version = "2023-06-01",
                                 .headers = {{.name = "anthropic-beta", .value = "x"}},
                                 .max_response_bytes = 1234};
  const ports::HttpRequest http =
      Anthropic().Encode(Request(), provider, std::chrono::seconds(600));
  EXPECT_EQ(http.provider, "main");
  EXPECT_EQ(http.path, "/v1/messages");
  EXPECT_EQ(http.headers, (std::vector<model::Header>{{"content-type", "application/json"},
                                                      {"anthropic-beta", "x"},
                                                      {"anthropic-version", "2023-06-01"}}));
  EXPECT_EQ(http.timeout, std::chrono::seconds(600));
  EXPECT_EQ(http.max_response_bytes, 1234);
}

TEST(AnthropicEncode, NamesTheUsualVersionWhereNoneIsConfigured) {
  const ports::HttpRequest http = Anthropic().Encode(Request(), {}, {});
  EXPECT_EQ(http.headers.back(), (model::Header{"anthropic-version", "2026-10-21"}));
  EXPECT_EQ(Anthropic().traits().api_version, "2026-10-21");
}

TEST(AnthropicEncode, HasALimitEvenForThoseWhoWantNone) {
  EXPECT_EQ(Body({.model = "m", .messages = {{.text = "hi"}}}),
            R"({"model":"m","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]})");
}

TEST(AnthropicEncode, KeepsTheTurnsInOrder) {
  const ChatRequest request{.model = "m",
                            .messages = {{.role = Role::kUser, .text = "1"},
                                         {.role = Role::kAssistant, .text = "2"},
                                         {.role = Role::kUser, .text = "3"}},
                            .max_output_tokens = 5};
  EXPECT_EQ(Body(request), R"({"model":"m","max_tokens":5,"messages":[)"
                           R"({"role":"user","content":"1"},{"role":"assistant","content":"2"},)"
                           R"({"role":"user","content":"3"}]})");
}

TEST(AnthropicEncode, AsksForTheSchemaInWhatTheApiTakes) {
  ChatRequest request = Request();
  request.response_schema_json = kOpenSchema;
  EXPECT_TRUE(
      Body(request).ends_with(R"(],"output_config":{"format":{"type":"json_schema","schema":)" +
                              std::string(kClosedSchema) + "}}}"))
      << Body(request);
  EXPECT_EQ(Body(request, {.schema_mode = SchemaMode::kNone}), Body(Request()));
}

TEST(AnthropicEncode, SchemaThatCannotBeToldIsLeftOut) {
  ChatRequest request = Request();
  request.response_schema_json = R"({"type":"object","additionalProperties":{"type":"string"}})";
  EXPECT_EQ(Body(request), Body(Request()));
}

TEST(AnthropicEncode, CachesTheSystemTextWhereAsked) {
  const auto cached = [](std::string_view ttl) {
    return R"("system":[{"type":"text","text":"You label conversations.",)"
           R"("cache_control":{"type":"ephemeral","ttl":")" +
           std::string(ttl) + R"("}}],"messages")";
  };
  EXPECT_NE(Body(Request(), {.prompt_cache = PromptCache::kMinutes}).find(cached("5m")),
            std::string::npos);
  EXPECT_NE(Body(Request(), {.prompt_cache = PromptCache::kHour}).find(cached("1h")),
            std::string::npos);
  ChatRequest request = Request();
  request.system = "";
  EXPECT_EQ(Body(request, {.prompt_cache = PromptCache::kHour}), Body(request));
}

TEST(AnthropicEncode, ParametersGoIntoTheBodyAsTheyAre) {
  ChatRequest request = Request();
  request.parameters_json =
      R"({"thinking":{"type":"disabled"},"output_config":{"effort":"low"},"service_tier":"auto"})";
  EXPECT_TRUE(Body(request).ends_with(R"(],"output_config":{"effort":"low"},)"
                                      R"("thinking":{"type":"disabled"},"service_tier":"auto"})"))
      << Body(request);
}

TEST(AnthropicEncode, ParametersAndSchemaShareOutputConfig) {
  ChatRequest request = Request();
  request.response_schema_json = kOpenSchema;
  request.parameters_json = R"({"output_config":{"effort":"low","format":{"type":"text"}}})";
  EXPECT_TRUE(Body(request).ends_with(
      R"("output_config":{"effort":"low","format":{"type":"json_schema","schema":)" +
      std::string(kClosedSchema) + "}}}"))
      << Body(request);
}

TEST(AnthropicEncode, ParametersNeverOverwriteWhatTheCodecWrites) {
  ChatRequest request = Request();
  for (const char* parameters :
       {R"({"model":"other"})", R"({"messages":[]})", R"({"max_tokens":1})", R"({"system":"x"})",
        R"({"stream":true})", R"({"output_config":7})", "[]", "no json", "7"}) {
    request.parameters_json = parameters;
    EXPECT_EQ(Body(request), Body(Request())) << parameters;
  }
}

TEST(AnthropicParameters, ReservedOnesAreRefusedByName) {
  for (const std::string name : {"model", "messages", "max_tokens", "system", "stream", "tools",
                                 "tool_choice", "output_format", "mcp_servers", "container"}) {
    const auto result = Anthropic().ValidateParameters("{\"x\":1,\"" + name + "\":null}", {});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_TRUE(result.error().message.starts_with("parameters." + name + ":")) << name;
  }
  const auto format = Anthropic().ValidateParameters(R"({"output_config":{"format":{}}})", {});
  ASSERT_FALSE(format.ok());
  EXPECT_TRUE(format.error().message.starts_with("parameters.output_config.format:"));
  EXPECT_FALSE(Anthropic().ValidateParameters(R"({"output_config":"low"})", {}).ok());
  EXPECT_TRUE(Anthropic().ValidateParameters(R"({"output_config":{"effort":"low"}})", {}).ok());
}

TEST(AnthropicParameters, SamplingIsForTheVersionsThatKnowIt) {
  const model::Provider before{.api_version = "2023-06-01"};
  for (const std::string name : {"temperature", "top_p", "top_k"}) {
    ChatRequest request = Request();
    request.parameters_json = "{\"" + name + "\":1}";
    EXPECT_FALSE(Anthropic().ValidateParameters(request.parameters_json, {}).ok()) << name;
    EXPECT_EQ(Body(request), Body(Request())) << name;
    EXPECT_TRUE(Anthropic().ValidateParameters(request.parameters_json, before).ok()) << name;
    EXPECT_TRUE(Body(request, before).ends_with(",\"" + name + "\":1}")) << name;
  }
}

}  // namespace
}  // namespace llmbatch::providers
