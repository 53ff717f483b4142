// RedisCoordinator: the permits and the ledger that all replicas share, in Redis.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "ports/commands.h"
#include "ports/observe.h"
#include "redis/connection.h"
#include "redis/reconnect.h"
#include "runtime/inbox.h"

namespace llmbatch::redis {

struct RedisOptions {
  // redis://[user:password@]host[:port][/database], rediss://… for TLS, or unix:///path[?db=N]
  std::string url = "redis://localhost:6379/0";
  std::string ca_file;    // with rediss://: PEM, trusted instead of the system's authorities
  std::string user;       // goes before one in the URL
  base::Secret password;  // likewise
  std::string name_space = "llmbatchd";
  // The same on every replica. Outcomes' keys are hashed with it; empty: they stay as they are.
  base::Secret ledger_secret;
  std::string replica;  // "<instance>:<start>", where <start> differs with each start
  // How long nothing is granted when Redis may have lost what it knew, and at a first start. Must
  // be long enough for every replica to ask once: a quarter of the lease and the time to reconnect.
  base::Duration learning = std::chrono::seconds(5);
  Timeouts timeouts;
  ReconnectOptions reconnect;
  // State changes and warnings. Called on the coordinator's threads, one at a time for each of two.
  std::function<void(ports::LogLine)> log;
};

// Two threads with a connection each, one for commands and one that is told of granted permits.
// Everything is called from the main thread; nothing there waits for Redis.
//
// Each command that has a completion gets exactly one in the inbox. While Redis is away that is an
// error at once; what was under way when it went fails as well, though Redis may have done it. An
// error of Redis' own state (read-only, loading, out of memory or disk, busy) is kUnavailable.
class RedisCoordinator {
 public:
  // An error only for options that are wrong: a server that is away now may come later. Commands
  // given before the first attempt to connect has ended wait for it.
  static base::Result<std::unique_ptr<RedisCoordinator>> Start(RedisOptions options,
                                                               runtime::Inbox& inbox);
  ~RedisCoordinator();
  RedisCoordinator(const RedisCoordinator&) = delete;
  RedisCoordinator& operator=(const RedisCoordinator&) = delete;

  void Execute(ports::SyncPermits command);
  void Execute(ports::ReserveCalls command);
  void Execute(ports::HoldRoute command);
  void Execute(ports::ShareRatios command);
  void Execute(ports::LookUpOutcomes command);
  void Execute(ports::MarkSent command);
  void Execute(ports::ReleaseClaims command);
  void Execute(ports::StoreOutcomes command);
  void Execute(ports::TakeJobRecord command);
  void Execute(ports::SaveJobRecord command);
  void Execute(ports::AskJobMember command);
  void Execute(ports::CommandJobRecord command);
  void Execute(ports::FetchDocument command);  // of those that are kept here

  // Whether there is a connection. From any thread.
  bool up() const;

  // Completes what is under way, and everything after it, as kAborted. Comes back when the threads
  // have ended, which may take as long as looking up a host's name.
  void Stop();

 private:
  class Impl;
  explicit RedisCoordinator(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace llmbatch::redis
