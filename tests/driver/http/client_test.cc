#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <variant>

#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"
#include "runtime/clock.h"

namespace llmbatch::http {
namespace {

using testing::HasSubstr;
using testing::Not;

FaultyServer::Behaviour NeverAnswer() {
  return [](Connection& connection) {
    connection.ReadRequest();
    connection.WaitForPeer();
  };
}

// Answers with the body of the request.
FaultyServer::Behaviour Echo() {
  return [](Connection& connection) {
    while (connection.ReadRequest()) {
      const std::string& request = connection.request();
      connection.Send(Response(200, request.substr(request.find("\r\n\r\n") + 4)));
    }
  };
}

// Answers with the header section of the request.
FaultyServer::Behaviour EchoHeaders() {
  return [](Connection& connection) {
    while (connection.ReadRequest()) {
      const std::string& request = connection.request();
      connection.Send(Response(200, request.substr(0, request.find("\r\n\r\n") + 2)));
    }
  };
}

std::vector<Command> Starts(std::uint64_t first, std::uint64_t count) {
  std::vector<Command> commands;
  for (std::uint64_t call = first; call < first + count; ++call) {
    commands.emplace_back(Post(call, "body " + std::to_string(call)));
  }
  return commands;
}

std::set<std::uint64_t> Calls(const std::vector<ports::CallCompleted>& completed) {
  std::set<std::uint64_t> calls;
  for (const ports::CallCompleted& one : completed) calls.insert(one.call.value);
  return calls;
}

// Sets an environment variable for the length of a test.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

TEST(Request, HasTheHeadersOfTheCoreAndTheCredentialsOfTheProvider) {
  FaultyServer server(EchoHeaders());
  Endpoint endpoint = LocalEndpoint(server.Url() + "/v1");
  endpoint.credentials.push_back({"Authorization", "Bearer ", base::Secret("sk-01")});
  Driver driver(std::move(endpoint));
  ports::StartCall start = Post(1, "12345");
  start.request.path = "/chat?version=2";
  start.request.headers = {{"Content-Type", "application/json"}, {"x-empty", ""}};
  const std::string sent = Summary(driver.Run(std::move(start)));
  EXPECT_THAT(sent, HasSubstr("POST /v1/chat?version=2 HTTP/1.1\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nAuthorization: Bearer sk-01\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Type: application/json\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nx-empty:\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nUser-Agent: llmbatchd\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nAccept-Encoding: gzip\r\n"));
  EXPECT_THAT(sent, HasSubstr("\r\nContent-Length: 5\r\n"));
}

TEST(Request, WaitsForNoContinueHoweverLongItIs) {
  FaultyServer server(EchoHeaders());
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_THAT(Summary(driver.Run(Post(1, std::string(3 << 20, 'x')))), Not(HasSubstr("Expect")));
}

TEST(Request, MayHaveOtherHeadersThanTheOneBefore) {
  FaultyServer server(EchoHeaders());
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall start = Post(1);
  start.request.headers = {{"x-request-id", "one"}};
  EXPECT_THAT(Summary(driver.Run(std::move(start))), HasSubstr("\r\nx-request-id: one\r\n"));
  start = Post(2);
  start.request.headers = {{"x-other", "two"}};
  const std::string second = Summary(driver.Run(std::move(start)));
  EXPECT_THAT(second, HasSubstr("\r\nx-other: two\r\n"));
  EXPECT_THAT(second, Not(HasSubstr("x-request-id")));
}

TEST(Request, ThatCannotBeSentAsItIsIsRefused) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall split = Post(1);
  split.request.headers = {{"x-a", "1\r\nx-b: 2"}};
  EXPECT_EQ(Summary(driver.Run(std::move(split))), "refused, not processed");
  ports::StartCall other_host = Post(2);
  other_host.request.path = "@other.example/chat";
  EXPECT_EQ(Summary(driver.Run(std::move(other_host))), "refused, not processed");
  ports::StartCall unknown = Post(3);
  unknown.request.provider = "nobody";
  EXPECT_EQ(Summary(driver.Run(std::move(unknown))), "refused, not processed");
  ports::StartCall sound = Post(4);
  EXPECT_EQ(Summary(driver.Run(std::move(sound))), "200 ok");
  EXPECT_EQ(server.posts(), 1);
}

TEST(Progress, GoesOnWithoutCalls) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  const base::Timestamp first = driver.client().last_progress();
  const base::Timestamp limit = runtime::ReadClock().steady + std::chrono::seconds(20);
  while (driver.client().last_progress() < first + std::chrono::seconds(1)) {
    ASSERT_LT(runtime::ReadClock().steady, limit) << "the thread doesn't come round";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(Response, HasNoCredentialInItsBody) {
  FaultyServer server(EchoHeaders());
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.credentials.push_back({"Authorization", "Bearer ", base::Secret("sk-0123456789")});
  endpoint.credentials.push_back({"x-twice", "", base::Secret("sk-0123456789")});
  endpoint.credentials.push_back({"x-short", "", base::Secret("Agent")});
  Driver driver(std::move(endpoint));
  const std::string answered = Summary(driver.Run(Post(1)));
  EXPECT_THAT(answered, HasSubstr("\r\nAuthorization: Bearer [redacted]\r\n"));
  EXPECT_THAT(answered, HasSubstr("\r\nx-twice: [redacted]\r\n"));
  EXPECT_THAT(answered, HasSubstr("\r\nUser-Agent: llmbatchd\r\n"));
}

TEST(Response, HasHeaderNamesInLowerCaseAndOnlyTheLastHeaderSection) {
  FaultyServer server([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Send("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" +
                    Response(200, "ok", "X-RateLimit-Remaining:  41 \r\nx-a: 1\r\nX-A: 2\r\n"));
  });
  Driver driver(LocalEndpoint(server.Url()));
  const auto response = std::get<ports::HttpResponse>(driver.Run(Post(1)));
  EXPECT_EQ(
      response.headers,
      (std::vector<model::Header>{
          {"content-length", "2"}, {"x-ratelimit-remaining", "41"}, {"x-a", "1"}, {"x-a", "2"}}));
}

TEST(Failure, SaysNothingOfQueryHeadersOrBody) {
  FaultyServer server([](Connection& connection) {
    connection.ReadRequest();
    connection.Send("HTTP/1.1 two-hundred peer-text\r\n\r\n");
  });
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.credentials.push_back({"x-api-key", "", base::Secret("sk-0123")});
  Driver driver(std::move(endpoint));
  ports::StartCall start = Post(1, "prompt");
  start.request.path = "/chat?key=sk-query";
  const ports::HttpOutcome outcome = driver.Run(std::move(start));
  ASSERT_TRUE(std::holds_alternative<ports::TransportFailure>(outcome)) << Summary(outcome);
  for (const char* hidden : {"sk-0123", "prompt", "sk-query", "peer-text"}) {
    EXPECT_THAT(std::get<ports::TransportFailure>(outcome).message, Not(HasSubstr(hidden)));
  }
}

TEST(Address, PrivateOnesAreRefusedUnlessAllowed) {
  FaultyServer server(AlwaysAnswer("ok"));
  for (const std::string host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"}) {
    Endpoint endpoint;
    endpoint.base_url = "https://" + host + ":" + std::to_string(server.port());
    Driver driver(std::move(endpoint));
    EXPECT_EQ(Summary(driver.Run(Post(1))), "refused, not processed") << host;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(Proxy, OfTheEnvironmentIsIgnored) {
  FaultyServer proxy(AlwaysAnswer("from the proxy"));
  FaultyServer server(AlwaysAnswer("from the provider"));
  const Environment http("http_proxy", proxy.Url());
  const Environment https("https_proxy", proxy.Url());
  const Environment all("ALL_PROXY", proxy.Url());
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 from the provider");
  EXPECT_EQ(proxy.connections(), 0);
}

TEST(Proxy, OfTheOptionsIsUsedWhateverTheEnvironmentExcludes) {
  FaultyServer proxy(AlwaysAnswer("from the proxy"));
  FaultyServer server(AlwaysAnswer("from the provider"));
  const Environment none("no_proxy", "*");
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.proxy = proxy.Url();
  Driver driver(std::move(endpoint));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 from the proxy");
  EXPECT_EQ(server.connections(), 0);
}

TEST(ManyCalls, AtOnceGetEachItsOwnAnswer) {
  constexpr std::uint64_t kCalls = 500;
  FaultyServer server(Echo());
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.max_connections = kCalls;
  Driver driver(std::move(endpoint));
  for (const std::uint64_t first : {1, 1001, 2001}) {
    driver.Execute(Starts(first, kCalls));
    const auto completed = driver.Wait(kCalls);
    ASSERT_EQ(Calls(completed).size(), kCalls);
    for (const ports::CallCompleted& one : completed) {
      EXPECT_EQ(Summary(one.outcome), "200 body " + std::to_string(one.call.value));
    }
  }
  EXPECT_EQ(server.posts(), 3 * static_cast<int>(kCalls));
  EXPECT_LE(server.connections(), static_cast<int>(kCalls));
}

TEST(Abort, EndsACallInFlightWithin100Milliseconds) {
  FaultyServer server(NeverAnswer());
  Driver driver(LocalEndpoint(server.Url()));
  driver.Execute(Starts(1, 2));
  ASSERT_TRUE(server.WaitForPosts(2));
  const auto begin = runtime::ReadClock().steady;
  driver.Execute({ports::AbortCall{model::CallId{1}}});
  const auto completed = driver.Wait(1);
  EXPECT_LT(runtime::ReadClock().steady - begin, std::chrono::milliseconds(100));
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(completed[0].call, model::CallId{1});
  EXPECT_EQ(Summary(completed[0].outcome), "aborted, maybe processed");
}

TEST(Abort, InTheSameHandOverSendsNothing) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  std::vector<Command> commands = Starts(1, 1);
  commands.emplace_back(ports::AbortCall{model::CallId{1}});
  driver.Execute(std::move(commands));
  const auto completed = driver.Wait(1);
  ASSERT_EQ(completed.size(), 1u);
  EXPECT_EQ(Summary(completed[0].outcome), "aborted, not processed");
}

TEST(Abort, OfACallThatHasEndedDoesNothing) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 ok");
  driver.Execute({ports::AbortCall{model::CallId{1}}, ports::AbortCall{model::CallId{77}}});
  EXPECT_EQ(Summary(driver.Run(Post(2))), "200 ok");
}

TEST(Stop, AnswersWhatIsInFlight) {
  FaultyServer server(NeverAnswer());
  Driver driver(LocalEndpoint(server.Url()));
  driver.Execute(Starts(1, 50));
  ASSERT_TRUE(server.WaitForPosts(50));
  driver.client().Stop();
  const auto completed = driver.TakeAll();
  EXPECT_EQ(Calls(completed).size(), 50u);
  for (const ports::CallCompleted& one : completed) {
    EXPECT_EQ(Summary(one.outcome), "aborted, maybe processed");
  }
}

TEST(Stop, IsWhatTheDestructorDoes) {
  FaultyServer server(NeverAnswer());
  Driver driver(LocalEndpoint(server.Url()));
  driver.Execute(Starts(1, 50));
  driver.Destroy();
  EXPECT_EQ(Calls(driver.TakeAll()).size(), 50u);
}

TEST(Stop, IsFollowedByAnAnswerToWhatIsHandedOverLater) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  driver.client().Stop();
  driver.client().Stop();
  EXPECT_EQ(Summary(driver.Run(Post(1))), "aborted, not processed");
  EXPECT_EQ(server.connections(), 0);
}

TEST(Start, FailsForAProviderThatCannotWork) {
  runtime::Inbox inbox;
  ClientOptions options;
  options.endpoints["openai"].base_url = "gopher://host";
  const auto client = Client::Start(std::move(options), inbox);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().message, "providers.openai.base_url: must begin with https://");
}

}  // namespace
}  // namespace llmbatch::http
