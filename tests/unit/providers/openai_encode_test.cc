// What goes to a server that speaks OpenAI's chat completions.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

const Codec& OpenAi() { return *CodecFor("openai"); }

ChatRequest Request() {
  return {.model = "gpt-6-luna",
          .system = "You label conversations.",
          .messages = {{.role = Role::kUser, .text = "[{\"id\":\"a\"}]"}},
          .max_output_tokens = 4000};
}

std::string Body(const ChatRequest& request, const model::Provider& provider = {}) {
  return OpenAi().Encode(request, provider, std::chrono::seconds(1)).body;
}

TEST(OpenAiEncode, SendsNothingOptionalByItself) {
  EXPECT_EQ(Body(Request()),
            R"({"model":"gpt-6-luna","messages":[)"
            R"({"role":"system","content":"You label conversations."},)"
            R"({"role":"user","content":"[{\"id\":\"a\"}]"}],"max_completion_tokens":4000})");
}

TEST(OpenAiEncode, FillsTheHttpRequest) {
  const model::Provider provider{.name = "main", .max_response_bytes = 1234};
  const ports::HttpRequest http = OpenAi().Encode(Request(), provider, std::chrono::seconds(600));
  EXPECT_EQ(http.provider, "main");
  EXPECT_EQ(http.path, "/chat/completions");
  ASSERT_EQ(http.headers.size(), 1U);
  EXPECT_EQ(http.headers[0], (model::Header{"content-type", "application/json"}));
  EXPECT_EQ(http.timeout, std::chrono::seconds(600));
  EXPECT_EQ(http.max_response_bytes, 1234);
}

TEST(OpenAiEncode, LeavesOutAnEmptySystemTextAndNoLimit) {
  EXPECT_EQ(Body({.model = "m", .messages = {{.text = "hi"}}}),
            R"({"model":"m","messages":[{"role":"user","content":"hi"}]})");
}

TEST(OpenAiEncode, KeepsTheTurnsInOrder) {
  const ChatRequest request{.model = "m",
                            .messages = {{.role = Role::kUser, .text = "1"},
                                         {.role = Role::kAssistant, .text = "2"},
                                         {.role = Role::kUser, .text = "3"}}};
  EXPECT_EQ(Body(request), R"({"model":"m","messages":[{"role":"user","content":"1"},)"
                           R"({"role":"assistant","content":"2"},{"role":"user","content":"3"}]})");
}

TEST(OpenAiEncode, NamesAreTheProviders) {
  const model::Provider provider{.max_tokens_field = "max_tokens", .system_role = "developer"};
  const std::string body = Body(Request(), provider);
  EXPECT_NE(body.find(R"("max_tokens":4000)"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("role":"developer")"), std::string::npos) << body;
  EXPECT_EQ(body.find("max_completion_tokens"), std::string::npos) << body;
}

TEST(OpenAiEncode, AsksForTheSchemaAsTheProviderCan) {
  using SchemaMode = model::Provider::SchemaMode;
  ChatRequest request = Request();
  request.response_schema_json =
      R"({"type":"object","properties":{"id":{"type":"string"},"n":{"type":"integer"}},)"
      R"("required":["id"]})";
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonSchema})
                  .ends_with(R"(,"response_format":{"type":"json_schema","json_schema":)"
                             R"({"name":"answers","strict":true,"schema":{"type":"object",)"
                             R"("properties":{"id":{"type":"string"},)"
                             R"("n":{"type":["integer","null"]}},"required":["id","n"],)"
                             R"("additionalProperties":false}}}})"))
      << Body(request);
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonSchema, .strict_schema = false})
                  .ends_with(R"({"name":"answers","strict":false,"schema":)" +
                             request.response_schema_json + "}}}"));
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonObject})
                  .ends_with(R"(,"response_format":{"type":"json_object"}})"));
  EXPECT_TRUE(Body(request, {.schema_mode = SchemaMode::kJsonObjectSchema})
                  .ends_with(R"(,"response_format":{"type":"json_object","schema":)" +
                             request.response_schema_json + "}}"));
  EXPECT_EQ(Body(request, {.schema_mode = SchemaMode::kNone}), Body(Request()));
}

TEST(OpenAiEncode, SchemaThatCannotBeStrictGoesAsItIs) {
  ChatRequest request = Request();
  request.response_schema_json = R"({"type":"object"})";
  EXPECT_TRUE(
      Body(request).ends_with(R"({"name":"answers","strict":false,"schema":{"type":"object"}}}})"))
      << Body(request);
}

TEST(OpenAiEncode, SendsTheProvidersOwnHeaders) {
  const model::Provider provider{.headers = {{.name = "X-Title", .value = "jobs"}}};
  EXPECT_EQ(
      OpenAi().Encode(Request(), provider, {}).headers,
      (std::vector<model::Header>{{"content-type", "application/json"}, {"X-Title", "jobs"}}));
}

TEST(AzureOpenAiEncode, NamesTheDeploymentInThePathOrInTheBody) {
  struct Case {
    std::string_view version;
    std::string_view model;
    std::string_view path;
  };
  const Case cases[] = {
      {"", "labels", "/openai/v1/chat/completions"},
      {"v1", "labels", "/openai/v1/chat/completions"},
      {"2024-10-21", "labels",
       "/openai/deployments/labels/chat/completions?api-version=2024-10-21"},
      {"2024-10-21", "a/b c?ä",
       "/openai/deployments/a%2Fb%20c%3F%C3%A4/chat/completions?api-version=2024-10-21"},
  };
  for (const Case& c : cases) {
    ChatRequest request = Request();
    request.model = c.model;
    const model::Provider provider{.api_version = std::string(c.version)};
    const ports::HttpRequest http = CodecFor("azure_openai")->Encode(request, provider, {});
    EXPECT_EQ(http.path, c.path);
    EXPECT_EQ(http.body, Body(request));
  }
}

TEST(OpenAiEncode, ParametersGoIntoTheBodyAsTheyAre) {
  ChatRequest request = Request();
  request.parameters_json =
      R"({"reasoning_effort":"low","temperature":0.10,"metadata":{"job":["x",null]}})";
  EXPECT_TRUE(Body(request).ends_with(
      R"(,"reasoning_effort":"low","temperature":0.10,"metadata":{"job":["x",null]}})"))
      << Body(request);
}

TEST(OpenAiEncode, ParametersNeverOverwriteWhatTheCodecWrites) {
  ChatRequest request = Request();
  for (const char* parameters :
       {R"({"model":"other"})", R"({"messages":[]})", R"({"max_completion_tokens":1})",
        R"({"n":8})", R"({"stream":true})", "[]", "no json", "7"}) {
    request.parameters_json = parameters;
    EXPECT_EQ(Body(request), Body(Request())) << parameters;
  }
  request.parameters_json = R"({"limit":1})";
  EXPECT_EQ(Body(request, {.max_tokens_field = "limit"}),
            Body(Request(), {.max_tokens_field = "limit"}));
}

TEST(OpenAiParameters, FreeOnesAreAccepted) {
  for (const char* parameters : {"", "{}", R"({"reasoning_effort":"low","seed":7})"}) {
    EXPECT_TRUE(OpenAi().ValidateParameters(parameters, {}).ok()) << parameters;
  }
}

TEST(OpenAiParameters, ReservedOnesAreRefusedByName) {
  for (const std::string name :
       {"model", "messages", "stream", "stream_options", "n", "response_format", "max_tokens",
        "max_completion_tokens", "tools", "tool_choice", "functions", "function_call", "audio",
        "modalities"}) {
    const auto result = OpenAi().ValidateParameters("{\"seed\":1,\"" + name + "\":null}", {});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_TRUE(result.error().message.starts_with("parameters." + name + ":")) << name;
  }
}

TEST(OpenAiParameters, OnlyAnObjectWillDo) {
  for (const char* parameters : {"[]", "7", "null", "{", "{\"a\":1,\"a\":2}"}) {
    EXPECT_FALSE(OpenAi().ValidateParameters(parameters, {}).ok()) << parameters;
  }
}

TEST(Codecs, AreFoundByApi) {
  for (const std::string_view api : Apis()) EXPECT_NE(CodecFor(api), nullptr) << api;
  EXPECT_NE(CodecFor("openai"), nullptr);
  EXPECT_EQ(CodecFor("OpenAI"), nullptr);
  EXPECT_EQ(CodecFor(""), nullptr);
}

}  // namespace
}  // namespace llmbatch::providers
