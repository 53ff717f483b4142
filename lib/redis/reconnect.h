// How long to wait before the next attempt to reach a server that is away.
#pragma once

#include "base/rng.h"
#include "base/time.h"

namespace llmbatch::redis {

struct ReconnectOptions {
  base::Duration first = std::chrono::milliseconds(100);
  base::Duration longest = std::chrono::seconds(5);
};

// Anything from nothing to a bound that doubles, so that replicas don't come back all at once.
// Belongs to one thread.
class Reconnect {
 public:
  explicit Reconnect(ReconnectOptions options);

  // Waits; ends early when `stop_fd` becomes readable.
  void Wait(int stop_fd);
  // The server has served us: the next wait is a short one again.
  void Reset() { bound_ = options_.first; }

 private:
  ReconnectOptions options_;
  base::Duration bound_;
  base::Rng rng_;
};

}  // namespace llmbatch::redis
