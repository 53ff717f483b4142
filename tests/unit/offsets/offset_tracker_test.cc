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

TEST(OffsetTracker, TellsWhatIsDoneAboveTheLowestOpenRecord) {
  OffsetTracker tracker(10);
  for (const int offset : {10, 11, 12, 15, 16}) EXPECT_TRUE(tracker.Begin(offset));
  EXPECT_EQ(tracker.Done(), (DoneRanges{{13, 15}})) << "a gap counts as done";
  tracker.Finish(11);
  tracker.Finish(16);
  EXPECT_EQ(tracker.Done(), (DoneRanges{{11, 12}, {13, 15}, {16, 17}}));
}

TEST(OffsetTracker, LeavesAloneWhatAnOwnerBeforeFinished) {
  OffsetTracker tracker(10, {{11, 13}, {14, 20}});
  EXPECT_EQ(tracker.Committable(), 10);
  EXPECT_TRUE(tracker.Begin(10));
  for (const int offset : {11, 12}) EXPECT_FALSE(tracker.Begin(offset));
  EXPECT_TRUE(tracker.Begin(13));
  EXPECT_FALSE(tracker.Begin(14));
  tracker.Finish(10);
  tracker.Finish(13);
  EXPECT_EQ(tracker.Committable(), 20) << "although 15 to 19 were not delivered again";
  EXPECT_TRUE(tracker.Begin(20));
}

TEST(OffsetTracker, HandsOnWhatItHasNotReadAgainYet) {
  OffsetTracker tracker(10, {{11, 13}, {14, 20}});
  EXPECT_EQ(tracker.Done(), (DoneRanges{{11, 13}, {14, 20}}));
  EXPECT_TRUE(tracker.Begin(10));
  tracker.Finish(10);
  EXPECT_EQ(tracker.Committable(), 13);
  EXPECT_EQ(tracker.Done(), (DoneRanges{{14, 20}}));
}

TEST(OffsetTracker, PassesWhatIsDoneAtTheVeryBeginning) {
  EXPECT_EQ(OffsetTracker(10, {{10, 13}}).Committable(), 13);
}

TEST(OffsetTracker, ANewOwnerFinishesExactlyWhatIsLeft) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    base::Rng rng(seed);
    std::vector<int> times(200, 0);
    std::int64_t committed = 0;
    DoneRanges done;
    // Owners that read some way, finish some records in any order, and vanish after a commit.
    while (committed < 200) {
      OffsetTracker tracker(committed, done);
      const auto reads_to =
          std::min<std::int64_t>(200, committed + 1 + static_cast<std::int64_t>(rng.Below(100)));
      for (std::int64_t offset = committed; offset < reads_to; ++offset) {
        if (!tracker.Begin(offset)) continue;
        if (rng.Chance(0.4)) continue;
        tracker.Finish(offset);
        ++times[static_cast<std::size_t>(offset)];
      }
      committed = tracker.Committable().value();
      const auto read = DecodeDoneMap(committed, EncodeDoneMap(committed, tracker.Done()));
      ASSERT_TRUE(read.has_value());
      done = *read;
    }
    for (const int each : times) ASSERT_EQ(each, 1) << "seed " << seed;
  }
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
