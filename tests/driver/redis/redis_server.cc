#include "driver/redis/redis_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace llmbatch::redis {
namespace {

constexpr auto kStartTime = std::chrono::seconds(20);

}  // namespace

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

RedisServer::RedisServer(std::vector<std::string> settings) : settings_(std::move(settings)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "redis_test_XXXXXX").string();
  folder_ = mkdtemp(pattern.data());
  Start();
}

RedisServer::~RedisServer() {
  Kill();
  std::filesystem::remove_all(folder_);
}

void RedisServer::Start() {
  std::vector<std::string> arguments = {
      "redis-server",  "--port", "0", "--unixsocket", socket(), "--dir",
      folder_,         "--save", "",  "--appendonly", "no",     "--logfile",
      folder_ + "/log"};
  arguments.insert(arguments.end(), settings_.begin(), settings_.end());
  std::vector<char*> raw;
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_ = fork();
  if (pid_ == 0) {
    execvp(raw.front(), raw.data());
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kStartTime;
  for (std::string answer; answer.empty() || answer.substr(0, 8) == "-LOADING";
       answer = Command("PING")) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "redis-server doesn't answer";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::string RedisServer::Command(const std::string& line) const {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket().copy(address.sun_path, sizeof address.sun_path - 1);
  std::string answer;
  const std::string request = line + "\r\n";
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    std::array<char, 512> buffer{};
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got > 0) answer.assign(buffer.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  return answer.substr(0, answer.find('\r'));
}

void RedisServer::Kill() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::Pause() { kill(pid_, SIGSTOP); }
void RedisServer::Resume() { kill(pid_, SIGCONT); }

}  // namespace llmbatch::redis
