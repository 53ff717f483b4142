// What each fault of a provider or of the network becomes. One POST leaves in every case.

#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "driver/http/driver.h"
#include "driver/http/faulty_server.h"

namespace llmbatch::http {
namespace {

std::string Gzip(std::string_view text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// A behaviour: reads the request, then does this.
template <typename Then>
FaultyServer::Behaviour AfterRequest(Then then) {
  return [then](Connection& connection) {
    if (connection.ReadRequest()) then(connection);
  };
}

FaultyServer::Behaviour SendAndClose(std::string bytes) {
  return AfterRequest([bytes](Connection& connection) { connection.Send(bytes); });
}

FaultyServer::Behaviour SendAndStall(std::string bytes) {
  return AfterRequest([bytes](Connection& connection) {
    connection.Send(bytes);
    connection.WaitForPeer();
  });
}

FaultyServer::Behaviour SendAndReset(std::string bytes) {
  return AfterRequest([bytes](Connection& connection) {
    connection.Send(bytes);
    connection.Reset();
  });
}

FaultyServer::Behaviour SendWithoutEnd(std::string beginning, std::string more) {
  return AfterRequest([beginning, more](Connection& connection) {
    connection.Send(beginning);
    while (connection.Send(more)) {
    }
  });
}

FaultyServer::Behaviour SendByteByByte(std::string bytes) {
  return AfterRequest([bytes](Connection& connection) {
    for (const char byte : bytes) {
      if (!connection.Send({&byte, 1})) return;
    }
    connection.WaitForPeer();
  });
}

std::string Times(int count, std::string_view text) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

struct FaultCase {
  std::string name;
  FaultyServer::Behaviour behaviour;
  std::string expected;

  friend void PrintTo(const FaultCase& test, std::ostream* out) { *out << test.name; }
};

std::vector<FaultCase> FaultCases() {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string gzip = "Content-Encoding: gzip\r\n";
  const std::string lost = "connection_lost, maybe processed";
  const std::string timeout = "timeout, maybe processed";
  const std::string too_large = "response_too_large, maybe processed";
  const std::string packed = Gzip("twenty times the same");
  const std::string bomb = Gzip(std::string(64 << 20, '0'));
  return {
      {"Answer", SendAndClose(Response(200, "ok")), "200 ok"},
      {"AnswerByteByByte", SendByteByByte(Response(200, "slowly")), "200 slowly"},
      {"AnswerInChunks", SendAndClose(chunked + "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"), "200 abc"},
      {"AnswerUntilClose", SendAndClose("HTTP/1.1 200 OK\r\n\r\nall"), "200 all"},
      {"AnswerPacked", SendAndClose(Response(200, packed, gzip)), "200 twenty times the same"},
      {"ProvisionalAnswerFirst",
       SendAndClose("HTTP/1.1 103 Early\r\nx-a: 1\r\n\r\n" + Response(200, "ok")), "200 ok"},
      // libcurl doesn't miss the end of packed text; whoever reads the body has to.
      {"PackedAnswerWithoutItsEnd", SendAndClose(Response(200, packed.substr(0, 12), gzip)),
       "200 t"},
      {"EmptyAnswer", SendAndClose(Response(204, "")), "204 "},
      {"ContentLengthTooShort", SendAndClose("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"),
       "200 a"},

      {"CloseBeforeRequest", [](Connection&) {}, lost},
      {"CloseBeforeHeaders", SendAndClose(""), lost},
      {"ResetBeforeHeaders", SendAndReset(""), lost},
      {"CloseInStatusLine", SendAndClose("HTTP/1.1 20"), lost},
      {"CloseInHeaders", SendAndClose("HTTP/1.1 200 OK\r\nContent-Le"), lost},
      {"ResetInHeaders", SendAndReset("HTTP/1.1 200 OK\r\nContent-Le"), lost},
      {"CloseInBody", SendAndClose("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), lost},
      {"ResetInBody", SendAndReset("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), lost},
      {"CloseInChunk", SendAndClose(chunked + "5\r\nab"), lost},
      {"CloseBetweenChunks", SendAndClose(chunked + "2\r\nab\r\n"), lost},
      {"BadChunkSize", SendAndStall(chunked + "xyz\r\nab\r\n"), lost},
      {"HugeChunkSize", SendAndStall(chunked + "fffffffffffffffff\r\nab\r\n"), lost},
      {"BadContentLength", SendAndStall("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab"), lost},
      {"NegativeContentLength", SendAndStall("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nab"),
       lost},
      {"BadGzip", SendAndStall(Response(200, "this is not packed", gzip)), lost},
      {"NoHttp", SendAndStall("SSH-2.0-OpenSSH_9.2\r\n"), lost},
      {"Http09", SendAndClose("just a body"), lost},

      {"StallBeforeHeaders", SendAndStall(""), timeout},
      {"StallInHeaders", SendAndStall("HTTP/1.1 200 OK\r\nConte"), timeout},
      {"StallInBody", SendAndStall("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"), timeout},
      {"StallAfterProvisionalAnswer", SendAndStall("HTTP/1.1 100 Continue\r\n\r\n"), timeout},

      {"GzipBomb", SendAndClose(Response(200, bomb, gzip)), too_large},
      {"EndlessBody", SendWithoutEnd("HTTP/1.1 200 OK\r\n\r\n", std::string(4096, 'x')), too_large},
      {"TenGigabytes",
       SendWithoutEnd("HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
                      std::string(65536, 'x')),
       too_large},
      {"EndlessChunks", SendWithoutEnd(chunked, "4\r\nabcd\r\n"), too_large},
      {"EndlessHeaders", SendWithoutEnd("HTTP/1.1 200 OK\r\n", "x-filler: 1\r\n"), too_large},
      {"HundredThousandHeaders",
       SendAndStall("HTTP/1.1 200 OK\r\n" + Times(100'000, "x-a: 1\r\n") + "\r\n"), too_large},
      {"EndlessTrailers", SendWithoutEnd(chunked + "0\r\n", "x-filler: 1\r\n"), too_large},
      {"EndlessProvisionalAnswers", SendWithoutEnd("", "HTTP/1.1 103 Early\r\n\r\n"), too_large},
      {"LongHeader",
       SendAndStall("HTTP/1.1 200 OK\r\nx-a: " + std::string(70'000, 'a') + "\r\n\r\n"), too_large},

      {"ErrorWithoutBody", SendAndClose(Response(500, "")), "500 "},
      {"ErrorThatBreaksOff", SendAndClose("HTTP/1.1 429 No\r\nContent-Length: 9\r\n\r\nwai"),
       "429 wai"},
      {"ErrorThatStalls", SendAndStall("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nwai"),
       "503 wai"},
      {"ErrorWithoutEnd", SendWithoutEnd("HTTP/1.1 500 No\r\n\r\n", std::string(1024, 'x')),
       "500 " + std::string(64 * 1024, 'x')},
  };
}

class Fault : public testing::TestWithParam<FaultCase> {};

TEST_P(Fault, BecomesTheOutcome) {
  FaultyServer server(GetParam().behaviour);
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall start = Post(1);
  if (GetParam().name.find("Stall") != std::string::npos) {
    start.request.timeout = std::chrono::milliseconds(300);
  }
  EXPECT_EQ(Summary(driver.Run(std::move(start))), GetParam().expected);
  EXPECT_LE(server.posts(), 1);
  EXPECT_EQ(server.connections(), 1);
}

INSTANTIATE_TEST_SUITE_P(Table, Fault, testing::ValuesIn(FaultCases()),
                         [](const auto& test) { return test.param.name; });

// The three ways in which a body is framed.
std::vector<std::string> WholeAnswers() {
  const std::string text(400, 'x');
  return {Response(200, text), Response(200, Gzip(text), "Content-Encoding: gzip\r\n"),
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
              Times(4, "64\r\n" + text.substr(300) + "\r\n") + "0\r\n\r\n"};
}

// The front of an answer: a tenth of it, two tenths …, none at all.
std::string Tenths(const std::string& answer, int tenths) {
  return answer.substr(0, answer.size() * static_cast<std::size_t>(tenths) / 10);
}

TEST(EveryTenth, OfAnAnswerThatIsClosedOrResetThereIsNoAnswerAndNotAskedAgain) {
  for (const std::string& answer : WholeAnswers()) {
    for (int tenths = 0; tenths < 10; ++tenths) {
      for (const bool reset : {false, true}) {
        SCOPED_TRACE(Tenths(answer, tenths) + (reset ? " reset" : " closed"));
        FaultyServer server(reset ? SendAndReset(Tenths(answer, tenths))
                                  : SendAndClose(Tenths(answer, tenths)));
        Driver driver(LocalEndpoint(server.Url()));
        EXPECT_EQ(Summary(driver.Run(Post(1))), "connection_lost, maybe processed");
        EXPECT_EQ(server.posts(), 1);
      }
    }
  }
}

TEST(EveryTenth, OfAnAnswerThatStallsThereTakesItsTimeAndIsNotAskedAgain) {
  for (const std::string& answer : WholeAnswers()) {
    FaultyServer server([&answer](Connection& connection) {
      if (!connection.ReadRequest()) return;
      connection.Send(Tenths(answer, connection.number() - 1));
      connection.WaitForPeer();
    });
    Driver driver(LocalEndpoint(server.Url()));
    std::vector<Command> calls;
    for (std::uint64_t call = 1; call <= 10; ++call) {
      ports::StartCall start = Post(call);
      start.request.timeout = std::chrono::seconds(1);
      calls.emplace_back(std::move(start));
    }
    driver.Execute(std::move(calls));
    const auto ended = driver.Wait(10);
    ASSERT_EQ(ended.size(), 10U);
    for (const ports::CallCompleted& call : ended) {
      EXPECT_EQ(Summary(call.outcome), "timeout, maybe processed");
    }
    EXPECT_EQ(server.posts(), 10);
  }
}

class ErrorStatus : public testing::TestWithParam<int> {};

TEST_P(ErrorStatus, ComesAsAResponseWithItsHeadersAndBody) {
  FaultyServer server(
      SendAndClose(Response(GetParam(), R"({"error":"no"})", "Retry-After: 7\r\n")));
  Driver driver(LocalEndpoint(server.Url()));
  const ports::HttpOutcome outcome = driver.Run(Post(1));
  EXPECT_EQ(Summary(outcome), std::to_string(GetParam()) + R"( {"error":"no"})");
  const auto& headers = std::get<ports::HttpResponse>(outcome).headers;
  EXPECT_EQ(headers.back(), (model::Header{"retry-after", "7"}));
  EXPECT_EQ(server.posts(), 1);
}

INSTANTIATE_TEST_SUITE_P(Table, ErrorStatus,
                         testing::Values(400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504,
                                         529));

class Redirect : public testing::TestWithParam<int> {};

TEST_P(Redirect, ComesAsAResponseAndIsNotFollowed) {
  FaultyServer other(AlwaysAnswer("stolen"));
  FaultyServer server(
      SendAndClose(Response(GetParam(), "", "Location: " + other.Url() + "/chat\r\n")));
  Endpoint endpoint = LocalEndpoint(server.Url());
  endpoint.credentials.push_back({"x-api-key", "", base::Secret("k-secret")});
  Driver driver(std::move(endpoint));
  EXPECT_EQ(Summary(driver.Run(Post(1))), std::to_string(GetParam()) + " ");
  EXPECT_EQ(server.posts(), 1);
  EXPECT_EQ(other.connections(), 0);
}

INSTANTIATE_TEST_SUITE_P(Table, Redirect, testing::Values(301, 302, 303, 307, 308));

TEST(Timeout, CoversAServerThatSendsAByteNowAndThen) {
  FaultyServer server(AfterRequest([](Connection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\n\r\n");
    // Slow for the test's patience, not for the deadline of a connection without traffic.
    while (connection.Send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall start = Post(1);
  start.request.timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(Summary(driver.Run(std::move(start))), "timeout, maybe processed");
}

TEST(Timeout, OfZeroSendsNothing) {
  FaultyServer server(AlwaysAnswer("ok"));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall start = Post(1);
  start.request.timeout = base::Duration::zero();
  EXPECT_EQ(Summary(driver.Run(std::move(start))), "timeout, not processed");
  EXPECT_EQ(server.connections(), 0);
}

std::string MessageOf(const ports::HttpOutcome& outcome) {
  const auto* failure = std::get_if<ports::TransportFailure>(&outcome);
  return failure == nullptr ? "" : failure->message;
}

TEST(IdleTimeout, EndsAResponseThatComesToAHalt) {
  FaultyServer server(SendAndStall("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc"));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall call = Post(1);
  call.request.idle_timeout = std::chrono::milliseconds(50);
  const ports::HttpOutcome outcome = driver.Run(call);
  EXPECT_EQ(Summary(outcome), "timeout, maybe processed");
  EXPECT_EQ(MessageOf(outcome), "twin: the answer came to a halt");
  EXPECT_EQ(server.posts(), 1);
}

TEST(IdleTimeout, CountsFromTheFirstPieceOfTheBody) {
  FaultyServer server(SendAndStall("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall call = Post(1);
  call.request.idle_timeout = std::chrono::milliseconds(1);
  call.request.timeout = std::chrono::milliseconds(1500);
  const ports::HttpOutcome outcome = driver.Run(call);
  EXPECT_EQ(Summary(outcome), "timeout, maybe processed");
  EXPECT_NE(MessageOf(outcome), "twin: the answer came to a halt") << "a model may think for long";
}

TEST(IdleTimeout, IsNothingToAnAnswerInTime) {
  FaultyServer server(AlwaysAnswer("fine"));
  Driver driver(LocalEndpoint(server.Url()));
  for (std::uint64_t number = 1; number <= 20; ++number) {
    ports::StartCall call = Post(number);
    call.request.idle_timeout = std::chrono::seconds(5);
    EXPECT_EQ(Summary(driver.Run(call)), "200 fine");
  }
}

TEST(Limit, CountsTheBodyToTheByte) {
  FaultyServer server(AlwaysAnswer("12345"));
  Driver driver(LocalEndpoint(server.Url()));
  ports::StartCall fits = Post(1);
  fits.request.max_response_bytes = 5;
  EXPECT_EQ(Summary(driver.Run(std::move(fits))), "200 12345");
  ports::StartCall too_small = Post(2);
  too_small.request.max_response_bytes = 4;
  EXPECT_EQ(Summary(driver.Run(std::move(too_small))), "response_too_large, maybe processed");
}

TEST(Connecting, ToAPortWhereNobodyListensFails) {
  std::string url;
  {
    FaultyServer gone(AlwaysAnswer("ok"));
    url = gone.Url();
  }
  Driver driver(LocalEndpoint(url));
  const ports::HttpOutcome outcome = driver.Run(Post(1));
  EXPECT_EQ(Summary(outcome), "connect, not processed");
  EXPECT_EQ(std::get<ports::TransportFailure>(outcome).message,
            "twin: Couldn't connect to server (Connection refused)");
}

TEST(Connecting, HasATimeOfItsOwn) {
  // Takes the connection and never says a word of TLS.
  FaultyServer server([](Connection& connection) { connection.WaitForPeer(); });
  Endpoint endpoint = LocalEndpoint("https://127.0.0.1:" + std::to_string(server.port()));
  endpoint.connect_timeout = std::chrono::milliseconds(200);
  Driver driver(std::move(endpoint));
  EXPECT_EQ(Summary(driver.Run(Post(1))), "connect, not processed");
}

TEST(Connecting, IsPartOfTheRequestsTime) {
  FaultyServer server([](Connection& connection) { connection.WaitForPeer(); });
  Driver driver(LocalEndpoint("https://127.0.0.1:" + std::to_string(server.port())));
  ports::StartCall start = Post(1);
  start.request.timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(Summary(driver.Run(std::move(start))), "timeout, not processed");
}

}  // namespace
}  // namespace llmbatch::http
