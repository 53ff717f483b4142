#include "twin/workers.h"

#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using std::chrono::milliseconds;

base::Timestamp At(int ms) { return base::Timestamp{milliseconds(ms)}; }

TEST(Workers, WithoutANumberNobodyWaits) {
  Workers workers(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(workers.Take(milliseconds(30), At(0)), milliseconds(30));
}

TEST(Workers, WhoComesLaterWaitsForTheFirstThatIsFree) {
  Workers workers(2);
  EXPECT_EQ(workers.Take(milliseconds(100), At(0)), milliseconds(100));
  EXPECT_EQ(workers.Take(milliseconds(40), At(0)), milliseconds(40));
  EXPECT_EQ(workers.Take(milliseconds(10), At(20)), milliseconds(30));   // from 40 to 50
  EXPECT_EQ(workers.Take(milliseconds(10), At(20)), milliseconds(40));   // from 50 to 60
  EXPECT_EQ(workers.Take(milliseconds(10), At(200)), milliseconds(10));  // both are idle
}

}  // namespace
}  // namespace llmbatch::twin
