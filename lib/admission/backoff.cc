#include "admission/backoff.h"

#include <algorithm>

namespace llmbatch::admission {

base::Duration NextDelay(const BackoffOptions& options, int attempts, base::Rng& rng) {
  base::Duration ceiling = options.first;
  for (int i = 1; i < attempts && ceiling < options.longest; ++i) ceiling *= 2;
  ceiling = std::min(ceiling, options.longest);
  return base::Duration(
      static_cast<base::Duration::rep>(rng.Unit() * static_cast<double>(ceiling.count())));
}

}  // namespace llmbatch::admission
