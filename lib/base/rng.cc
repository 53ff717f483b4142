#include "base/rng.h"

#include "base/check.h"

namespace llmbatch::base {

std::uint64_t Rng::Below(std::uint64_t bound) {
  LLMBATCH_CHECK(bound > 0);
  // Values of the last, incomplete block would make small results likelier, so they are drawn
  // again.
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t drawn = engine_();
  while (drawn >= limit) drawn = engine_();
  return drawn % bound;
}

}  // namespace llmbatch::base
