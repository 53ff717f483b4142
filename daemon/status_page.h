// StatusPage: the last picture of the core, for the admin server's threads.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "pipeline/pipeline.h"

namespace llmbatch::daemon {

struct StatusFacts {
  std::string version;
  std::string instance;
  std::string librdkafka;  // its version
};

// Set by the main loop, read from any thread.
class StatusPage {
 public:
  explicit StatusPage(StatusFacts facts) : facts_(std::move(facts)) {}

  void Update(const pipeline::Status& status);
  // JSON as in the documentation of /status.
  std::string Json() const;
  // Not before the first Update(), and not while stopping.
  bool ready() const;

 private:
  const StatusFacts facts_;
  mutable std::mutex mutex_;
  std::string json_ = "{}";
  bool ready_ = false;
};

}  // namespace llmbatch::daemon
