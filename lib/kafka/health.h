// Health: whether a driver's thread makes progress, for the watchdog and the metrics.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace llmbatch::kafka {

struct Health {
  // When the thread last came round. It does so every second, and every few seconds while a broker
  // keeps it waiting for committed offsets.
  base::Timestamp last_progress;
  // librdkafka has given up for good; the client is going to be replaced.
  bool broken = false;
  // Clients replaced so far.
  std::int64_t rebuilds = 0;
};

}  // namespace llmbatch::kafka
