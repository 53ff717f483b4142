// SignalThread: turns SIGTERM and SIGINT into events, SIGHUP into a reload.
#pragma once

#include <functional>
#include <thread>

#include "runtime/inbox.h"

namespace llmbatch::daemon {

// The first signal asks for a graceful stop, every further one for a stop at once.
class SignalThread {
 public:
  // Must be called before any other thread is started: threads inherit that these signals are
  // blocked.
  static void BlockSignals();

  // `reload` is called for each SIGHUP and must not block.
  SignalThread(runtime::Inbox& inbox, std::function<void()> reload);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::thread thread_;
};

}  // namespace llmbatch::daemon
