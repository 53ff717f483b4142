// One replica's coordinator with its inbox, as the tests use it.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "redis/coordinator.h"
#include "unit/coordinator/asker.h"

namespace llmbatch::redis {

// Asks until `condition` holds, for 20 s at the most.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

class Replica {
 public:
  // Grants at once unless `options` say otherwise.
  static RedisOptions Options(const std::string& url, const std::string& name = "test:1") {
    RedisOptions options;
    options.url = url;
    options.replica = name;
    options.learning = base::Duration::zero();
    options.reconnect.longest = std::chrono::milliseconds(200);
    return options;
  }

  explicit Replica(RedisOptions options)
      : coordinator_(*RedisCoordinator::Start(std::move(options), inbox_)) {}

  // A sync that knows what the last answered one said.
  base::Result<coordinator::OnePoolState> Sync(std::int64_t want, bool relearn = false) {
    auto state = ask_.Sync({.granted_known = granted_,
                            .released_total = released_,
                            .want = want,
                            .limit = limit_,
                            .lease = lease_,
                            .users = users_,
                            .relearn = relearn});
    if (state) granted_ = std::max(granted_, state->granted_total);
    return state;
  }
  void GiveBack(std::int64_t count) { released_ += count; }
  std::int64_t held() const { return granted_ - released_; }

  void set_lease(base::Duration lease) { lease_ = lease; }
  void set_limit(std::int64_t limit) { limit_ = limit; }
  void set_users(std::int64_t users) { users_ = users; }

  coordinator::Asker<RedisCoordinator>& ask() { return ask_; }
  RedisCoordinator& coordinator() { return *coordinator_; }
  runtime::Inbox& inbox() { return inbox_; }

 private:
  runtime::Inbox inbox_;
  std::unique_ptr<RedisCoordinator> coordinator_;
  coordinator::Asker<RedisCoordinator> ask_{*coordinator_, inbox_};
  std::int64_t granted_ = 0;
  std::int64_t released_ = 0;
  std::int64_t limit_ = 5;
  std::int64_t users_ = 1;
  base::Duration lease_ = std::chrono::seconds(15);
};

}  // namespace llmbatch::redis
