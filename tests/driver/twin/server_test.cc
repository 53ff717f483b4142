#include <arpa/inet.h>
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "twin/json.h"

extern char** environ;

namespace llmbatch::twin {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr auto kDeadline = 20s;
constexpr char kPrompt[] = R"({"model":"m","messages":[{"role":"user","content":"Hello?"}]})";

// The provider-twin binary, running on a port of its own.
class TwinProcess {
 public:
  explicit TwinProcess(std::vector<std::string> arguments) {
    const std::string binary = std::string(LLMBATCH_BINARY_DIR) + "/bin/provider-twin";
    arguments.insert(arguments.begin(), binary);
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    int out[2];
    if (pipe(out) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    if (posix_spawn(&pid_, binary.c_str(), &actions, nullptr, argv.data(), environ) != 0) pid_ = 0;
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    ReadPort(out[0]);
  }
  ~TwinProcess() {
    if (pid_ != 0) Stop();
  }
  TwinProcess(const TwinProcess&) = delete;
  TwinProcess& operator=(const TwinProcess&) = delete;

  int port() const { return port_; }
  // Ends it with SIGTERM and returns its exit code.
  int Stop() {
    kill(pid_, SIGTERM);
    return Wait();
  }
  int Wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  void ReadPort(int fd) {
    FILE* const out = fdopen(fd, "r");
    char line[200] = "";
    if (std::fgets(line, sizeof line, out) != nullptr) {
      std::sscanf(line, "listening on 127.0.0.1:%d", &port_);
    }
    std::fclose(out);
  }

  pid_t pid_ = 0;
  int port_ = 0;
};

struct Response {
  CURLcode code = CURLE_OK;
  long status = 0;
  std::string headers;
  std::string body;
  long new_connections = 0;
};

// One libcurl handle, so one connection that is kept where the server keeps it.
class Client {
 public:
  explicit Client(int port)
      : base_("http://127.0.0.1:" + std::to_string(port)), curl_(curl_easy_init()) {}
  ~Client() { curl_easy_cleanup(curl_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  Response Ask(long timeout_ms = 20'000) {
    return Post("/v1/chat/completions", kPrompt, timeout_ms);
  }
  Response Post(const std::string& path, const std::string& body, long timeout_ms = 20'000) {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, body.c_str());
    return Perform(path, timeout_ms);
  }
  Response Get(const std::string& path) {
    curl_easy_setopt(curl_, CURLOPT_HTTPGET, 1L);
    return Perform(path, 20'000);
  }
  // A number of the summary.
  std::uint64_t Figure(const char* name) {
    const auto summary = ParseJson(Get("/_twin/summary").body);
    const JsonValue* value = summary ? Find(*summary, name) : nullptr;
    return value == nullptr ? 0 : value->GetUint64();
  }

 private:
  static std::size_t Append(char* data, std::size_t size, std::size_t count, void* text) {
    static_cast<std::string*>(text)->append(data, size * count);
    return size * count;
  }
  Response Perform(const std::string& path, long timeout_ms) {
    Response response;
    curl_easy_setopt(curl_, CURLOPT_URL, (base_ + path).c_str());
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, &Client::Append);
    curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &response.body);
    curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, &Client::Append);
    curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &response.headers);
    response.code = curl_easy_perform(curl_);
    curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &response.status);
    curl_easy_getinfo(curl_, CURLINFO_NUM_CONNECTS, &response.new_connections);
    return response;
  }

  std::string base_;
  CURL* curl_;
};

bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
  }
  return false;
}

// A plain socket that has sent one request and doesn't read.
class RawRequest {
 public:
  explicit RawRequest(int port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<in_port_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{.tv_sec = kDeadline.count(), .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    connected_ = connected_ && SendRequest();
  }
  ~RawRequest() { Close(); }
  RawRequest(const RawRequest&) = delete;
  RawRequest& operator=(const RawRequest&) = delete;

  bool connected() const { return connected_; }
  // Sends the same request again, not waiting for the answer of the one before.
  void SendAgain() { SendRequest(); }
  // Reads until `text` was seen `times` times or the connection ends.
  bool Receives(std::string_view text, int times) {
    std::string read;
    char buffer[4096];
    for (ssize_t got = 0; (got = recv(socket_, buffer, sizeof buffer, 0)) > 0;) {
      read.append(buffer, static_cast<std::size_t>(got));
      int seen = 0;
      for (auto at = read.find(text); at != read.npos; at = read.find(text, at + 1)) ++seen;
      if (seen == times) return true;
    }
    return false;
  }
  void Close() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  void Reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    Close();
  }

 private:
  bool SendRequest() {
    const std::string text = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: " +
                             std::to_string(sizeof kPrompt - 1) + "\r\n\r\n" + kPrompt;
    return send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  int socket_;
  bool connected_ = false;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Server, KeepsTheConnectionOverAnswersAndErrors) {
  TwinProcess twin({"--requests-per-minute=2"});
  Client client(twin.port());
  EXPECT_EQ(client.Ask().status, 200);
  for (const long status : {200, 429, 429}) {
    const Response response = client.Ask();
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.new_connections, 0);
  }
}

TEST(Server, SendsRateLimitHeaders) {
  TwinProcess twin({"--requests-per-minute=1", "--retry-after-seconds=7"});
  Client client(twin.port());
  EXPECT_THAT(client.Ask().headers, HasSubstr("x-ratelimit-remaining-requests: 0\r\n"));
  const Response refused = client.Ask();
  EXPECT_EQ(refused.status, 429);
  EXPECT_THAT(refused.headers, HasSubstr("retry-after: 7\r\n"));
  EXPECT_THAT(refused.headers, HasSubstr("retry-after-ms: 7000\r\n"));
  EXPECT_THAT(refused.body, HasSubstr(R"("code":"rate_limit_exceeded")"));
}

TEST(Server, BreaksTheConnectionAsTold) {
  TwinProcess twin({});
  Client control(twin.port());
  const std::pair<const char*, std::vector<CURLcode>> cases[] = {
      {"reset", {CURLE_RECV_ERROR, CURLE_SEND_ERROR}},
      {"half_close", {CURLE_GOT_NOTHING}},
      {"close_mid_body", {CURLE_PARTIAL_FILE}},
      {"stall", {CURLE_OPERATION_TIMEDOUT}},
      {"timeout", {CURLE_OPERATION_TIMEDOUT}}};
  for (const auto& [fault, codes] : cases) {
    // A new client each time: libcurl silently asks again when a reused connection breaks.
    Client client(twin.port());
    control.Post("/_twin/script", std::string(R"({"next":[{"fault":")") + fault + R"("}]})");
    const bool waits = codes.front() == CURLE_OPERATION_TIMEDOUT;
    const Response response = client.Ask(waits ? 300 : 20'000);
    EXPECT_THAT(codes, ::testing::Contains(response.code)) << fault;
    const bool has_head = std::string(fault) == "stall" || std::string(fault) == "close_mid_body";
    EXPECT_EQ(response.status, has_head ? 200 : 0) << fault;
    EXPECT_EQ(response.body.empty(), !has_head) << fault;
    EXPECT_EQ(client.Ask().status, 200) << "after " << fault;
  }
  EXPECT_TRUE(Eventually([&] { return control.Figure("open_requests") == 0; }));
  EXPECT_EQ(control.Figure("client_closed"), 3U);  // half_close, stall and timeout
}

TEST(Server, AnswersNoEarlierThanTold) {
  TwinProcess twin({"--latency-ms=50"});
  Client client(twin.port());
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(client.Ask().status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 50ms);
}

TEST(Server, NoticesThatAWaitingClientLeft) {
  TwinProcess twin({"--latency-ms=600000"});
  Client control(twin.port());
  RawRequest closes(twin.port());
  RawRequest resets(twin.port());
  ASSERT_TRUE(Eventually([&] { return control.Figure("open_requests") == 2; }));
  closes.Close();
  resets.Reset();
  EXPECT_TRUE(Eventually([&] { return control.Figure("open_requests") == 0; }));
  EXPECT_EQ(control.Figure("client_closed"), 2U);
  EXPECT_THAT(control.Get("/_twin/journal").body, HasSubstr(R"("client_closed":true)"));
}

TEST(Server, AnswersRequestsThatDidNotWaitForTheOneBefore) {
  TwinProcess twin({"--latency-ms=20"});
  RawRequest request(twin.port());
  request.SendAgain();
  request.SendAgain();
  EXPECT_TRUE(request.Receives("HTTP/1.1 200 OK", 3));
}

TEST(Server, HoldsTwoThousandRequests) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 3000) GTEST_SKIP() << "too few files allowed";
  TwinProcess twin({"--latency-ms=600000"});
  Client control(twin.port());
  std::vector<std::unique_ptr<RawRequest>> requests;
  for (int i = 0; i < 2000; ++i) {
    requests.push_back(std::make_unique<RawRequest>(twin.port()));
    ASSERT_TRUE(requests.back()->connected()) << i;
  }
  EXPECT_TRUE(Eventually([&] { return control.Figure("open_requests") == 2000; }));
  EXPECT_EQ(control.Figure("highest_concurrency"), 2000U);
  EXPECT_EQ(twin.Stop(), 0);
}

TEST(Server, TakesALargeRequest) {
  TwinProcess twin({});
  Client client(twin.port());
  const std::string large = R"({"model":"m","messages":[{"role":"user","content":")" +
                            std::string(4 << 20, 'x') + R"("}]})";
  EXPECT_EQ(client.Post("/v1/chat/completions", large).status, 200);
  EXPECT_EQ(client.Figure("max_prompt_tokens"), (4U << 20) / 4 + 4);
}

TEST(Server, AnswersNonsenseWithAnError) {
  TwinProcess twin({});
  Client client(twin.port());
  EXPECT_EQ(client.Get("/").status, 404);
  EXPECT_EQ(client.Get("/_twin/nothing").status, 404);
  EXPECT_EQ(client.Post("/v1/chat/completions", "nonsense").status, 400);
  EXPECT_EQ(client.Post("/_twin/script", "nonsense").status, 400);
}

TEST(Process, WritesItsPortAndItsJournal) {
  const std::string prefix = ::testing::TempDir() + "twin_" + std::to_string(getpid());
  TwinProcess twin({"--port-file", prefix + ".port", "--journal-file", prefix + ".jsonl"});
  Client client(twin.port());
  EXPECT_EQ(ReadFile(prefix + ".port"), std::to_string(twin.port()) + "\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.Ask().status, 200);
  EXPECT_EQ(twin.Stop(), 0);
  const std::string journal = ReadFile(prefix + ".jsonl");
  EXPECT_EQ(std::count(journal.begin(), journal.end(), '\n'), 3);
  EXPECT_THAT(journal, HasSubstr(R"({"sequence":3,)"));
  std::remove((prefix + ".port").c_str());
  std::remove((prefix + ".jsonl").c_str());
}

TEST(Process, RefusesAWrongCommandLine) {
  EXPECT_EQ(TwinProcess({"--nonsense"}).Wait(), 2);
  EXPECT_EQ(TwinProcess({"--listen", "nowhere"}).Wait(), 1);
}

}  // namespace
}  // namespace llmbatch::twin
