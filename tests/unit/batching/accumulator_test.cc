#include "batching/accumulator.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace llmbatch::batching {
namespace {

using std::chrono::milliseconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr BatchBounds kBounds{.max_tokens = 100, .max_items = 3};

std::vector<std::uint64_t> Ids(const ClosedBatch& batch) {
  std::vector<std::uint64_t> ids;
  for (const model::RequestId id : batch.requests) ids.push_back(id.value);
  return ids;
}

TEST(Accumulator, GathersWhatFits) {
  Accumulator accumulator(milliseconds(200));
  EXPECT_TRUE(accumulator.Add({1}, 50, kBounds, kStart).empty());
  EXPECT_TRUE(accumulator.Add({2}, 50, kBounds, kStart).empty());
  EXPECT_FALSE(accumulator.empty());
}

TEST(Accumulator, ClosesBeforeTheItemThatNoLongerFits) {
  Accumulator accumulator(milliseconds(200));
  static_cast<void>(accumulator.Add({1}, 60, kBounds, kStart));
  const auto closed = accumulator.Add({2}, 41, kBounds, kStart);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(Ids(closed[0]), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(closed[0].tokens, 60);
  EXPECT_EQ(closed[0].reason, CloseReason::kTokens);
  EXPECT_FALSE(accumulator.empty());
}

TEST(Accumulator, ClosesWhenTheLastItemIsIn) {
  Accumulator accumulator(milliseconds(200));
  static_cast<void>(accumulator.Add({1}, 1, kBounds, kStart));
  static_cast<void>(accumulator.Add({2}, 1, kBounds, kStart));
  const auto closed = accumulator.Add({3}, 1, kBounds, kStart);
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(Ids(closed[0]), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(closed[0].reason, CloseReason::kItems);
  EXPECT_TRUE(accumulator.empty());
}

TEST(Accumulator, OneItemCanCloseTwoBatches) {
  Accumulator accumulator(milliseconds(200));
  static_cast<void>(accumulator.Add({1}, 60, kBounds, kStart));
  const auto closed =
      accumulator.Add({2}, 60, BatchBounds{.max_tokens = 100, .max_items = 1}, kStart);
  ASSERT_EQ(closed.size(), 2U);
  EXPECT_EQ(closed[0].reason, CloseReason::kTokens);
  EXPECT_EQ(closed[1].reason, CloseReason::kItems);
  EXPECT_EQ(Ids(closed[1]), (std::vector<std::uint64_t>{2}));
}

TEST(Accumulator, ClosesAtOnceWhatABoundThatShrankWouldNotHold) {
  Accumulator accumulator(std::chrono::seconds(1));
  for (std::uint64_t i = 1; i <= 4; ++i) {
    EXPECT_TRUE(
        accumulator.Add(model::RequestId{i}, 1, {.max_tokens = 100, .max_items = 5}, {}).empty());
  }
  const auto closed =
      accumulator.Add(model::RequestId{5}, 1, {.max_tokens = 100, .max_items = 2}, {});
  ASSERT_EQ(closed.size(), 1U);
  EXPECT_EQ(closed[0].requests.size(), 4U);
  EXPECT_EQ(closed[0].reason, CloseReason::kItems);
}

TEST(Accumulator, LingersFromTheFirstItemOn) {
  Accumulator accumulator(milliseconds(200));
  EXPECT_EQ(accumulator.Deadline(), std::nullopt);
  static_cast<void>(accumulator.Add({1}, 1, kBounds, kStart));
  static_cast<void>(accumulator.Add({2}, 1, kBounds, kStart + milliseconds(150)));
  EXPECT_EQ(accumulator.Deadline(), kStart + milliseconds(200));
  EXPECT_FALSE(accumulator.Expire(kStart + milliseconds(199)).has_value());
  const auto closed = accumulator.Expire(kStart + milliseconds(200));
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(Ids(*closed), (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(closed->reason, CloseReason::kLinger);
  EXPECT_EQ(accumulator.Deadline(), std::nullopt);
}

TEST(Accumulator, TheItemThatDidNotFitLingersFromItsOwnArrival) {
  Accumulator accumulator(milliseconds(200));
  static_cast<void>(accumulator.Add({1}, 60, kBounds, kStart));
  static_cast<void>(accumulator.Add({2}, 60, kBounds, kStart + milliseconds(150)));
  EXPECT_EQ(accumulator.Deadline(), kStart + milliseconds(350));
}

TEST(Accumulator, FlushesWhatThereIs) {
  Accumulator accumulator(milliseconds(200));
  EXPECT_FALSE(accumulator.Flush().has_value());
  static_cast<void>(accumulator.Add({1}, 1, kBounds, kStart));
  const auto closed = accumulator.Flush();
  ASSERT_TRUE(closed.has_value());
  EXPECT_EQ(closed->reason, CloseReason::kFlush);
  EXPECT_FALSE(accumulator.Flush().has_value());
}

// Whatever comes: every item leaves once, in order, in a batch within the bounds.
TEST(AccumulatorProperty, KeepsItsBoundsAndLosesNothing) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    base::Rng rng(seed);
    const BatchBounds bounds{.max_tokens = static_cast<std::int64_t>(rng.Below(500)) + 1,
                             .max_items = static_cast<std::int64_t>(rng.Below(10)) + 1};
    Accumulator accumulator(milliseconds(rng.Below(300)));
    base::Timestamp now = kStart;
    std::vector<std::uint64_t> left;
    const auto take = [&](const ClosedBatch& batch) {
      EXPECT_FALSE(batch.requests.empty());
      EXPECT_LE(batch.tokens, bounds.max_tokens);
      EXPECT_LE(batch.requests.size(), static_cast<std::size_t>(bounds.max_items));
      for (const std::uint64_t id : Ids(batch)) left.push_back(id);
    };
    for (std::uint64_t id = 1; id <= 300; ++id) {
      now += milliseconds(rng.Below(50));
      if (const auto batch = accumulator.Expire(now)) take(*batch);
      const auto tokens =
          static_cast<std::int64_t>(rng.Below(static_cast<std::uint64_t>(bounds.max_tokens)) + 1);
      for (const ClosedBatch& batch : accumulator.Add({id}, tokens, bounds, now)) take(batch);
      if (rng.Chance(0.02)) {
        if (const auto batch = accumulator.Flush()) take(*batch);
      }
    }
    if (const auto batch = accumulator.Flush()) take(*batch);
    ASSERT_EQ(left.size(), 300U);
    for (std::uint64_t i = 0; i < left.size(); ++i) EXPECT_EQ(left[i], i + 1);
  }
}

}  // namespace
}  // namespace llmbatch::batching
