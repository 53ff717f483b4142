#include "wire/headers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmbatch::wire {
namespace {

bool IsCarried(const std::string& name) { return !CarriedHeaders({{name, "v"}}).empty(); }

TEST(CarriedHeaders, CarriesWhatProducersSet) {
  for (const char* name : {"traceparent", "tracestate", "correlation-id", "X-Request-Id", "baggage",
                           "tenant", "authorization-hint", "", "reply_to", "mydlq-x", "contents"}) {
    EXPECT_TRUE(IsCarried(name)) << name;
  }
}

TEST(CarriedHeaders, LeavesOutCredentialsAndOurOwn) {
  for (const char* name : {"authorization",
                           "Authorization",
                           "AUTHORIZATION",
                           "proxy-authorization",
                           "Proxy_Authorization",
                           "cookie",
                           "Cookie",
                           "set-cookie",
                           "x-api-key",
                           "api-key",
                           "API_KEY",
                           "X-Goog-Api-Key",
                           "apikey",
                           "my-api-key-2",
                           "x-auth-token",
                           "token",
                           "TOKENS",
                           "csrf_token",
                           "client-secret",
                           "Secret",
                           "llmbatch-origin",
                           "llmbatch-id",
                           "LLMBatch-X",
                           "dlq-reason",
                           "DLQ-Topic",
                           "content-type",
                           "Content-Type",
                           "content-encoding"}) {
    EXPECT_FALSE(IsCarried(name)) << name;
  }
}

TEST(CarriedHeaders, KeepsOrderRepeatsAndBinaryValues) {
  const std::vector<model::Header> headers{
      {"b", std::string("\0\xFF", 2)}, {"a", "1"}, {"b", ""}, {"cookie", "x"}, {"a", "2"}};
  const std::vector<model::Header> expected{headers[0], headers[1], headers[2], headers[4]};
  EXPECT_EQ(CarriedHeaders(headers), expected);
  EXPECT_TRUE(CarriedHeaders({}).empty());
}

TEST(CarriedHeaders, IsBoundedInNumberAndBytes) {
  EXPECT_EQ(CarriedHeaders(std::vector<model::Header>(100, {"name", "value"})).size(),
            kMaxCarriedHeaders);
  const model::Header small{"s", "1"};
  const model::Header huge{"h", std::string(1U << 20, 'x')};
  const model::Header rest{"r", std::string(kMaxCarriedBytes - 3, 'x')};
  EXPECT_EQ(CarriedHeaders({huge, small, rest, small}), (std::vector<model::Header>{small, rest}));
}

TEST(RecordBytes, CountsKeyValueAndHeaders) {
  const std::size_t bare = RecordBytes({}, {}, {});
  EXPECT_GT(bare, 60U) << "a batch of one record has a head of 61 bytes";
  EXPECT_EQ(RecordBytes("key", "value", {}), bare + 8);
  EXPECT_GE(RecordBytes({}, {}, {{.name = "name", .value = "text"}}), bare + 8 + 10)
      << "two lengths of five bytes each at the most";
}

TEST(ReadOrigin, TakesWhatLooksLikeAnOrigin) {
  for (const char* origin :
       {"topic/0/0", "llm.requests/3/1042", "a_b-c.D/12/9223372036854775807#7"}) {
    EXPECT_EQ(ReadOrigin({{"x", "y"}, {"llmbatch-origin", origin}}), origin);
  }
}

TEST(ReadOrigin, PassesOverEverythingElse) {
  EXPECT_EQ(ReadOrigin({}), std::nullopt);
  EXPECT_EQ(ReadOrigin({{"origin", "topic/0/0"}}), std::nullopt);
  for (const std::string& origin :
       {std::string(), std::string("topic"), std::string("topic/0"), std::string("topic/0/"),
        std::string("/0/0"), std::string("topic//0"), std::string("topic/0/0/0"),
        std::string("topic/-1/0"), std::string("topic/0/x"), std::string("topic/0/0#"),
        std::string("topic/0/0#x"), std::string("topic/0/0#1#2"), std::string("to pic/0/0"),
        std::string("t\xC3\xA9/0/0"), std::string("topic/0/0\n"),
        std::string("topic/0/12345678901234567890"), std::string(250, 't') + "/0/0",
        std::string(1U << 20, '1')}) {
    EXPECT_EQ(ReadOrigin({{"llmbatch-origin", origin}}), std::nullopt) << origin.substr(0, 40);
  }
}

}  // namespace
}  // namespace llmbatch::wire
