#include "admission/turn_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace llmbatch::admission {
namespace {

using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

CallOrder Order(std::uint64_t id, int priority, FairTurns::Turn turn, base::Timestamp created) {
  return {.not_urgent = true,
          .negated_priority = -priority,
          .turn = turn,
          .id = model::BatchId{id},
          .created = created};
}

// The ids in the order in which calls are taken at that time.
std::string TakeAll(TurnQueue& queue, base::Timestamp now) {
  std::string ids;
  for (;;) {
    TurnQueue::Oldest oldest;
    queue.NoteOldest(oldest);
    const auto priority = TurnQueue::PriorityInTurn(oldest, now);
    if (!priority) return ids;
    const CallOrder first = queue.Take(*priority);
    ids += (ids.empty() ? "" : " ") + std::to_string(first.id.value);
  }
}

TEST(TurnQueue, GoesByPriorityAndThenByTurn) {
  TurnQueue queue;
  queue.Push(Order(1, 5, 30, kStart));
  queue.Push(Order(2, 5, 10, kStart));
  queue.Push(Order(3, 9, 99, kStart));
  queue.Push(Order(4, 0, 1, kStart));
  CallOrder urgent = Order(5, 0, 50, kStart);
  urgent.not_urgent = false;
  queue.Push(urgent);
  EXPECT_EQ(queue.size(), 5U);
  EXPECT_EQ(queue.FirstOfHighest().id.value, 5U);
  EXPECT_EQ(TakeAll(queue, kStart), "5 3 2 1 4");
  EXPECT_TRUE(queue.empty());
}

TEST(TurnQueue, APriorityIsWorthFiveSecondsOfWaiting) {
  for (const auto& [later, order] : {std::pair{seconds(19), "2 1"}, {seconds(21), "1 2"}}) {
    TurnQueue queue;
    queue.Push(Order(1, 5, 0, kStart));
    queue.Push(Order(2, 9, 0, kStart + later));
    EXPECT_EQ(TakeAll(queue, kStart + seconds(60)), order);
  }
}

TEST(TurnQueue, NothingStarves) {
  TurnQueue queue;
  queue.Push(Order(1'000, 0, 0, kStart));
  std::uint64_t id = 0;
  base::Timestamp now = kStart;
  for (;; now += seconds(1)) {
    queue.Push(Order(++id, 9, 0, now));
    TurnQueue::Oldest oldest;
    queue.NoteOldest(oldest);
    const CallOrder first = *queue.FirstOf(*TurnQueue::PriorityInTurn(oldest, now));
    queue.Remove(first);
    if (first.id.value == 1'000) break;
    ASSERT_LT(id, 100U) << "it still waits";
  }
  EXPECT_EQ(now - kStart, seconds(46));
}

TEST(TurnQueue, AgeGoesForAllOfAPriorityWhileTurnsGoOn) {
  TurnQueue queue;
  queue.Push(Order(1, 5, 100, kStart));               // old, and its user has had a lot
  queue.Push(Order(2, 5, 10, kStart + seconds(30)));  // of another user
  queue.Push(Order(3, 6, 10, kStart + seconds(30)));
  EXPECT_EQ(TakeAll(queue, kStart + seconds(31)), "2 1 3");
}

TEST(TurnQueue, SeveralQueuesAreOne) {
  TurnQueue first;
  TurnQueue second;
  first.Push(Order(1, 5, 20, kStart + seconds(30)));
  second.Push(Order(2, 5, 30, kStart));
  first.Push(Order(3, 6, 0, kStart + seconds(30)));
  TurnQueue::Oldest oldest;
  first.NoteOldest(oldest);
  second.NoteOldest(oldest);
  EXPECT_EQ(TurnQueue::PriorityInTurn(oldest, kStart + seconds(31)), 5);
  EXPECT_EQ(first.FirstOf(5)->turn, 20);
  EXPECT_EQ(second.FirstOf(5)->turn, 30);
  EXPECT_EQ(second.FirstOf(6), std::nullopt);
}

TEST(TurnQueue, WhatIsInOrNotInIsTold) {
  TurnQueue queue;
  EXPECT_TRUE(queue.Push(Order(1, 5, 0, kStart)));
  EXPECT_FALSE(queue.Push(Order(1, 5, 0, kStart)));
  EXPECT_TRUE(queue.Remove(Order(1, 5, 0, kStart)));
  EXPECT_FALSE(queue.Remove(Order(1, 5, 0, kStart)));
  TurnQueue::Oldest none;
  queue.NoteOldest(none);
  EXPECT_EQ(TurnQueue::PriorityInTurn(none, kStart), std::nullopt);
}

// A call of that user, which is due so many seconds after an arbitrary date; 0: it has no deadline.
CallOrder OfUser(std::uint64_t user, std::uint64_t id, FairTurns::Turn turn, int due_s = 0) {
  CallOrder order = Order(id, 5, turn, kStart);
  order.user = user;
  if (due_s > 0) order.due = base::WallTime(seconds(due_s));
  return order;
}

TEST(TurnQueue, OfOneUserTheEarliestDeadlineComesFirstAndCallsWithoutOneLast) {
  TurnQueue queue;
  queue.Push(OfUser(1, 1, 10));
  queue.Push(OfUser(1, 2, 20, 300));
  queue.Push(OfUser(1, 3, 30, 100));
  queue.Push(OfUser(1, 4, 40));
  queue.Push(OfUser(1, 5, 50, 200));
  EXPECT_EQ(TakeAll(queue, kStart), "3 5 2 1 4");
  EXPECT_TRUE(queue.empty());
}

TEST(TurnQueue, ADeadlineIsNothingToOtherUsers) {
  TurnQueue queue;
  for (const std::uint64_t id : {1U, 3U, 5U}) queue.Push(OfUser(1, id, 10 * id));
  for (const std::uint64_t id : {2U, 4U, 6U}) queue.Push(OfUser(2, id, 10 * id, 100));
  queue.Push(OfUser(1, 7, 70, 50));
  EXPECT_EQ(TakeAll(queue, kStart), "7 2 1 4 3 6 5");
}

TEST(TurnQueue, ATurnOfSeveralUsersIsNotExchanged) {
  TurnQueue queue;
  queue.Push(OfUser(0, 1, 10));
  queue.Push(OfUser(0, 2, 20, 100));
  EXPECT_EQ(TakeAll(queue, kStart), "1 2");
}

TEST(TurnQueue, WhatHasAnotherTurnNowIsRemovedAsItWasPushed) {
  TurnQueue queue;
  queue.Push(OfUser(1, 1, 10, 300));
  queue.Push(OfUser(1, 2, 30, 100));
  queue.Push(OfUser(2, 3, 20));
  const auto first = queue.FirstOf(5);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->id.value, 2U);
  EXPECT_EQ(first->turn, 10) << "the turn of the first one";
  queue.Take(5);
  EXPECT_EQ(queue.FirstOf(5)->id.value, 3U) << "the other one has the later turn";
  EXPECT_TRUE(queue.Remove(OfUser(1, 1, 10, 300)));
  EXPECT_FALSE(queue.Remove(OfUser(1, 1, 10, 300)));
  EXPECT_EQ(TakeAll(queue, kStart), "3");
}

}  // namespace
}  // namespace llmbatch::admission
