#include "twin/twin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr base::Now kNow{.steady = base::Timestamp(1h), .wall = base::WallTime(1'795'000'000s)};
constexpr std::string_view kPath = "/v1/chat/completions";
constexpr std::string_view kTwoItems =
    R"({"model":"m","messages":[{"role":"user","content":"Label [{\"id\":\"n1\",\"text\":\"one\"},{\"id\":\"n2\",\"text\":\"two\"}]"}]})";

class TwinTest : public ::testing::Test {
 protected:
  void Script(std::string_view script) {
    const auto applied = twin_.ApplyScript(script, kNow.steady);
    ASSERT_TRUE(applied.ok()) << applied.error().message;
  }
  // Asks and lets the answer be sent at once.
  Reply Ask(std::string_view body = kTwoItems) {
    Reply reply = twin_.Receive(kPath, {}, body, kNow);
    twin_.Finished(reply.sequence, Delivery::kDone, kNow.steady);
    return reply;
  }
  static std::string Header(const Reply& reply, std::string_view wanted) {
    for (const auto& [name, value] : reply.headers) {
      if (name == wanted) return value;
    }
    return "(none)";
  }

  Twin twin_{Behaviour{}, 100, kNow.steady};
};

// What a JSON pointer like "/choices/0/message/content" names, as text or as JSON.
std::string At(const std::string& json, std::string_view path) {
  const auto document = ParseJson(json);
  if (!document) return "(no JSON)";
  const JsonValue* value = &*document;
  while (!path.empty() && value != nullptr) {
    path.remove_prefix(1);
    const std::string step(path.substr(0, path.find('/')));
    path.remove_prefix(step.size());
    value = value->IsArray() ? &(*value)[0] : Find(*value, step.c_str());
  }
  if (value == nullptr) return "(none)";
  return value->IsString() ? std::string(TextOf(*value)) : ToJson(*value);
}

constexpr std::string_view kContent = "/choices/0/message/content";

TEST_F(TwinTest, AnswersEveryItemUnderItsId) {
  const Reply reply = Ask();
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(At(reply.body, kContent), HasSubstr(R"([{"id":"n1",)"));
  EXPECT_THAT(At(reply.body, kContent), HasSubstr(R"({"id":"n2",)"));
  EXPECT_EQ(At(reply.body, "/choices/0/finish_reason"), "stop");
  EXPECT_EQ(At(reply.body, "/model"), "m");
  EXPECT_EQ(At(reply.body, "/created"), "1795000000");
}

TEST_F(TwinTest, AnswersInTheAskedSchema) {
  const Reply reply = Ask(
      R"({"model":"m","messages":[{"role":"user","content":"[{\"id\":\"n1\",\"text\":\"one\"}]"}],
          "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":
          {"results":{"type":"array","items":{"type":"object","properties":{"id":{"type":"string"},"kind":{"const":"k"}}}}}}}}})");
  EXPECT_EQ(At(reply.body, kContent), R"({"results":[{"id":"n1","kind":"k"}]})");
}

TEST_F(TwinTest, LooksForItemsInTheLastUserMessageOnly) {
  const Reply reply = Ask(
      R"({"model":"m","messages":[{"role":"user","content":"[{\"id\":\"n1\",\"text\":\"one\"}]"},
          {"role":"user","content":[{"type":"text","text":"[{\"id\":\"n2\","},{"type":"text","text":"\"text\":\"two\"}]"}]},
          {"role":"assistant","content":"[{\"id\":\"n3\",\"text\":\"three\"}]"}]})");
  EXPECT_THAT(At(reply.body, kContent), HasSubstr(R"("id":"n2")"));
  EXPECT_THAT(At(reply.body, kContent), Not(HasSubstr(R"("id":"n1")")));
}

TEST_F(TwinTest, AnswersAPlainPromptWithASentence) {
  const Reply reply = Ask(R"({"model":"m","messages":[{"role":"user","content":"Hello?"}]})");
  EXPECT_THAT(At(reply.body, kContent), ::testing::EndsWith("."));
}

TEST_F(TwinTest, ChargesByCharacters) {
  Script(R"({"chars_per_token":2,"next":[{"answer":"abcdef"}]})");
  const Reply reply = Ask(R"({"model":"m","messages":[{"role":"user","content":"12345678"}]})");
  EXPECT_EQ(At(reply.body, "/usage/prompt_tokens"), "8");
  EXPECT_EQ(At(reply.body, "/usage/completion_tokens"), "3");
  EXPECT_EQ(At(reply.body, "/usage/total_tokens"), "11");
  EXPECT_EQ(At(reply.body, "/usage/prompt_tokens_details/cached_tokens"), "0");
}

TEST_F(TwinTest, CutsTheAnswerToItsTokenLimit) {
  const Reply reply = Ask(
      R"({"model":"m","max_completion_tokens":3,"messages":[{"role":"user","content":"Hello?"}]})");
  EXPECT_EQ(At(reply.body, "/choices/0/finish_reason"), "length");
  EXPECT_EQ(At(reply.body, "/usage/completion_tokens"), "3");
}

TEST_F(TwinTest, RefusesWhatItCannotRead) {
  for (const char* body : {"", "no", "{}", "[]", R"({"model":"m"})",
                           R"({"model":"m","messages":[]})", R"({"model":7,"messages":[{}]})"}) {
    const Reply reply = Ask(body);
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(At(reply.body, "/error/type"), "invalid_request_error") << body;
  }
  EXPECT_EQ(twin_.Receive("/v1/other", {}, kTwoItems, kNow).status, 404);
}

struct StreamedFormat {
  const char* path;
  const char* body;
  const char* end;    // the mark that the answer is whole
  const char* error;  // how an event begins that tells of an error
};

constexpr StreamedFormat kStreamed[] = {
    {"/v1/chat/completions",
     R"({"model":"m","stream":true,"messages":[{"role":"user","content":"Hello?"}]})",
     "data: [DONE]\n\n", "data: {\"error\""},
    {"/v1/responses", R"({"model":"m","stream":true,"input":"Hello?"})",
     "event: response.completed\n", "event: error\n"},
    {"/v1/messages",
     R"({"model":"m","stream":true,"max_tokens":99,"messages":[{"role":"user","content":"Hello?"}]})",
     "event: message_stop\n", "event: error\n"},
    {"/v1/models/m:streamGenerateContent",
     R"({"contents":[{"role":"user","parts":[{"text":"Hello?"}]}]})", "\"finishReason\":\"STOP\"",
     "data: {\"error\""},
};

TEST_F(TwinTest, StreamsAnswersWithAMarkAtTheirEnd) {
  for (const StreamedFormat& format : kStreamed) {
    SCOPED_TRACE(format.path);
    const auto body = [&](const std::string& fault) {
      EXPECT_TRUE(
          twin_.ApplyScript(R"({"next":[{"fault":")" + fault + R"("}]})", kNow.steady).ok());
      const Reply reply = twin_.Receive(format.path, {}, format.body, kNow);
      EXPECT_EQ(reply.status, 200);
      EXPECT_THAT(reply.headers, testing::Contains(std::pair<std::string, std::string>(
                                     "content-type", "text/event-stream")));
      EXPECT_TRUE(reply.body.empty() || reply.body.ends_with("\n\n"));
      return reply.body;
    };
    const auto has = [](const std::string& text) { return testing::HasSubstr(text); };
    EXPECT_THAT(body("none"), has(format.end));
    EXPECT_THAT(body("stream_cut"), testing::Not(has(format.end)));
    const std::string failed = body("stream_error");
    EXPECT_THAT(failed, has(format.error));
    EXPECT_THAT(failed, testing::Not(has(format.end)));
    EXPECT_THAT(body("stream_garbage"), has("data: {\"cut\": \n\n"));
  }
}

TEST_F(TwinTest, TellsTheUsageOfAChatsStreamOnlyIfAsked) {
  const auto body = [this](const std::string& options) {
    return Ask(R"({"model":"m","stream":true)" + options +
               R"(,"messages":[{"role":"user","content":"Hello?"}]})")
        .body;
  };
  EXPECT_THAT(body(""), testing::Not(testing::HasSubstr("prompt_tokens")));
  EXPECT_THAT(body(R"(,"stream_options":{"include_usage":true})"),
              testing::HasSubstr("prompt_tokens"));
}

TEST_F(TwinTest, TakesMessagesThatAreNotWhatTheyShouldBe) {
  EXPECT_EQ(Ask(R"({"model":"m","messages":[7,null,{"role":3,"content":{}},{"role":"user"},
                    {"role":"user","content":[1,{"text":2}]}],"response_format":[],"max_tokens":"x"})")
                .status,
            200);
}

TEST_F(TwinTest, AnswersErrorsAsTheProviderDoes) {
  struct Case {
    const char* fault;
    int status;
    const char* type;
    const char* code;
    const char* retry_after;
  };
  const Case cases[] = {
      {"429", 429, "requests", "rate_limit_exceeded", "1"},
      {"insufficient_quota", 429, "insufficient_quota", "insufficient_quota", "(none)"},
      {"context_length_exceeded", 400, "invalid_request_error", "context_length_exceeded",
       "(none)"},
      {"slow_down", 503, "service_unavailable_error", "slow_down", "(none)"},
      {"503", 503, "service_unavailable_error", "server_is_overloaded", "(none)"},
      {"500", 500, "server_error", "null", "(none)"},
      {"401", 401, "invalid_request_error", "invalid_api_key", "(none)"},
      {"error_in_200", 200, "server_error", "null", "(none)"}};
  for (const Case& one : cases) {
    Script(std::string(R"({"next":[{"fault":")") + one.fault + R"("}]})");
    const Reply reply = Ask();
    EXPECT_EQ(reply.status, one.status) << one.fault;
    EXPECT_EQ(At(reply.body, "/error/type"), one.type) << one.fault;
    EXPECT_EQ(At(reply.body, "/error/code"), one.code) << one.fault;
    EXPECT_EQ(Header(reply, "retry-after"), one.retry_after) << one.fault;
  }
}

TEST_F(TwinTest, TellsHowLongToWait) {
  Script(R"({"next":[{"fault":"429","retry_after_seconds":1.25}]})");
  const Reply reply = Ask();
  EXPECT_EQ(Header(reply, "retry-after"), "2");
  EXPECT_EQ(Header(reply, "retry-after-ms"), "1250");
}

TEST_F(TwinTest, RefusesAboveTheRateAndTellsWhatIsLeft) {
  Script(R"({"requests_per_minute":2})");
  EXPECT_EQ(Header(Ask(), "x-ratelimit-remaining-requests"), "1");
  EXPECT_EQ(Header(Ask(), "x-ratelimit-reset-requests"), "1m0s");
  const Reply refused = Ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(Header(refused, "retry-after"), "30");
  EXPECT_EQ(Header(refused, "x-ratelimit-limit-requests"), "2");
  EXPECT_EQ(Header(refused, "x-ratelimit-remaining-requests"), "0");
  EXPECT_EQ(Header(refused, "x-ratelimit-limit-tokens"), "(none)");
  EXPECT_EQ(At(refused.body, "/error/code"), "rate_limit_exceeded");
}

TEST_F(TwinTest, RefusesTokensAboveTheRate) {
  Script(R"({"tokens_per_minute":60})");
  EXPECT_EQ(Ask().status, 200);
  const Reply refused = Ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(At(refused.body, "/error/type"), "tokens");
  Script(R"({"tokens_per_minute":6})");
  EXPECT_EQ(Header(Ask(), "retry-after"), "(none)");
}

TEST_F(TwinTest, RefusesMoreRequestsAtATime) {
  Script(R"({"concurrency":1,"latency_ms":10})");
  const Reply first = twin_.Receive(kPath, {}, kTwoItems, kNow);
  EXPECT_EQ(Ask().status, 429);
  twin_.Finished(first.sequence, Delivery::kDone, kNow.steady);
  EXPECT_EQ(Ask().status, 200);
  EXPECT_THAT(twin_.journal().Lines(2, 1), HasSubstr(R"("fault":"concurrency")"));
}

TEST_F(TwinTest, SumsUpTheTokensOfAnswersOnly) {
  Script(R"({"next":[{"fault":"none"},{"fault":"500"},{"fault":"reset"}]})");
  const std::string prompt_tokens = At(Ask().body, "/usage/prompt_tokens");
  Ask();
  Ask();
  EXPECT_EQ(At(twin_.journal().Summary(kNow.steady), "/prompt_tokens"), prompt_tokens);
  EXPECT_EQ(At(twin_.journal().Summary(kNow.steady), "/requests"), "3");
}

TEST_F(TwinTest, RefusesAPromptAboveTheContextWindow) {
  Script(R"({"context_window":10})");
  const Reply reply = Ask();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(At(reply.body, "/error/code"), "context_length_exceeded");
  EXPECT_THAT(At(reply.body, "/error/message"), HasSubstr("is 10 tokens"));
}

TEST_F(TwinTest, MakesAWholeAnswerForTheWireToBreak) {
  Script(R"({"next":[{"fault":"close_mid_body"}]})");
  const Reply reply = Ask();
  EXPECT_EQ(reply.wire, FaultKind::kCloseMidBody);
  EXPECT_THAT(At(reply.body, kContent), HasSubstr(R"("id":"n1")"));
  EXPECT_THAT(twin_.journal().Lines(1, 1), HasSubstr(R"("status":0,"fault":"close_mid_body")"));
  EXPECT_THAT(twin_.journal().ItemsAsJson(), Not(HasSubstr(R"("answered":1)")));
}

TEST_F(TwinTest, TakesLongerForALongerAnswer) {
  Script(R"({"latency_ms":100,"latency_per_output_token_ms":10,"next":[{"answer":"12345678"}]})");
  EXPECT_EQ(Ask().delay, 120ms);
}

TEST_F(TwinTest, KeepsItsBehaviourWhenAScriptIsWrong) {
  Script(R"({"latency_ms":5})");
  EXPECT_FALSE(twin_.ApplyScript(R"({"latency_ms":9,"nonsense":1})", kNow.steady).ok());
  EXPECT_EQ(Ask().delay, 5ms);
}

TEST_F(TwinTest, GoesBackToTheFlagsWithAnEmptyScriptAndWithReset) {
  Script(R"({"latency_ms":5})");
  Script("{}");
  EXPECT_EQ(Ask().delay, 0ms);
  Script(R"({"latency_ms":5})");
  twin_.Reset(kNow.steady);
  EXPECT_EQ(Ask().delay, 0ms);
}

}  // namespace
}  // namespace llmbatch::twin
