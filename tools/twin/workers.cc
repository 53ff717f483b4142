#include "twin/workers.h"

#include <algorithm>

namespace llmbatch::twin {

base::Duration Workers::Take(base::Duration work, base::Timestamp now) {
  if (count_ == 0) return work;
  base::Timestamp begin = now;
  if (done_at_.size() >= count_) {
    begin = std::max(now, done_at_.top());
    done_at_.pop();
  }
  done_at_.push(begin + work);
  return begin + work - now;
}

}  // namespace llmbatch::twin
