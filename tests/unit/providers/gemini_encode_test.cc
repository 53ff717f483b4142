// What goes to Gemini's generateContent.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "providers/codec.h"

namespace llmbatch::providers {
namespace {

using SchemaMode = model::Provider::SchemaMode;

const Codec& Gemini() { return *CodecFor("gemini"); }

ChatRequest Request() {
  return {.model = "gemini-3.8-flash",
          .system = "You label conversations.",
          .messages = {{.role = Role::kUser, .text = "[{\"id\":\"a\"}]"}},
          .max_output_tokens = 4000};
}

std::string Body(const ChatRequest& request, const model::Provider& provider = {}) {
  return Gemini().Encode(request, provider, std::chrono::seconds(1)).body;
}

std::string Path(const std::string& model, const std::string& version = "") {
  ChatRequest request = Request();
  request.model = model;
  return Gemini().Encode(request, {.api_version = version}, {}).path;
}

TEST(GeminiEncode, SendsNothingOptionalByItself) {
  EXPECT_EQ(Body(Request()),
            R"({"systemInstruction":{"parts":[{"text":"You label conversations."}]},)"
            R"("contents":[{"role":"user","parts":[{"text":"[{\"id\":\"a\"}]"}]}],)"
            R"("generationConfig":{"maxOutputTokens":4000}})");
}

TEST(GeminiEncode, FillsTheHttpRequest) {
  const model::Provider provider{.name = "main", .max_response_bytes = 1234};
  const ports::HttpRequest http = Gemini().Encode(Request(), provider, std::chrono::seconds(600));
  EXPECT_EQ(http.provider, "main");
  EXPECT_EQ(http.path, "/v1/models/gemini-3.8-flash:generateContent");
  ASSERT_EQ(http.headers.size(), 1U);
  EXPECT_EQ(http.headers[0], (model::Header{"content-type", "application/json"}));
  EXPECT_EQ(http.timeout, std::chrono::seconds(600));
  EXPECT_EQ(http.max_response_bytes, 1234);
}

TEST(GeminiEncode, VersionAndModelStandInThePath) {
  EXPECT_EQ(Path("m", "v1"), "/v1/models/m:generateContent");
  EXPECT_EQ(Path("m", "v1beta"), "/v1beta/models/m:generateContent");
  EXPECT_EQ(Path("models/m"), "/v1/models/m:generateContent");
  EXPECT_EQ(Path("tunedModels/mine"), "/v1/tunedModels/mine:generateContent");
  EXPECT_EQ(Path("a/../b?c"), "/v1/models/a%2F..%2Fb%3Fc:generateContent");
}

TEST(GeminiEncode, LeavesOutWhatThereIsNot) {
  EXPECT_EQ(Body({.model = "m", .messages = {{.text = "hi"}}}),
            R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}]})");
}

TEST(GeminiEncode, TheAssistantIsCalledModel) {
  const ChatRequest request{.model = "m",
                            .messages = {{.role = Role::kUser, .text = "1"},
                                         {.role = Role::kAssistant, .text = "2"},
                                         {.role = Role::kUser, .text = "3"}}};
  EXPECT_EQ(Body(request), R"({"contents":[{"role":"user","parts":[{"text":"1"}]},)"
                           R"({"role":"model","parts":[{"text":"2"}]},)"
                           R"({"role":"user","parts":[{"text":"3"}]}]})");
}

TEST(GeminiEncode, AsksForTheSchemaAsConfigured) {
  ChatRequest request = Request();
  request.response_schema_json = R"({"type":"object","properties":{"a":{"type":"string"}}})";
  struct Case {
    SchemaMode mode;
    std::string_view added;
  };
  const Case cases[] = {
      {SchemaMode::kJsonSchema,
       R"(,"responseMimeType":"application/json","responseJsonSchema":{"type":"object",)"
       R"("properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false})"},
      {SchemaMode::kOpenApiSchema,
       R"(,"responseMimeType":"application/json","responseSchema":{"type":"OBJECT",)"
       R"("properties":{"a":{"type":"STRING"}},"required":[],"propertyOrdering":["a"]})"},
      {SchemaMode::kJsonObject, R"(,"responseMimeType":"application/json")"},
      {SchemaMode::kNone, ""},
  };
  for (const Case& c : cases) {
    const std::string body = Body(request, {.schema_mode = c.mode});
    EXPECT_TRUE(body.ends_with(R"("generationConfig":{"maxOutputTokens":4000)" +
                               std::string(c.added) + "}}"))
        << body;
  }
}

TEST(GeminiEncode, SchemaThatCannotBeToldInOpenApiLeavesSomeJson) {
  ChatRequest request = Request();
  request.response_schema_json = R"({"type":"object","additionalProperties":{"type":"string"}})";
  EXPECT_EQ(Body(request, {.schema_mode = SchemaMode::kOpenApiSchema}),
            Body(request, {.schema_mode = SchemaMode::kJsonObject}));
  const std::string body = Body(request, {.schema_mode = SchemaMode::kJsonSchema});
  EXPECT_NE(body.find(R"("responseJsonSchema":)" + request.response_schema_json), std::string::npos)
      << body;
}

TEST(GeminiEncode, ParametersGoIntoTheBodyAndIntoItsConfig) {
  ChatRequest request = Request();
  request.parameters_json =
      R"({"serviceTier":"flex","generationConfig":{"temperature":0.20,"maxOutputTokens":1,)"
      R"("thinkingConfig":{"thinkingLevel":"LOW"}}})";
  EXPECT_TRUE(
      Body(request).ends_with(R"("generationConfig":{"maxOutputTokens":4000,"temperature":0.20,)"
                              R"("thinkingConfig":{"thinkingLevel":"LOW"}},"serviceTier":"flex"})"))
      << Body(request);
}

TEST(GeminiParameters, ReservedOnesAreRefusedByName) {
  for (const std::string name : {"contents", "systemInstruction", "system_instruction", "tools",
                                 "toolConfig", "generation_config", "model"}) {
    const auto result = Gemini().ValidateParameters("{\"" + name + "\":null}", {});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_TRUE(result.error().message.starts_with("parameters." + name + ":")) << name;
  }
  for (const std::string name :
       {"maxOutputTokens", "max_output_tokens", "candidateCount", "responseMimeType",
        "responseSchema", "responseJsonSchema", "response_schema", "responseModalities"}) {
    const auto result =
        Gemini().ValidateParameters("{\"generationConfig\":{\"" + name + "\":null}}", {});
    ASSERT_FALSE(result.ok()) << name;
    EXPECT_TRUE(result.error().message.starts_with("parameters.generationConfig." + name + ":"));
  }
  EXPECT_TRUE(Gemini().ValidateParameters(R"({"generationConfig":{"seed":7}})", {}).ok());
  EXPECT_TRUE(Gemini().ValidateParameters(R"({"safetySettings":[]})", {}).ok());
}

}  // namespace
}  // namespace llmbatch::providers
