// A redis-server of a test's own, on a unix socket in a temporary folder.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace llmbatch::redis {

// A TCP port that was free a moment ago.
int FreePort();

class RedisServer {
 public:
  // `settings` are further arguments, such as {"--requirepass", "x"}.
  explicit RedisServer(std::vector<std::string> settings = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  // Returns when it answers.
  void Start();
  void Kill();
  void Pause();
  void Resume();

  // Sends a command as one line and returns the first line of the answer.
  std::string Command(const std::string& line) const;

  std::string socket() const { return folder_ + "/redis.sock"; }
  std::string url() const { return "unix://" + socket(); }

 private:
  std::vector<std::string> settings_;
  std::string folder_;
  pid_t pid_ = -1;
};

}  // namespace llmbatch::redis
