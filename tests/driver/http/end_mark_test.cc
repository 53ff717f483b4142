// The last event of a stream, and what becomes of a response that has it.
#include "http/end_mark.h"

#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <string>
#include <string_view>

#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"

namespace llmbatch::http {
namespace {

const std::vector<std::string> kMarks = {"data: [DONE]", "event: end"};

struct Body {
  std::string_view text;
  bool ends;
};

const Body kBodies[] = {
    {"data: [DONE]\n\n", true},
    {"data: [DONE]\r\n\r\n", true},
    {"data: [DONE]\r\r", true},
    {"data: {\"a\":1}\n\ndata: [DONE]\n\nmore", true},
    {"event: end\ndata: {\"all\":\"of it\"}\n\n", true},
    {"data: {\"all\":\"of it\"}\nevent: end\n\n", true},
    {"event: end\n: a comment\n\n", true},
    {"", false},
    {"\n\n\n", false},
    {"data: [DONE]", false},
    {"data: [DONE]\n", false},
    {"data: [DONE]\r\n", false},
    {"event: end\ndata: {\"all\":\"of", false},
    {"event: ending\n\n", false},
    {"event: end \n\n", false},
    {" event: end\n\n", false},
    {"data: [DONE] [DONE]\n\n", false},
    {"data: \"data: [DONE]\"\n\n", false},
    {"data: {\"text\":\"event: end\\n\\n\"}\n\n", false},
};

TEST(EndMark, IsALineOfItsOwnWithTheEventsEndBehindIt) {
  for (const Body& body : kBodies) {
    for (std::size_t size = 1; size <= body.text.size() + 1; ++size) {
      EndMark mark(kMarks);
      for (std::size_t at = 0; at < body.text.size(); at += size) {
        mark.Feed(body.text.substr(at, size));
      }
      EXPECT_EQ(mark.is_seen(), body.ends) << body.text << " in pieces of " << size;
    }
  }
}

TEST(EndMark, IsNotLookedForWhereNoneIsExpected) {
  EndMark mark;
  EXPECT_FALSE(mark.is_expected());
  mark.Feed("data: [DONE]\n\n");
  EXPECT_FALSE(mark.is_seen());
}

constexpr std::string_view kStream = "data: {\"a\":1}\n\ndata: [DONE]\n\n";
constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string Chunk(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string size;
  for (std::size_t rest = text.size(); rest > 0; rest /= 16) size.insert(0, 1, kDigits[rest % 16]);
  return size + "\r\n" + std::string(text) + "\r\n";
}

ports::StartCall StreamedPost() {
  ports::StartCall start = Post(1);
  start.request.end_marks = kMarks;
  return start;
}

struct Case {
  const char* name;
  void (*behind)(Connection&);

  friend void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }
};

const Case kCases[] = {
    {"Stays open", [](Connection& connection) { connection.WaitForPeer(); }},
    {"Closed", [](Connection&) {}},
    {"Reset", [](Connection& connection) { connection.Reset(); }},
    {"Nonsense",
     [](Connection& connection) {
       connection.Send("no chunk\r\n");
       connection.WaitForPeer();
     }},
    {"Ended in time", [](Connection& connection) { connection.Send("0\r\n\r\n"); }},
};

TEST(Stream, IsWholeWithItsMarkWhateverBecomesOfTheConnection) {
  for (const Case& row : kCases) {
    SCOPED_TRACE(row.name);
    FaultyServer server([&row](Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Send(std::string(kChunked) + Chunk(kStream));
      row.behind(connection);
    });
    Driver driver(LocalEndpoint(server.Url()));
    // Nothing but the mark ends this call before its time does.
    ports::StartCall start = StreamedPost();
    start.request.timeout = std::chrono::minutes(5);
    EXPECT_EQ(Summary(driver.Run(std::move(start))), "200 " + std::string(kStream));
    EXPECT_EQ(server.posts(), 1);
  }
}

TEST(Stream, WithoutItsMarkIsNoAnswer) {
  for (const Case& row : kCases) {
    if (row.name == std::string_view("Ended in time")) continue;
    SCOPED_TRACE(row.name);
    FaultyServer server([&row](Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Send(std::string(kChunked) + Chunk(kStream.substr(0, kStream.size() - 1)));
      row.behind(connection);
    });
    Driver driver(LocalEndpoint(server.Url()));
    ports::StartCall start = StreamedPost();
    start.request.timeout = std::chrono::milliseconds(300);
    const std::string outcome = Summary(driver.Run(std::move(start)));
    EXPECT_TRUE(outcome == "timeout, maybe processed" ||
                outcome == "connection_lost, maybe processed")
        << outcome;
  }
}

TEST(Stream, ThatEndsLeavesItsConnectionToTheNextCall) {
  FaultyServer server([](Connection& connection) {
    while (connection.ReadRequest()) {
      connection.Send(std::string(kChunked) + Chunk(kStream) + "0\r\n\r\n");
    }
  });
  Driver driver(LocalEndpoint(server.Url()));
  for (std::uint64_t call = 1; call <= 5; ++call) {
    ports::StartCall start = Post(call);
    start.request.end_marks = kMarks;
    EXPECT_EQ(Summary(driver.Run(std::move(start))), "200 " + std::string(kStream));
  }
  EXPECT_EQ(server.connections(), 1);
}

}  // namespace
}  // namespace llmbatch::http
