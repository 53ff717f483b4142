// The one source of chance. Seeded by the caller, so that a run can be repeated from its seed.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace llmbatch::base {

// Not for secrets. One instance belongs to one thread.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t Uint64() { return engine_(); }
  // Uniform in [0, bound). REQUIRES: bound > 0
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1).
  double Unit() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  // True with the given probability.
  bool Chance(double probability) { return Unit() < probability; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace llmbatch::base
