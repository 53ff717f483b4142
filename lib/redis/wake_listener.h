// Hears when this replica was granted permits, when a provider holds all replicas, and when a job
// is to be cancelled, and tells the core by PermitsOffered, RouteHeld and JobCancelRequested.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "ports/observe.h"
#include "redis/address.h"
#include "redis/connection.h"
#include "redis/reconnect.h"
#include "redis/reply.h"
#include "redis/wakeup.h"
#include "runtime/inbox.h"

namespace llmbatch::redis {

struct WakeListenerOptions {
  Address address;
  std::string wake_channel;  // of grants
  std::string hold_channel;
  std::string cancel_channel;
  Timeouts timeouts;
  ReconnectOptions reconnect;
  std::function<void(ports::LogLine)> log;  // called on the listener's thread
};

// A thread with a connection of its own that only listens. What is missed while it is away is made
// up for: each time that it is connected again it says PermitsOffered once, and the core asks of
// its own accord well within each lease; and whoever saves a job's record is told of cancellations.
class WakeListener {
 public:
  WakeListener(WakeListenerOptions options, runtime::Inbox& inbox);
  // Takes as long as looking up a host's name, at the most.
  ~WakeListener();
  WakeListener(const WakeListener&) = delete;
  WakeListener& operator=(const WakeListener&) = delete;

 private:
  void Run();
  void Listen(Connection& connection);
  void Tell(ReplyView message);
  void LogRefusal(const base::Error& error);

  WakeListenerOptions options_;
  runtime::Inbox& inbox_;
  Reconnect reconnect_;
  Wakeup stop_;
  bool refusal_logged_ = false;
  std::thread thread_;
};

}  // namespace llmbatch::redis
