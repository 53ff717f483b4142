// How errors of providers are judged, and what follows.
#include "providers/failure.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unit/providers/classify.h"

namespace llmbatch::providers {
namespace {

using enum FailureClass;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Classify, OpenAi) {
  ExpectClasses({
      {400,
       R"({"error":{"message":"Too many tokens.","type":"invalid_request_error",)"
       R"("param":"messages","code":"context_length_exceeded"}})",
       kContextTooLong},
      {400,
       R"({"error":{"message":"Input tokens exceed the configured limit of 272000 tokens.",)"
       R"("type":"invalid_request_error","param":null,"code":null}})",
       kContextTooLong},
      {400,
       R"({"error":{"message":"Unsupported parameter: 'max_tokens'.",)"
       R"("type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}})",
       kBadRequest},
      {400,
       R"({"error":{"message":"Text is past the maximum context length of this field.",)"
       R"("type":"invalid_request_error","param":"user","code":"string_above_max_length"}})",
       kBadRequest},
      {400, R"({"error":{"message":"No.","type":"invalid_request_error","code":"invalid_prompt"}})",
       kContentBlocked},
      {401,
       R"({"error":{"message":"Bad key sk-1.","type":"invalid_request_error",)"
       R"("code":"invalid_api_key"}})",
       kAuth},
      {403, R"({"error":{"message":"Region.","type":"request_forbidden","code":null}})", kAuth},
      {404,
       R"({"error":{"message":"No model.","type":"invalid_request_error",)"
       R"("code":"model_not_found"}})",
       kBadRequest},
      {429,
       R"({"error":{"message":"Limit 3500.","type":"requests","param":null,)"
       R"("code":"rate_limit_exceeded"}})",
       kRateLimited},
      {429,
       R"({"error":{"message":"Request too large for m on tokens per min: Limit 30000.",)"
       R"("type":"tokens","param":null,"code":"rate_limit_exceeded"}})",
       kRequestTooLarge},
      {429, R"({"error":{"message":"m","type":"service_unavailable_error","code":"slow_down"}})",
       kOverloaded},
      {500, R"({"error":{"message":"m","type":"server_error","code":null}})", kOverloaded},
      {503,
       R"({"error":{"message":"m","type":"service_unavailable_error",)"
       R"("code":"server_is_overloaded"}})",
       kOverloaded},
      {200, R"({"error":{"message":"m","type":"server_error","code":null}})", kOverloaded},
  });
}

TEST(Classify, MoneyThatIsUsedUpIsNoRateLimit) {
  for (const std::string code :
       {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded"}) {
    ExpectClasses(
        {{429, R"({"error":{"message":"m","type":"rate_limit_error","code":")" + code + "\"}}",
          kQuotaExhausted}});
  }
  ExpectClasses({{429, R"({"error":{"message":"m","type":"insufficient_quota","code":"new"}})",
                  kQuotaExhausted},
                 {402, R"({"error":{"message":"m"}})", kQuotaExhausted}});
}

TEST(Classify, Azure) {
  ExpectClasses({
      {429,
       R"({"error":{"code":"429","message":"Over the token rate limit. Retry after 22 seconds."}})",
       kRateLimited},
      {400,
       R"({"error":{"message":"m","type":null,"param":"prompt","code":"content_filter",)"
       R"("status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}})",
       kContentBlocked},
      {400,
       R"({"error":{"message":"m","code":"BadRequest",)"
       R"("inner_error":{"code":"content_policy_violation"}}})",
       kContentBlocked},
      {404, R"({"error":{"code":"DeploymentNotFound","message":"m"}})", kBadRequest},
      {401, R"({"statusCode":401,"message":"Unauthorized."})", kAuth},
      {408, R"({"error":{"code":"Timeout","message":"m"}})", kOverloaded},
  });
}

TEST(Classify, Anthropic) {
  ExpectClasses({
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error",)"
       R"("message":"prompt is too long: 210000 tokens > 200000 maximum"},"request_id":"req_1"})",
       kContextTooLong},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":)"
       R"("input length and `max_tokens` exceed context limit: 189136 + 20000 > 204648"}})",
       kContextTooLong},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error",)"
       R"("message":"You have reached your specified API usage limits."}})",
       kQuotaExhausted},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error",)"
       R"("message":"Your credit balance is too low."}})",
       kQuotaExhausted},
      {400, R"({"type":"error","error":{"type":"invalid_request_error","message":"max_tokens"}})",
       kBadRequest},
      {401, R"({"type":"error","error":{"type":"authentication_error","message":"m"}})", kAuth},
      {402, R"({"type":"error","error":{"type":"billing_error","message":"m"}})", kQuotaExhausted},
      {403, R"({"type":"error","error":{"type":"permission_error","message":"m"}})", kAuth},
      {404, R"({"type":"error","error":{"type":"not_found_error","message":"m"}})", kBadRequest},
      {409, R"({"type":"error","error":{"type":"conflict_error","message":"m"}})", kOverloaded},
      {413, R"({"type":"error","error":{"type":"request_too_large","message":"m"}})",
       kRequestTooLarge},
      {429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"m",)"
       R"("details":{"error_code":"ramp_limit_exceeded"}}})",
       kRateLimited},
      {429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"m",)"
       R"("details":{"error_code":"enforced_spend_limit_reached"}}})",
       kQuotaExhausted},
      {429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"m",)"
       R"("details":{"error_code":"contract_spend_limit_reached"}}})",
       kQuotaExhausted},
      {500, R"({"type":"error","error":{"type":"api_error","message":"m"}})", kOverloaded},
      {504, R"({"type":"error","error":{"type":"timeout_error","message":"m"}})", kOverloaded},
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})", kOverloaded},
      {200, R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})", kOverloaded},
  });
}

TEST(Classify, Gemini) {
  const auto quota = [](std::string_view id, std::string_view message = "m") {
    return R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":")" +
           std::string(message) +
           R"(","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure",)"
           R"("violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"},)"
           R"({"quotaId":")" +
           std::string(id) +
           R"("}]},{"@type":"type.googleapis.com/google.rpc.Help","links":[]}]}})";
  };
  const std::string minute = quota("GenerateContentInputTokensPerModelPerMinute");
  const std::string day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
  const std::string none = quota("x", "Quota exceeded for metric: m, limit: 0, model: n");
  const std::string little = quota("x", "Quota exceeded for metric: m, limit: 0.5, model: n");
  const std::string ten = quota("x", "Quota exceeded for metric: m, limit: 05");
  ExpectClasses({
      {429, minute, kRateLimited},
      {429, day, kQuotaExhausted},
      {429, none, kQuotaExhausted},
      {429, little, kRateLimited},
      {429, ten, kRateLimited},
      {429, R"([{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"limit: 0"}}])",
       kQuotaExhausted},
      {429,
       R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED",)"
       R"("message":"Your prepayment credits are depleted."}})",
       kQuotaExhausted},
      {400,
       R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":"The input token count )"
       R"((1200000) exceeds the maximum number of tokens allowed (1048576)."}})",
       kContextTooLong},
      {400, R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":"Unknown name"}})",
       kBadRequest},
      {400,
       R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":"API key not valid.",)"
       R"("details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",)"
       R"("reason":"API_KEY_INVALID","domain":"googleapis.com"}]}})",
       kAuth},
      {400, R"({"error":{"code":400,"status":"FAILED_PRECONDITION","message":"Region."}})", kAuth},
      {403, R"({"error":{"code":403,"status":"PERMISSION_DENIED","message":"m"}})", kAuth},
      {404, R"({"error":{"code":404,"status":"NOT_FOUND","message":"m"}})", kBadRequest},
      {500, R"({"error":{"code":500,"status":"INTERNAL","message":"m"}})", kOverloaded},
      {503, R"({"error":{"code":503,"status":"UNAVAILABLE","message":"m"}})", kOverloaded},
      {504, R"([{"error":{"code":504,"status":"DEADLINE_EXCEEDED","message":"m"}}])", kOverloaded},
      {200, R"({"error":{"code":503,"status":"UNAVAILABLE","message":"m"}})", kOverloaded},
  });
}

TEST(Classify, DetailsThatAreNotWhatTheyShouldBe) {
  for (const std::string_view details :
       {"null", "7", "{}", "[null,7,[],{}]", R"([{"violations":7},{"violations":[7,{}]}])",
        R"([{"retryDelay":7,"reason":[]}])", R"({"error_code":{}})"}) {
    ExpectClasses({{429, R"({"error":{"message":"m","details":)" + std::string(details) + "}}",
                    kRateLimited}});
  }
}

TEST(Classify, OpenAiResponses) {
  ExpectClasses({
      {200,
       R"({"object":"response","status":"failed","error":{"code":"server_error","message":"m"}})",
       kOverloaded},
      {200, R"({"status":"failed","error":{"code":"rate_limit_exceeded","message":"m"}})",
       kRateLimited},
      {200, R"({"status":"failed","error":{"code":"invalid_prompt","message":"m"}})",
       kContentBlocked},
      {200, R"({"status":"failed","error":{"code":"bio_policy","message":"m"}})", kContentBlocked},
      {200, R"({"status":"failed","error":{"code":"data_residency_mismatch","message":"m"}})",
       kBadRequest},
  });
}

TEST(Classify, StatusAloneWhereTheBodySaysNothing) {
  for (const std::string_view body : {"", "<html>Bad gateway</html>", "null", "[]", "{}", "{\"err",
                                      R"({"error":null})", R"({"error":{}})", R"({"error":[]})"}) {
    ExpectClasses({
        {301, body, kBadRequest},     {400, body, kBadRequest}, {401, body, kAuth},
        {402, body, kQuotaExhausted}, {403, body, kAuth},       {404, body, kBadRequest},
        {408, body, kOverloaded},     {409, body, kOverloaded}, {413, body, kRequestTooLarge},
        {418, body, kBadRequest},     {422, body, kBadRequest}, {429, body, kRateLimited},
        {431, body, kBadRequest},     {498, body, kOverloaded}, {500, body, kOverloaded},
        {502, body, kOverloaded},     {503, body, kOverloaded}, {504, body, kOverloaded},
        {524, body, kOverloaded},     {529, body, kOverloaded}, {599, body, kOverloaded},
        {0, body, kProtocol},         {100, body, kProtocol},   {204, body, kProtocol},
        {600, body, kProtocol},       {-1, body, kProtocol},
    });
  }
}

TEST(Classify, ObeysWhatTheProviderSaysAboutAnotherTry) {
  struct Row {
    int status;
    std::string_view body;
    std::string_view advice;
    FailureClass cls;
  };
  const Row rows[] = {
      {500, "", "false", kBadRequest},
      {529, R"({"type":"error","error":{"type":"overloaded_error"}})", "false", kBadRequest},
      {429, R"({"error":{"code":"rate_limit_exceeded"}})", "false", kBadRequest},
      {409, "", "false", kBadRequest},
      {409, "", "true", kOverloaded},
      {400, R"({"error":{"type":"invalid_request_error"}})", "true", kOverloaded},
      {404, "", " true ", kOverloaded},
      {400, "", "false", kBadRequest},
      {500, "", "true", kOverloaded},
      {429, "", "true", kRateLimited},
      // What will be refused again, whoever advises what.
      {401, "", "true", kAuth},
      {429, R"({"error":{"type":"insufficient_quota"}})", "true", kQuotaExhausted},
      {429, R"({"error":{"type":"insufficient_quota"}})", "false", kQuotaExhausted},
      {400, R"({"error":{"code":"context_length_exceeded"}})", "true", kContextTooLong},
      {400, R"({"error":{"code":"content_filter"}})", "true", kContentBlocked},
      {413, "", "false", kRequestTooLarge},
      // Nothing that is said.
      {500, "", "", kOverloaded},
      {500, "", "no", kOverloaded},
      {500, "", "FALSE", kOverloaded},
      {400, "", "1", kBadRequest},
  };
  for (const Row& row : rows) {
    const ports::HttpResponse response{
        .status = row.status,
        .headers = {{.name = "x-should-retry", .value = std::string(row.advice)}},
        .body = std::string(row.body)};
    EXPECT_EQ(ToString(Classify(response, {}).cls), ToString(row.cls))
        << row.status << ' ' << row.body << ' ' << row.advice;
  }
}

TEST(Classify, GatewayThatGaveUpMayHaveCost) {
  EXPECT_TRUE(ClassifyBody(504, "").maybe_billed);
  EXPECT_TRUE(ClassifyBody(502, "").maybe_billed);
  EXPECT_FALSE(ClassifyBody(503, "").maybe_billed);
  EXPECT_FALSE(ClassifyBody(429, "").maybe_billed);
  EXPECT_FALSE(ClassifyBody(400, "").maybe_billed);
}

TEST(Classify, Transport) {
  using ports::TransportFault;
  struct TransportCase {
    TransportFault fault;
    FailureClass cls;
    std::string_view message;
  };
  const TransportCase cases[] = {
      {TransportFault::kConnect, kTransport, "no response: connect"},
      {TransportFault::kTimeout, kTimeout, "no response: timeout"},
      {TransportFault::kConnectionLost, kTransport, "no response: connection_lost"},
      {TransportFault::kResponseTooLarge, kRequestTooLarge, "no response: response_too_large"},
      {TransportFault::kRefused, kTransport, "no response: refused"},
      {TransportFault::kAborted, kTransport, "no response: aborted"},
  };
  for (const TransportCase& c : cases) {
    for (const bool processed : {false, true}) {
      const CallFailure failure =
          Classify(ports::TransportFailure{.fault = c.fault, .maybe_processed = processed});
      EXPECT_EQ(failure.cls, c.cls) << c.message;
      EXPECT_EQ(failure.message, c.message);
      EXPECT_EQ(failure.maybe_billed, processed) << c.message;
      EXPECT_EQ(failure.http_status, 0);
    }
  }
}

TEST(Message, NamesStatusTypeCodeAndParameter) {
  EXPECT_EQ(ClassifyBody(400, R"({"error":{"message":"m","type":"invalid_request_error",)"
                              R"("param":"messages[0].content","code":"unsupported_value"}})")
                .message,
            "HTTP 400, type invalid_request_error, code unsupported_value, "
            "parameter messages[0].content");
  EXPECT_EQ(
      ClassifyBody(400, R"({"error":{"message":"m","type":"BadRequestError","code":400}})").message,
      "HTTP 400, type BadRequestError, code 400");
  EXPECT_EQ(ClassifyBody(503, "").message, "HTTP 503");
}

TEST(Message, NamesStatusAndReasonOfGoogle) {
  EXPECT_EQ(ClassifyBody(400, R"({"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT",)"
                              R"("details":[{"reason":"API_KEY_INVALID"}]}})")
                .message,
            "HTTP 400, code 400, inner code API_KEY_INVALID, status INVALID_ARGUMENT");
}

TEST(Message, NeverHasTheProvidersWords) {
  const std::string long_name(65, 'x');
  for (const std::string& words : {std::string("my secret prompt"), long_name, std::string("a\nb"),
                                   std::string("größe"), std::string("<b>"), std::string()}) {
    std::string escaped = words;
    if (const auto at = escaped.find('\n'); at != std::string::npos) escaped.replace(at, 1, "\\n");
    const std::string body = R"({"error":{"message":"my secret prompt","type":")" + escaped +
                             R"(","code":")" + escaped + R"(","param":")" + escaped +
                             R"(","innererror":{"code":")" + escaped + R"("},"status":")" +
                             escaped + R"(","details":[{"reason":")" + escaped + "\"}]}}";
    EXPECT_EQ(ClassifyBody(400, body).message, "HTTP 400") << body;
  }
}

std::optional<base::Duration> RetryAfter(std::vector<model::Header> headers,
                                         std::string_view body = "") {
  const auto now = *base::ParseRfc3339("2026-11-21T08:00:00Z");
  return Classify(
             ports::HttpResponse{
                 .status = 429, .headers = std::move(headers), .body = std::string(body)},
             now)
      .retry_after;
}

TEST(RetryAfter, IsReadFromHeaders) {
  EXPECT_EQ(RetryAfter({{"retry-after", "20"}}), seconds(20));
  EXPECT_EQ(RetryAfter({{"retry-after", "0.5"}}), milliseconds(500));
  EXPECT_EQ(RetryAfter({{"retry-after", "0"}}), seconds(0));
  EXPECT_EQ(RetryAfter({{"retry-after-ms", "1500"}}), milliseconds(1500));
  EXPECT_EQ(RetryAfter({{"retry-after", "Sat, 21 Nov 2026 08:01:30 GMT"}}), seconds(90));
  EXPECT_EQ(RetryAfter({{"retry-after", "Sat, 21 Nov 2026 07:00:00 GMT"}}), seconds(0));
}

TEST(RetryAfter, TheFinerHeaderIsPreferred) {
  EXPECT_EQ(RetryAfter({{"retry-after", "2"}, {"retry-after-ms", "1200"}}), milliseconds(1200));
  EXPECT_EQ(RetryAfter({{"retry-after-ms", "x"}, {"retry-after", "2"}}), seconds(2));
}

TEST(RetryAfter, IsReadFromAzuresWordsWhereThereIsNoHeader) {
  const std::string_view body =
      R"({"error":{"code":"429","message":"Over the limit. Please retry after 22 seconds. x"}})";
  EXPECT_EQ(RetryAfter({}, body), seconds(22));
  EXPECT_EQ(RetryAfter({{"retry-after", "3"}}, body), seconds(3));
  EXPECT_EQ(RetryAfter({}, R"({"error":{"message":"retry after a while and 2 seconds"}})"),
            std::nullopt);
}

TEST(RetryAfter, IsReadFromGooglesDetailsOrElseItsWords) {
  const auto body = [](std::string_view message, std::string_view details) {
    return R"({"error":{"code":429,"message":")" + std::string(message) + R"(","details":[)" +
           std::string(details) + "]}}";
  };
  const std::string_view info =
      R"({"@type":"type.googleapis.com/google.rpc.Help"},)"
      R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.68s"})";
  EXPECT_EQ(RetryAfter({}, body("Please retry in 37.2s.", info)), milliseconds(1680));
  EXPECT_EQ(RetryAfter({}, body("Please retry in 37.2s.", "")), milliseconds(37'200));
  EXPECT_EQ(RetryAfter({}, body("Please retry in 520ms", "")), milliseconds(520));
  EXPECT_EQ(RetryAfter({}, body("Please retry in 9h27m1s. Bye.", "")), hours(1));
  EXPECT_EQ(RetryAfter({}, body("Please retry in a while.", "")), std::nullopt);
  EXPECT_EQ(RetryAfter({}, body("Please retry in ", R"({"retryDelay":"soon"})")), std::nullopt);
  EXPECT_EQ(RetryAfter({}, body("Please try again in 6m0s. Visit", "")), std::chrono::minutes(6));
}

TEST(RetryAfter, NonsenseIsIgnored) {
  for (const char* value : {"", "-1", "soon", "1e9", "inf", "nan", "2026-11-21T08:01:30Z", "5s",
                            "99999999999999999999", "Sat, 99 Nov 2026 08:01:30 GMT"}) {
    EXPECT_EQ(RetryAfter({{"retry-after", value}}), std::nullopt) << value;
    EXPECT_EQ(RetryAfter({{"retry-after-ms", value}}), std::nullopt) << value;
  }
}

TEST(RetryAfter, IsAnHourAtTheMost) {
  EXPECT_EQ(RetryAfter({{"retry-after", "86400"}}), hours(1));
  EXPECT_EQ(RetryAfter({{"retry-after", "Sun, 22 Nov 2026 08:00:00 GMT"}}), hours(1));
}

TEST(FailureClass, EachHasAnActionACodeAndANameOfItsOwn) {
  struct Row {
    FailureClass cls;
    std::string_view name;
    Action action;
    model::ErrorCode code;
  };
  using model::ErrorCode;
  const Row rows[] = {
      {kRateLimited, "rate_limited", Action::kRetry, ErrorCode::kProviderUnavailable},
      {kQuotaExhausted, "quota_exhausted", Action::kHold, ErrorCode::kProviderQuotaExhausted},
      {kOverloaded, "overloaded", Action::kRetry, ErrorCode::kProviderUnavailable},
      {kContextTooLong, "context_too_long", Action::kSplit, ErrorCode::kItemTooLarge},
      {kRequestTooLarge, "request_too_large", Action::kSplit, ErrorCode::kItemTooLarge},
      {kContentBlocked, "content_blocked", Action::kSplit, ErrorCode::kContentFiltered},
      {kBadRequest, "bad_request", Action::kFail, ErrorCode::kProviderRejected},
      {kAuth, "auth", Action::kHold, ErrorCode::kProviderUnavailable},
      {kTransport, "transport", Action::kRetry, ErrorCode::kProviderUnavailable},
      {kTimeout, "timeout", Action::kRetry, ErrorCode::kProviderUnavailable},
      {kProtocol, "protocol", Action::kRetry, ErrorCode::kProviderUnavailable},
  };
  std::set<std::string_view> names;
  for (const Row& row : rows) {
    EXPECT_EQ(ToString(row.cls), row.name);
    EXPECT_EQ(ActionFor(row.cls), row.action) << row.name;
    EXPECT_EQ(ErrorCodeFor(row.cls), row.code) << row.name;
    names.insert(ToString(row.cls));
  }
  EXPECT_EQ(names.size(), std::size(rows));
}

}  // namespace
}  // namespace llmbatch::providers
