#include "offsets/offset_tracker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/rng.h"

namespace llmbatch::offsets {
namespace {

TEST(OffsetTracker, HasNothingToCommitBeforeTheFirstRecordOfAnUnknownPosition) {
  EXPECT_EQ(OffsetTracker(-1).Committable(), std::nullopt);
}

TEST(OffsetTracker, BeginsAtTheCommittedOffset) { EXPECT_EQ(OffsetTracker(42).Committable(), 42); }

TEST(OffsetTracker, StaysAtTheLowestOpenRecord) {
  OffsetTracker tracker(10);
  for (const int offset : {10, 11, 12}) EXPECT_TRUE(tracker.Begin(offset));
  tracker.Finish(12);
  tracker.Finish(11);
  EXPECT_EQ(tracker.Committable(), 10);
  EXPECT_EQ(tracker.span(), 3);
  tracker.Finish(10);
  EXPECT_EQ(tracker.Committable(), 13);
  EXPECT_EQ(tracker.span(), 0);
}

TEST(OffsetTracker, RefusesWhatWasDeliveredBefore) {
  OffsetTracker tracker(0);
  EXPECT_TRUE(tracker.Begin(0));
  EXPECT_FALSE(tracker.Begin(0));
  tracker.Finish(0);
  EXPECT_FALSE(tracker.Begin(0));
}

TEST(OffsetTracker, PassesOverGaps) {
  OffsetTracker tracker(0);
  EXPECT_TRUE(tracker.Begin(5));
  EXPECT_TRUE(tracker.Begin(4'000'000'000'000));
  tracker.Finish(5);
  EXPECT_EQ(tracker.Committable(), 4'000'000'000'000);
  EXPECT_EQ(tracker.open(), 1U);
}

TEST(OffsetTracker, NeverPassesAnOpenRecordInAnyOrderOfCompletion) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed);
    OffsetTracker tracker(0);
    std::vector<std::int64_t> open;
    std::int64_t next = 0;
    std::int64_t last = 0;
    for (int step = 0; step < 300; ++step) {
      if (open.empty() || rng.Chance(0.5)) {
        next += static_cast<std::int64_t>(rng.Below(3));
        ASSERT_TRUE(tracker.Begin(next));
        open.push_back(next++);
      } else {
        const auto at = open.begin() + static_cast<std::ptrdiff_t>(rng.Below(open.size()));
        tracker.Finish(*at);
        open.erase(at);
      }
      const std::int64_t committable = tracker.Committable().value();
      ASSERT_EQ(committable, open.empty() ? next : *std::min_element(open.begin(), open.end()));
      ASSERT_GE(committable, last);
      last = committable;
    }
  }
}

}  // namespace
}  // namespace llmbatch::offsets
