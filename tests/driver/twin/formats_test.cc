// The wire formats but for chat completions: what they ask, answer and refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "twin/json.h"
#include "twin/twin.h"

namespace llmbatch::twin {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr base::Now kNow{.steady = base::Timestamp(1h), .wall = base::WallTime(1'795'000'000s)};

struct Format {
  const char* name;
  const char* path;
  const char* request;  // with two items in the last turn of the user
  const char* text;     // where the answer's text stands
  const char* finish;
  const char* input_tokens;
  const char* output_tokens;
};

constexpr Format kResponses{
    .name = "Responses",
    .path = "/v1/responses",
    .request =
        R"({"model":"m","instructions":"abcd","input":[{"role":"user","content":"[{\"id\":\"n1\",\"text\":\"one\"},{\"id\":\"n2\",\"text\":\"two\"}]"}]})",
    .text = "/output/1/content/0/text",
    .finish = "/status",
    .input_tokens = "/usage/input_tokens",
    .output_tokens = "/usage/output_tokens"};
constexpr Format kAnthropic{
    .name = "Anthropic",
    .path = "/v1/messages",
    .request =
        R"({"model":"m","max_tokens":500,"system":[{"type":"text","text":"abcd"}],"messages":[{"role":"user","content":"[{\"id\":\"n1\",\"text\":\"one\"},{\"id\":\"n2\",\"text\":\"two\"}]"}]})",
    .text = "/content/1/text",
    .finish = "/stop_reason",
    .input_tokens = "/usage/input_tokens",
    .output_tokens = "/usage/output_tokens"};
constexpr Format kGemini{
    .name = "Gemini",
    .path = "/v1beta/models/m:generateContent",
    .request =
        R"({"systemInstruction":{"parts":[{"text":"abcd"}]},"contents":[{"role":"user","parts":[{"text":"[{\"id\":\"n1\",\"text\":\"one\"},"},{"text":"{\"id\":\"n2\",\"text\":\"two\"}]"}]}]})",
    .text = "/candidates/0/content/parts/1/text",
    .finish = "/candidates/0/finishReason",
    .input_tokens = "/usageMetadata/promptTokenCount",
    .output_tokens = "/usageMetadata/candidatesTokenCount"};

// What a JSON pointer names, as text or as JSON.
std::string At(const std::string& json, std::string_view path) {
  const auto document = ParseJson(json);
  if (!document) return "(no JSON)";
  const JsonValue* value = &*document;
  while (!path.empty() && value != nullptr) {
    path.remove_prefix(1);
    const std::string step(path.substr(0, path.find('/')));
    path.remove_prefix(step.size());
    if (value->IsArray()) {
      const auto index = static_cast<rapidjson::SizeType>(std::stoul(step));
      value = index < value->Size() ? &(*value)[index] : nullptr;
    } else {
      value = Find(*value, step.c_str());
    }
  }
  if (value == nullptr) return "(none)";
  return value->IsString() ? std::string(TextOf(*value)) : ToJson(*value);
}

class FormatsTest : public ::testing::Test {
 protected:
  Reply Ask(const char* path, std::string_view body) {
    Reply reply = twin_.Receive(path, {}, body, kNow);
    twin_.Finished(reply.sequence, Delivery::kDone, kNow.steady);
    return reply;
  }
  Reply Ask(const Format& format) { return Ask(format.path, format.request); }
  Reply AskWith(const Format& format, const std::string& fault) {
    const auto applied = twin_.ApplyScript(R"({"next":[{"fault":")" + fault + "\"}]}", kNow.steady);
    EXPECT_TRUE(applied.ok());
    return Ask(format);
  }
  static std::string Header(const Reply& reply, std::string_view wanted) {
    for (const auto& [name, value] : reply.headers) {
      if (name == wanted) return value;
    }
    return "(none)";
  }

  Twin twin_{Behaviour{}, 100, kNow.steady};
};

class EveryFormat : public FormatsTest, public ::testing::WithParamInterface<Format> {};

TEST_P(EveryFormat, AnswersEveryItemAndCharges) {
  const Reply reply = Ask(GetParam());
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(At(reply.body, GetParam().text), HasSubstr(R"([{"id":"n1",)"));
  EXPECT_THAT(At(reply.body, GetParam().text), HasSubstr(R"({"id":"n2",)"));
  // 4 characters of the system, 51 of the user, and 4 tokens a message.
  EXPECT_EQ(At(reply.body, GetParam().input_tokens), "22");
  EXPECT_NE(At(reply.body, GetParam().output_tokens), "(none)");
  EXPECT_EQ(twin_.journal().open_requests(), 0U);
}

TEST_P(EveryFormat, RefusesWhatItCannotRead) {
  for (const char* body : {"", "no", "{}", "[]", R"({"model":7})", R"({"contents":[]})"}) {
    EXPECT_EQ(Ask(GetParam().path, body).status, 400) << body;
  }
}

TEST_P(EveryFormat, LeavesUsageOutWhereAsked) {
  EXPECT_EQ(At(AskWith(GetParam(), "no_usage").body, GetParam().input_tokens), "(none)");
}

INSTANTIATE_TEST_SUITE_P(Formats, EveryFormat, ::testing::Values(kResponses, kAnthropic, kGemini),
                         [](const auto& param) { return param.param.name; });

TEST_F(FormatsTest, TellsHowAnAnswerEndedInEachFormatsWords) {
  struct Case {
    const Format& format;
    const char* fault;
    const char* path;
    const char* value;
  };
  const Case cases[] = {
      {kResponses, "none", kResponses.finish, "completed"},
      {kResponses, "truncated", kResponses.finish, "incomplete"},
      {kResponses, "truncated", "/incomplete_details/reason", "max_output_tokens"},
      {kResponses, "content_filter", "/incomplete_details/reason", "content_filter"},
      {kResponses, "refusal", "/output/1/content/0/type", "refusal"},
      {kAnthropic, "none", kAnthropic.finish, "end_turn"},
      {kAnthropic, "truncated", kAnthropic.finish, "max_tokens"},
      {kAnthropic, "content_filter", kAnthropic.finish, "refusal"},
      {kAnthropic, "refusal", kAnthropic.finish, "refusal"},
      {kGemini, "none", kGemini.finish, "STOP"},
      {kGemini, "truncated", kGemini.finish, "MAX_TOKENS"},
      {kGemini, "refusal", kGemini.finish, "SAFETY"},
      {kGemini, "refusal", "/candidates/0/content/parts", "(none)"},
      {kGemini, "empty", "/candidates/0/content/parts", "(none)"},
      {kGemini, "content_filter", "/candidates", "(none)"},
      {kGemini, "content_filter", "/promptFeedback/blockReason", "PROHIBITED_CONTENT"},
  };
  for (const Case& c : cases) {
    const Reply reply = AskWith(c.format, c.fault);
    EXPECT_EQ(reply.status, 200) << c.format.name << ' ' << c.fault;
    EXPECT_EQ(At(reply.body, c.path), c.value) << c.format.name << ' ' << c.fault;
  }
}

TEST_F(FormatsTest, TellsErrorsInEachFormatsWords) {
  struct Case {
    const Format& format;
    const char* fault;
    int status;
    const char* path;
    const char* begin;
  };
  const Case cases[] = {
      {kResponses, "429", 429, "/error/code", "rate_limit_exceeded"},
      {kResponses, "error_in_200", 200, "/error/type", "server_error"},
      {kAnthropic, "429", 429, "/error/type", "rate_limit_error"},
      {kAnthropic, "529", 529, "/error/type", "overloaded_error"},
      {kAnthropic, "slow_down", 529, "/error/type", "overloaded_error"},
      {kAnthropic, "500", 500, "/error/type", "api_error"},
      {kAnthropic, "422", 422, "/error/type", "invalid_request_error"},
      {kAnthropic, "insufficient_quota", 429, "/error/details/error_code", "enforced_spend_limit"},
      {kAnthropic, "context_length_exceeded", 400, "/error/message", "prompt is too long"},
      {kAnthropic, "error_in_200", 200, "/type", "error"},
      {kGemini, "429", 429, "/error/status", "RESOURCE_EXHAUSTED"},
      {kGemini, "429", 429, "/error/details/1/retryDelay", "1.000s"},
      {kGemini, "503", 503, "/error/status", "UNAVAILABLE"},
      {kGemini, "500", 500, "/error/status", "INTERNAL"},
      {kGemini, "insufficient_quota", 429, "/error/details/0/violations/0/quotaId",
       "GenerateRequestsPerDay"},
      {kGemini, "insufficient_quota", 429, "/error/details/1", "(none)"},
      {kGemini, "context_length_exceeded", 400, "/error/message",
       "The input token count exceeds the maximum number of tokens allowed"},
      {kGemini, "error_in_200", 200, "/error/status", "INTERNAL"},
  };
  for (const Case& c : cases) {
    const Reply reply = AskWith(c.format, c.fault);
    EXPECT_EQ(reply.status, c.status) << c.format.name << ' ' << c.fault;
    EXPECT_THAT(At(reply.body, c.path), StartsWith(c.begin)) << c.format.name << ' ' << c.fault;
  }
}

TEST_F(FormatsTest, TellsLimitsInEachFormatsHeaders) {
  ASSERT_TRUE(twin_.ApplyScript(R"({"requests_per_minute":60})", kNow.steady).ok());
  const Reply anthropic = Ask(kAnthropic);
  EXPECT_EQ(Header(anthropic, "anthropic-ratelimit-requests-limit"), "60");
  EXPECT_EQ(Header(anthropic, "anthropic-ratelimit-requests-remaining"), "59");
  EXPECT_EQ(Header(anthropic, "anthropic-ratelimit-requests-reset"), "2026-11-18T11:06:41.000Z");
  EXPECT_EQ(Header(anthropic, "x-ratelimit-limit-requests"), "(none)");
  EXPECT_THAT(Header(anthropic, "request-id"), StartsWith("req_"));
  EXPECT_EQ(Header(Ask(kResponses), "x-ratelimit-remaining-requests"), "58");
  EXPECT_THAT(Ask(kGemini).headers, ::testing::SizeIs(1));
}

TEST_F(FormatsTest, SaysWhenToComeBackInEachFormatsWay) {
  const Reply anthropic = AskWith(kAnthropic, "429");
  EXPECT_EQ(Header(anthropic, "retry-after"), "1");
  EXPECT_EQ(Header(anthropic, "retry-after-ms"), "(none)");
  EXPECT_EQ(Header(AskWith(kResponses, "429"), "retry-after-ms"), "1000");
  EXPECT_EQ(Header(AskWith(kGemini, "429"), "retry-after"), "(none)");
}

TEST_F(FormatsTest, LooksForTheKeyWhereEachFormatHasIt) {
  ASSERT_TRUE(twin_.ApplyScript(R"({"api_key":"k"})", kNow.steady).ok());
  const char* chat = "/v1/chat/completions";
  const char* azure = "/openai/v1/chat/completions";
  struct Case {
    const char* path;
    Headers headers;
    bool admitted;
  };
  const Case cases[] = {
      {chat, {{"authorization", "Bearer k"}}, true},
      {chat, {{"authorization", "k"}}, false},
      {chat, {{"api-key", "k"}}, false},
      {chat, {}, false},
      {azure, {{"api-key", "k"}}, true},
      {azure, {{"authorization", "Bearer k"}}, true},
      {azure, {{"api-key", "other"}}, false},
      {kResponses.path, {{"authorization", "Bearer k"}}, true},
      {kResponses.path, {{"x-api-key", "k"}}, false},
      {kAnthropic.path, {{"anthropic-version", "v"}, {"x-api-key", "k"}}, true},
      {kAnthropic.path, {{"anthropic-version", "v"}, {"authorization", "Bearer k"}}, true},
      {kAnthropic.path, {{"x-api-key", "k"}}, false},
      {kAnthropic.path, {{"anthropic-version", "v"}, {"x-api-key", "Bearer k"}}, false},
      {kGemini.path, {{"x-goog-api-key", "k"}}, true},
      {kGemini.path, {{"authorization", "Bearer k"}}, false},
  };
  for (const Case& c : cases) {
    // What is admitted is read then, and has nothing in it.
    const Reply reply = twin_.Receive(c.path, c.headers, "{}", kNow);
    EXPECT_EQ(reply.status, c.admitted ? 400 : 401) << c.path;
  }
}

std::string WithSchema(const Format& format, const std::string& member) {
  std::string request = format.request;
  return request.insert(1, member + ",");
}

TEST_F(FormatsTest, AnswersInTheAskedSchema) {
  const std::string schema =
      R"({"type":"object","additionalProperties":false,"required":["results"],"properties":{"results":{"type":"array","items":{"type":"object","additionalProperties":false,"required":["id","kind"],"properties":{"id":{"type":"string"},"kind":{"enum":["k"]}}}}}})";
  const std::string openapi =
      R"({"type":"OBJECT","properties":{"results":{"type":"ARRAY","items":{"type":"OBJECT","properties":{"id":{"type":"STRING"},"kind":{"type":"STRING","enum":["k"]}}}}}})";
  const std::string answer = R"({"results":[{"id":"n1","kind":"k"},{"id":"n2","kind":"k"}]})";
  const std::string mime = R"("responseMimeType":"application/json",)";
  EXPECT_EQ(At(Ask(kResponses.path,
                   WithSchema(kResponses,
                              R"("text":{"format":{"type":"json_schema","strict":true,"schema":)" +
                                  schema + "}}"))
                   .body,
               kResponses.text),
            answer);
  EXPECT_EQ(
      At(Ask(kAnthropic.path,
             WithSchema(kAnthropic, R"("output_config":{"format":{"type":"json_schema","schema":)" +
                                        schema + "}}"))
             .body,
         kAnthropic.text),
      answer);
  for (const std::string& member :
       {R"("responseJsonSchema":)" + schema, R"("responseSchema":)" + openapi}) {
    const std::string config = R"("generationConfig":{)";
    EXPECT_EQ(
        At(Ask(kGemini.path, WithSchema(kGemini, config + mime + member + "}")).body, kGemini.text),
        answer);
    EXPECT_EQ(Ask(kGemini.path, WithSchema(kGemini, config + member + "}")).status, 400);
  }
}

TEST_F(FormatsTest, RefusesSchemasThatAreNotClosed) {
  const std::string open = R"({"type":"object","properties":{"a":{"type":"string"}}})";
  const std::string optional =
      R"({"type":"object","additionalProperties":false,"properties":{"a":{"type":"string"}}})";
  const auto anthropic = [this](const std::string& schema) {
    return Ask(kAnthropic.path,
               WithSchema(kAnthropic, R"("output_config":{"format":{"schema":)" + schema + "}}"))
        .status;
  };
  const auto responses = [this](const std::string& schema, const std::string& strict) {
    return Ask(kResponses.path, WithSchema(kResponses, R"("text":{"format":{"strict":)" + strict +
                                                           R"(,"schema":)" + schema + "}}"))
        .status;
  };
  EXPECT_EQ(anthropic(open), 400);
  EXPECT_EQ(anthropic(optional), 200);
  EXPECT_EQ(responses(open, "true"), 400);
  EXPECT_EQ(responses(optional, "true"), 400);
  EXPECT_EQ(responses(open, "false"), 200);
  const std::string chat =
      R"({"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"strict":true,"schema":)";
  EXPECT_EQ(Ask("/v1/chat/completions", chat + open + "}}}").status, 400);
}

TEST_F(FormatsTest, AnotherFormatsRequestIsRefused) {
  EXPECT_EQ(Ask(kResponses.path, kAnthropic.request).status, 400);
  EXPECT_EQ(Ask(kAnthropic.path, kResponses.request).status, 400);
  EXPECT_EQ(Ask(kGemini.path, kAnthropic.request).status, 400);
  EXPECT_EQ(Ask("/v1/models/:generateContent", kGemini.request).status, 404);
}

TEST_F(FormatsTest, ChatCompletionsAreAlsoServedAtAzuresPath) {
  const char* path = "/openai/deployments/d/chat/completions";
  EXPECT_EQ(Ask(path, R"({"model":"d","messages":[{"role":"user","content":"x"}]})").status, 200);
}

}  // namespace
}  // namespace llmbatch::twin
