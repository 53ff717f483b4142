// Pulse: Health, written by the driver's thread and read by others.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"
#include "kafka/health.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {

class Pulse {
 public:
  Pulse() : last_progress_(runtime::ReadClock().steady) {}

  // Each by the driver's thread alone.
  void Progress(base::Timestamp now) { last_progress_ = now; }
  void Broken() { broken_ = true; }
  void Rebuilt() {
    broken_ = false;
    ++rebuilds_;
  }

  // From any thread.
  Health Read() const {
    return Health{.last_progress = last_progress_, .broken = broken_, .rebuilds = rebuilds_};
  }

 private:
  std::atomic<base::Timestamp> last_progress_;
  std::atomic<bool> broken_ = false;
  std::atomic<std::int64_t> rebuilds_ = 0;
};

}  // namespace llmbatch::kafka
