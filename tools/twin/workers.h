// Workers: a server that works on so many requests at a time. Others wait in its queue, so that
// answers take the longer the more is asked.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "base/time.h"

namespace llmbatch::twin {

// One thread.
class Workers {
 public:
  // 0: no request waits.
  explicit Workers(std::uint64_t count) : count_(count) {}

  // A request has come that takes so long by itself. Returns after what time it is done. A client
  // that goes away ends nothing.
  base::Duration Take(base::Duration work, base::Timestamp now);

 private:
  std::uint64_t count_;
  // When each worker that ever had a request is done with all that it has.
  std::priority_queue<base::Timestamp, std::vector<base::Timestamp>, std::greater<>> done_at_;
};

}  // namespace llmbatch::twin
