#include "base/rng.h"

#include <gtest/gtest.h>

#include <array>

namespace llmbatch::base {
namespace {

TEST(Rng, GivesTheSameSequenceForTheSameSeed) {
  Rng one(42);
  Rng two(42);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.Uint64(), two.Uint64());
}

TEST(Rng, SpreadsBelowABoundEvenly) {
  Rng rng(7);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60'000; ++i) ++counts[rng.Below(6)];
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

}  // namespace
}  // namespace llmbatch::base
