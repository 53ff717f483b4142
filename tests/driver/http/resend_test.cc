// Connections that are used again, and the POST that libcurl would send twice.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <variant>

#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"

namespace llmbatch::http {
namespace {

// Answers the first request of the first connection, then does this to the second one.
template <typename Then>
FaultyServer::Behaviour SecondRequestMeets(Then then) {
  return [then](Connection& connection) {
    if (connection.number() > 1) {
      AlwaysAnswer("again")(connection);
    } else if (connection.ReadRequest() && connection.Send(Response(200, "first")) &&
               connection.ReadRequest()) {
      then(connection);
    }
  };
}

TEST(Reuse, OneConnectionServesOneCallAfterAnother) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  for (std::uint64_t call = 1; call <= 20; ++call) {
    EXPECT_EQ(Summary(driver.Run(Post(call))), "200 ok");
  }
  EXPECT_EQ(server.posts(), 20);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Reuse, RequestIsNotSentAgainWhenTheConnectionCloses) {
  FaultyServer server(SecondRequestMeets([](Connection&) {}));
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 first");
  EXPECT_EQ(Summary(driver.Run(Post(2))), "connection_lost, maybe processed");
  EXPECT_EQ(server.posts(), 2);
  EXPECT_EQ(Summary(driver.Run(Post(3))), "200 again");
  EXPECT_EQ(server.posts(), 3);
}

TEST(Reuse, RequestIsNotSentAgainWhenTheConnectionIsReset) {
  FaultyServer server(SecondRequestMeets([](Connection& connection) { connection.Reset(); }));
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 first");
  EXPECT_EQ(Summary(driver.Run(Post(2))), "connection_lost, maybe processed");
  EXPECT_EQ(server.posts(), 2);
}

TEST(Reuse, LongRequestIsNotSentAgainWhenTheConnectionIsReset) {
  // Longer than what libcurl sends in one go, and than what the kernel takes.
  FaultyServer server([](Connection& connection) {
    if (connection.number() > 1) {
      AlwaysAnswer("again")(connection);
    } else if (connection.ReadRequest() && connection.Send(Response(200, "first"))) {
      connection.ReadRequest();
      connection.Reset();
    }
  });
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 first");
  EXPECT_EQ(Summary(driver.Run(Post(2, std::string(8 << 20, 'x')))),
            "connection_lost, maybe processed");
  EXPECT_EQ(server.posts(), 2);
}

TEST(Reuse, ConnectionThatWasClosedWhileIdleIsReplaced) {
  FaultyServer server([](Connection& connection) {
    if (connection.ReadRequest()) connection.Send(Response(200, "ok"));
  });
  Driver driver(LocalEndpoint(server.Url()));
  for (std::uint64_t call = 1; call <= 10; ++call) {
    EXPECT_EQ(Summary(driver.Run(Post(call))), "200 ok");
    ASSERT_TRUE(server.WaitUntilAllAreClosed());
  }
  EXPECT_EQ(server.posts(), 10);
}

// The worst that could happen: an answer for the wrong question.
TEST(Reuse, AnswerThatNobodyAskedForIsNotTakenForTheNextCalls) {
  std::atomic<bool> sent = false;
  FaultyServer server([&sent](Connection& connection) {
    if (connection.number() > 1) return AlwaysAnswer("right")(connection);
    if (!connection.ReadRequest()) return;
    connection.Send(Response(200, "first"));
    // Only after the first answer was taken.
    while (!sent) std::this_thread::yield();
    connection.Send(Response(200, "wrong"));
    sent = false;
    connection.WaitForPeer();
  });
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 first");
  sent = true;
  while (sent) std::this_thread::yield();
  EXPECT_EQ(Summary(driver.Run(Post(2))), "200 right");
}

TEST(Reuse, RestOfAnAnswerThatIsLongerThanItSaysIsNotTakenForTheNextCalls) {
  FaultyServer server([](Connection& connection) {
    if (connection.number() > 1) return AlwaysAnswer("right")(connection);
    if (!connection.ReadRequest()) return;
    connection.Send(Response(200, "first") + Response(200, "wrong"));
    connection.WaitForPeer();
  });
  Driver driver(LocalEndpoint(server.Url()));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "200 first");
  EXPECT_EQ(Summary(driver.Run(Post(2))), "200 right");
}

}  // namespace
}  // namespace llmbatch::http
