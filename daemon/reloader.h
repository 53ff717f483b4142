// Reloader: reads the configuration again when it is asked to, while the main loop goes on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "config/load.h"
#include "logging/logger.h"
#include "ports/events.h"
#include "runtime/inbox.h"

namespace llmbatch::daemon {

// Each reading ends in one event: ConfigurationLoaded, or ConfigurationRefused after all that is
// wrong has been logged. The service manager is told of its beginning and its end.
class Reloader {
 public:
  // `running` is what the daemon was started with. Inbox and logger must outlive the reloader.
  Reloader(std::string path, config::LoadOutcome running, runtime::Inbox& inbox,
           logging::Logger& logger);
  ~Reloader();
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;

  // From any thread, at once. Requests that come while one is waiting are served together.
  void Request();
  // How many of its events the core has dealt with. From the main thread.
  void SetDealtWith(std::int64_t events);

 private:
  void Run();
  ports::Event Read();

  const std::string path_;
  const config::LoadOutcome running_;
  runtime::Inbox& inbox_;
  logging::Logger& logger_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool requested_ = false;
  bool ending_ = false;
  std::int64_t posted_ = 0;
  std::int64_t dealt_with_ = 0;
  std::thread thread_;
};

}  // namespace llmbatch::daemon
