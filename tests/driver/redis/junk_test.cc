// A peer that is no Redis, or a broken one: every command fails in order, and nothing else happens.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::milliseconds;

// Answers the n-th message of each connection with the n-th text, and every further one with the
// last text.
class Peer {
 public:
  explicit Peer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "junk_XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    listen(listener_, 16);
    thread_ = std::thread([this] { Run(); });
  }
  ~Peer() {
    stop_ = true;
    thread_.join();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }

  std::string path() const { return folder_ + "/socket"; }
  std::string url() const { return "unix://" + path(); }

 private:
  struct Client {
    int fd;
    std::size_t messages = 0;
  };

  void Run() {
    std::vector<Client> clients;
    while (!stop_) {
      std::vector<pollfd> polled = {{.fd = listener_, .events = POLLIN, .revents = 0}};
      for (const Client& client : clients) {
        polled.push_back({.fd = client.fd, .events = POLLIN, .revents = 0});
      }
      poll(polled.data(), polled.size(), 10);
      for (std::size_t i = 1; i < polled.size(); ++i) {
        if (polled[i].revents != 0) Answer(clients[i - 1]);
      }
      std::erase_if(clients, [](const Client& client) { return client.fd < 0; });
      if (polled[0].revents != 0) {
        clients.push_back({.fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)});
      }
    }
    for (const Client& client : clients) close(client.fd);
  }

  void Answer(Client& client) const {
    std::array<char, 65536> buffer;
    if (recv(client.fd, buffer.data(), buffer.size(), 0) <= 0) {
      close(client.fd);
      client.fd = -1;
      return;
    }
    const std::string& text = answers_[std::min(client.messages, answers_.size() - 1)];
    ++client.messages;
    [[maybe_unused]] const ssize_t sent =
        send(client.fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  std::vector<std::string> answers_;
  std::string folder_;
  int listener_ = -1;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

std::string RandomBytes(std::uint64_t seed) {
  base::Rng rng(seed);
  std::string bytes(4096, '\0');
  for (char& byte : bytes) byte = static_cast<char>(rng.Below(256));
  return bytes;
}

// The answer to a question about one pool and one class, but for the holds and adaptive limits.
const std::string kPermits = "*7\r\n*3\r\n" + Repeat(":1\r\n", 3) + "*1\r\n" + Repeat(":1\r\n", 4);

std::vector<std::string> Junk() {
  std::vector<std::string> junk = {
      "\r\n",
      std::string(100, '\0'),
      "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
      "$99999999999999999999\r\n",
      "$9999999999\r\nabc",
      "$2147483648\r\nabc",
      "$-5\r\n",
      "$x\r\n",
      "$5\r\nab",
      "$3\r\nabcdef",
      "*99999999999999999999\r\n",
      "*4611686018427387904\r\n",
      "*2147483648\r\n",
      "*2147483647\r\n",
      "*4294967303\r\n",
      "*100000000\r\n:1\r\n",
      "*-7\r\n",
      "*-1\r\n",
      "*0\r\n",
      ":x\r\n",
      ":99999999999999999999\r\n",
      ":1\r\n",
      ":\r\n",
      "+\r\n",
      "-\r\n",
      "-ERR\r\n",
      "-MOVED 1 127.0.0.1:1\r\n",
      "-noscript\r\n",
      "$-1\r\n",
      "$0\r\n\r\n",
      "*7\r\n" + Repeat("$1\r\n1\r\n", 7),
      "*7\r\n" + Repeat("$-1\r\n", 7),
      "*6\r\n" + Repeat(":1\r\n", 6),
      "*7\r\n" + Repeat(":1\r\n", 7),
      "*7\r\n*2\r\n" + Repeat(":1\r\n", 2) + "*1\r\n" + Repeat(":1\r\n", 4) + "*0\r\n*0\r\n",
      "*7\r\n*3\r\n" + Repeat(":1\r\n", 3) + "*2\r\n" + Repeat(":1\r\n", 5) + "*0\r\n*0\r\n",
      kPermits + ":1\r\n*0\r\n",
      kPermits + "*1\r\n:1\r\n*0\r\n",
      kPermits + "*1\r\n$9\r\n-1 1 p/m  \r\n*0\r\n",
      kPermits + "*1\r\n$7\r\n1 1 p-m\r\n*0\r\n",
      kPermits + "*0\r\n:1\r\n",
      kPermits + "*0\r\n*3\r\n" + Repeat(":1\r\n", 3),
      "*5\r\n" + Repeat(":9\r\n", 5),
      "*5\r\n:1\r\n:0\r\n:1\r\n:0\r\n:2\r\n",
      "*1\r\n*1\r\n:1\r\n",
      "*1\r\n-ERR\r\n",
      "*1\r\n:5\r\n",
      "*4096\r\n" + Repeat(":1\r\n", 4096),
      Repeat("*1\r\n", 7) + ":1\r\n",
      Repeat("*1\r\n", 1000),
      Repeat("*4096\r\n", 20),
      "+" + std::string(100'000, 'a'),
      "%1\r\n+a\r\n:1\r\n",
      "_\r\n",
      ">3\r\n+message\r\n+a\r\n+b\r\n",
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) junk.push_back(RandomBytes(seed));
  return junk;
}

RedisOptions Impatient(const Peer& peer) {
  RedisOptions options = Replica::Options(peer.url());
  options.timeouts.reply = milliseconds(50);
  return options;
}

void ExpectEveryCommandFails(const Peer& peer) {
  Replica replica(Impatient(peer));
  EXPECT_FALSE(replica.Sync(1).ok());
  EXPECT_FALSE(replica.ask().LookUp({"key"}).ok());
  EXPECT_FALSE(replica.ask().Store({{"key", "value"}}, std::chrono::seconds(1)).ok());
}

// What a sound server says to the first three messages: PING; the names of the scripts and INFO;
// CONFIG GET.
constexpr std::string_view kGreeting = "+PONG\r\n";
constexpr std::string_view kPrepared =
    "$3\r\nsha\r\n$3\r\nsha\r\n$3\r\nsha\r\n$3\r\nsha\r\n$3\r\nsha\r\n$3\r\nsha\r\n$-1\r\n$-1\r\n";
constexpr std::string_view kSettings = "*0\r\n*0\r\n*0\r\n*0\r\n";

TEST(Junk, FromTheFirstByteOn) {
  for (const std::string& junk : Junk()) {
    SCOPED_TRACE(::testing::PrintToString(junk.substr(0, 40)));
    ExpectEveryCommandFails(Peer({junk}));
  }
}

TEST(Junk, AsTheAnswerToACommand) {
  for (const std::string& junk : Junk()) {
    SCOPED_TRACE(::testing::PrintToString(junk.substr(0, 40)));
    const Peer peer({std::string(kGreeting), std::string(kPrepared), std::string(kSettings), junk});
    for (int command = 0; command < 5; ++command) {
      Replica replica(Impatient(peer));
      if (command == 0) {
        EXPECT_FALSE(replica.Sync(1).ok());
      } else if (command == 3) {
        ports::ReserveCalls reserve;
        reserve.limits = {{.name = "r", .size = 1, .keep = {}}};
        reserve.calls = {{{.limit = 0, .amount = 1}}};
        EXPECT_FALSE(replica.ask().Reserve(reserve).ok());
      } else if (command == 4) {
        const auto shared = replica.ask().Share({{.name = "r", .ratio = 1, .keep = 1, .add = 1}});
        EXPECT_FALSE(shared.ok() && junk.substr(0, 2) != "*1");
      } else if (command == 1) {
        const auto found = replica.ask().LookUp({"key"});
        EXPECT_FALSE(found.ok() && junk.substr(0, 2) != "*1");
      } else {
        EXPECT_FALSE(replica.ask().Store({{"key", ""}}, std::chrono::seconds(1)).ok());
      }
    }
  }
}

TEST(Junk, MoreAnswersThanQuestionsEndTheConnection) {
  const std::string state = kPermits + "*0\r\n*0\r\n";
  const Peer peer(
      {std::string(kGreeting), std::string(kPrepared), std::string(kSettings), state + state});
  Replica replica(Impatient(peer));
  const auto first = replica.Sync(0);
  EXPECT_TRUE(first.ok());
  EXPECT_TRUE(Eventually([&] {
    const auto next = replica.Sync(0);
    return !next.ok() && next.error().kind == base::ErrorKind::kUnavailable;
  }));
}

TEST(Junk, RedisClusterIsNamed) {
  const Peer peer({std::string(kGreeting), std::string(kPrepared), std::string(kSettings),
                   "-MOVED 1 127.0.0.1:1\r\n"});
  Replica replica(Impatient(peer));
  const auto state = replica.Sync(1);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().kind, base::ErrorKind::kInvalid);
  EXPECT_NE(state.error().message.find("Redis Cluster"), std::string::npos);
}

}  // namespace
}  // namespace llmbatch::redis
