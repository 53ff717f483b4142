#include "admin/server.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace llmbatch::admin {
namespace {

using testing::HasSubstr;

struct Reply {
  long status = 0;  // 0: no answer
  std::string headers;
  std::string body;
};

std::size_t Append(const char* bytes, std::size_t size, std::size_t count, void* text) {
  static_cast<std::string*>(text)->append(bytes, size * count);
  return size * count;
}

Reply Ask(const std::string& url, const char* method = "GET", const std::string& body = "") {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(),
                                                                 curl_easy_cleanup);
  Reply reply;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method);
  if (std::string(method) == "HEAD") curl_easy_setopt(curl.get(), CURLOPT_NOBODY, 1L);
  if (!body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 20L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply.body);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, Append);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &reply.headers);
  curl_easy_perform(curl.get());
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
  return reply;
}

Handlers SomeHandlers() {
  return {.metrics = [] { return std::string("a_metric 1\n"); },
          .status = [] { return std::string("{\"version\":\"1\"}"); },
          .alive = [] { return Check{.ok = true, .text = "alive"}; },
          .ready = [] { return Check{.ok = true, .text = "ready"}; }};
}

std::unique_ptr<Server> Started(Handlers handlers = SomeHandlers(),
                                const std::string& listen = "127.0.0.1:0") {
  auto server = Server::Start(listen, std::move(handlers));
  EXPECT_TRUE(server.ok()) << (server.ok() ? "" : server.error().message);
  return server.ok() ? *std::move(server) : nullptr;
}

std::string Url(const Server& server, const std::string& path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + path;
}

TEST(Server, ShowsItsPages) {
  const auto server = Started();
  const Reply metrics = Ask(Url(*server, "/metrics"));
  EXPECT_EQ(metrics.status, 200);
  EXPECT_EQ(metrics.body, "a_metric 1\n");
  EXPECT_THAT(metrics.headers, HasSubstr("Content-Type: text/plain; version=0.0.4"));
  const Reply status = Ask(Url(*server, "/status"));
  EXPECT_EQ(status.body, "{\"version\":\"1\"}");
  EXPECT_THAT(status.headers, HasSubstr("Content-Type: application/json"));
  EXPECT_EQ(Ask(Url(*server, "/livez")).body, "alive\n");
  EXPECT_EQ(Ask(Url(*server, "/readyz?verbose=1")).body, "ready\n");
}

TEST(Server, TellsIllHealthByItsStatus) {
  Handlers handlers = SomeHandlers();
  handlers.ready = [] { return Check{.ok = false, .text = "no partitions yet"}; };
  const auto server = Started(std::move(handlers));
  const Reply reply = Ask(Url(*server, "/readyz"));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.body, "no partitions yet\n");
}

TEST(Server, KnowsNoOtherPages) {
  const auto server = Started();
  for (const char* path : {"/", "/metrics/", "/metricsx", "/etc/passwd", "/%2e%2e/etc/passwd"}) {
    EXPECT_EQ(Ask(Url(*server, path)).status, 404) << path;
  }
}

TEST(Server, TakesNothingButGet) {
  const auto server = Started();
  for (const char* method : {"POST", "PUT", "DELETE", "HEAD"}) {
    const Reply reply = Ask(Url(*server, "/status"), method);
    EXPECT_EQ(reply.status, 405) << method;
    EXPECT_THAT(reply.headers, HasSubstr("Allow: GET")) << method;
  }
}

TEST(Server, IsNotHeldUpByABody) {
  const auto server = Started();
  const std::string body(4 << 20, 'x');
  Ask(Url(*server, "/status"), "POST", body);
  EXPECT_EQ(Ask(Url(*server, "/livez")).status, 200);
}

TEST(Server, RefusesHugeHeaders) {
  const auto server = Started();
  const Reply reply = Ask(Url(*server, "/livez?" + std::string(20'000, 'x')));
  EXPECT_NE(reply.status, 200);
  EXPECT_EQ(Ask(Url(*server, "/livez")).status, 200);
}

TEST(Server, AnswersSeveralAtATime) {
  std::atomic<int> asked = 0;
  Handlers handlers = SomeHandlers();
  handlers.metrics = [&] {
    ++asked;
    return std::string(1 << 20, 'm');
  };
  const auto server = Started(std::move(handlers));
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (int j = 0; j < 5; ++j) {
        EXPECT_EQ(Ask(Url(*server, "/metrics")).body.size(), std::size_t{1} << 20);
      }
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(asked, 20);
}

TEST(Server, StopsListening) {
  auto server = Started();
  const std::string url = Url(*server, "/livez");
  server.reset();
  EXPECT_EQ(Ask(url).status, 0);
}

TEST(Server, TellsThatAnAddressIsTaken) {
  const auto first = Started();
  const auto second = Server::Start("127.0.0.1:" + std::to_string(first->port()), SomeHandlers());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("admin.listen: can't listen on 127.0.0.1:"));
}

TEST(Server, RefusesWhatIsNoAddress) {
  for (const char* listen :
       {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000",
        "127.0.0.1:80s", "127.0.0.1:1,0.0.0.0:2", "::1:9", "[::1]:9"}) {
    const auto server = Server::Start(listen, SomeHandlers());
    ASSERT_FALSE(server.ok()) << listen;
    EXPECT_THAT(server.error().message, HasSubstr("admin.listen")) << listen;
  }
}

TEST(Server, TellsThatAnAddressIsNotOurs) {
  const auto server = Server::Start("192.0.2.1:0", SomeHandlers());
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(server.error().message, HasSubstr("can't listen on 192.0.2.1:0"));
}

}  // namespace
}  // namespace llmbatch::admin
