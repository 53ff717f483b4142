#include "admission/limit_keeper.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Ids = std::vector<model::BatchId>;

constexpr base::Timestamp kStart{hours(1)};
constexpr base::WallTime kNoon = base::WallTime(hours(24 * 365 * 50 + 12));
constexpr std::int64_t kPlenty = 64;

CallOrder Order(std::uint64_t id, int priority = 5) {
  return {.not_urgent = true, .negated_priority = -priority, .id = model::BatchId{id}};
}

// A keeper with a book at the other end.
class LimitKeeperTest : public ::testing::Test {
 protected:
  LimitKeeperTest() { keeper_.SetDate(kNoon); }

  // Asks and answers until nothing more is asked.
  void Exchange(std::int64_t ahead = kPlenty) {
    while (auto question = keeper_.Next(ids_.Next(), ahead, now_)) {
      questions_.push_back(*question);
      keeper_.OnReserved(
          {.reserve = question->reserve, .outcome = book_.Reserve("me", *question, now_)}, 1, now_);
    }
  }
  void Fail(std::int64_t live_replicas = 1) {
    auto question = keeper_.Next(ids_.Next(), kPlenty, now_);
    ASSERT_TRUE(question.has_value());
    keeper_.OnReserved({.reserve = question->reserve,
                        .outcome = base::MakeError(base::ErrorKind::kUnavailable, "away")},
                       live_replicas, now_);
  }
  void PushRequest(std::uint64_t id, std::int64_t per_minute, const std::string& route = "p/m") {
    keeper_.Push(Order(id), route, "",
                 {{.limit = keeper_.Rate(route + ": requests", per_minute), .amount = 1}});
  }
  void PushMoney(std::uint64_t id, std::int64_t amount, std::int64_t cap,
                 const std::string& group = "") {
    keeper_.Push(
        Order(id), "p/m", group,
        {{.limit = keeper_.Budget("budget" + group, Period::kDay, cap), .amount = amount}});
  }
  std::int64_t Used(const std::string& name = "budget:2019-12-20") {
    return book_.BudgetUsed(name);
  }

  base::Timestamp now_ = kStart;
  LimitKeeper keeper_{LimitOptions{}};
  LimitBook book_;
  base::IdSequence<model::ReserveId> ids_;
  std::vector<ports::ReserveCalls> questions_;
};

TEST_F(LimitKeeperTest, AsksNothingUntilACallWaits) {
  EXPECT_FALSE(keeper_.Next({}, kPlenty, now_).has_value());
  EXPECT_FALSE(keeper_.Deadline(now_).has_value());
}

TEST_F(LimitKeeperTest, LetsACallGoWhenItsStartHasCome) {
  for (std::uint64_t id = 1; id <= 3; ++id) PushRequest(id, 120);
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), (Ids{{1}, {2}}));
  EXPECT_EQ(keeper_.Deadline(now_), kStart + milliseconds(500));
  EXPECT_EQ(keeper_.WaitingFor({3}, now_)->limit, "p/m: requests");
  EXPECT_EQ(keeper_.WaitingFor({3}, now_)->left, milliseconds(500));
  EXPECT_EQ(keeper_.TakeReady(now_ + milliseconds(499)), Ids{});
  EXPECT_EQ(keeper_.TakeReady(now_ + milliseconds(500)), Ids{{3}});
  EXPECT_EQ(questions_.size(), 1U) << "all were asked for together";
}

TEST_F(LimitKeeperTest, AsksInTheOrderOfPriorityAndAge) {
  PushRequest(2, 60'000);
  PushRequest(1, 60'000);
  keeper_.Push(Order(3, 9), "p/m", "",
               {{.limit = keeper_.Rate("p/m: requests", 60'000), .amount = 1}});
  Exchange(1);
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{3}});
  keeper_.OnStarted({3});
  Exchange(1);
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{1}});
}

TEST_F(LimitKeeperTest, BooksNoMoreThanMayBeAhead) {
  for (std::uint64_t id = 1; id <= 10; ++id) PushRequest(id, 60'000);
  Exchange(4);
  EXPECT_EQ(keeper_.TakeReady(now_).size(), 4U);
  Exchange(4);
  EXPECT_EQ(keeper_.TakeReady(now_).size(), 0U);
  keeper_.OnStarted({1});
  Exchange(4);
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{5}});
}

TEST_F(LimitKeeperTest, AskedOnceARefusedCallWaitsUntilItIsWorthWhile) {
  for (std::uint64_t id = 1; id <= 3; ++id) PushRequest(id, 3);
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  EXPECT_EQ(questions_.size(), 1U);
  EXPECT_EQ(keeper_.Deadline(now_), kStart + seconds(19));
  now_ += seconds(19);
  Exchange();
  EXPECT_EQ(questions_.size(), 2U);
  EXPECT_EQ(keeper_.Deadline(now_), kStart + seconds(20));
}

TEST_F(LimitKeeperTest, AFullRouteDoesNotHoldUpAnother) {
  for (std::uint64_t id = 1; id <= 3; ++id) PushRequest(id, 3, "p/slow");
  PushRequest(4, 6'000, "p/fast");
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), (Ids{{1}, {4}}));
}

TEST_F(LimitKeeperTest, WhatACallDidNotUseIsGivenBack) {
  const auto tokens = keeper_.Rate("tokens", 60'000);
  keeper_.Push(Order(1), "p/m", "", {{.limit = tokens, .amount = 30'000}});
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  keeper_.OnStarted({1});
  keeper_.Settle({1}, {500});
  keeper_.Push(Order(2), "p/m", "", {{.limit = tokens, .amount = 500}});
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{2}});
}

TEST_F(LimitKeeperTest, AnAnswerIsNotForACallThatWasRemovedAndCameBack) {
  PushRequest(1, 60'000);
  const auto question = keeper_.Next(ids_.Next(), kPlenty, now_);
  ASSERT_TRUE(question.has_value());
  keeper_.Remove({1});
  PushRequest(1, 60'000);
  keeper_.OnReserved(
      {.reserve = question->reserve, .outcome = book_.Reserve("me", *question, now_)}, 1, now_);
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{});
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{}) << "booked once";
}

TEST_F(LimitKeeperTest, ARemovedCallIsNotTakenForExhausted) {
  LimitKeeper keeper({.exhausted_ends = true});
  keeper.SetDate(kNoon);
  keeper.Push(Order(1), "p/m", "",
              {{.limit = keeper.Budget("budget", Period::kDay, 10), .amount = 11}});
  const auto question = keeper.Next(ids_.Next(), kPlenty, now_);
  ASSERT_TRUE(question.has_value());
  keeper.OnReserved({.reserve = question->reserve, .outcome = book_.Reserve("me", *question, now_)},
                    1, now_);
  keeper.Remove({1});
  EXPECT_TRUE(keeper.TakeExhausted().empty());
}

TEST_F(LimitKeeperTest, ARemovedCallGivesItsBookingBack) {
  const auto tokens = keeper_.Rate("tokens", 60'000);
  for (std::uint64_t id = 1; id <= 2; ++id) {
    keeper_.Push(Order(id), "p/m", "", {{.limit = tokens, .amount = 30'000}});
  }
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  keeper_.Remove({1});
  keeper_.Remove({1});
  now_ += seconds(29);
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{2}});
}

TEST_F(LimitKeeperTest, ACallRemovedWhileItIsAskedForGivesItsBookingBack) {
  const auto tokens = keeper_.Rate("tokens", 60'000);
  keeper_.Push(Order(1), "p/m", "", {{.limit = tokens, .amount = 30'000}});
  const auto question = keeper_.Next({1}, kPlenty, now_);
  keeper_.Remove({1});
  keeper_.OnReserved({.reserve = {1}, .outcome = book_.Reserve("me", *question, now_)}, 1, now_);
  keeper_.Push(Order(2), "p/m", "", {{.limit = tokens, .amount = 500}});
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{2}});
}

TEST_F(LimitKeeperTest, WithoutACoordinatorItUsesItsShareOfARate) {
  for (std::uint64_t id = 1; id <= 10; ++id) PushRequest(id, 240);
  Fail(4);
  EXPECT_EQ(keeper_.TakeReady(now_).size(), 1U) << "a quarter of four in a second";
  EXPECT_EQ(keeper_.TakeReady(now_ + seconds(2)).size(), 2U);
}

TEST_F(LimitKeeperTest, WithoutACoordinatorBudgetsWait) {
  PushMoney(1, 10, 100);
  Fail();
  EXPECT_EQ(keeper_.TakeReady(now_ + seconds(10)), Ids{});
  EXPECT_EQ(keeper_.WaitingFor({1}, now_)->kind, ports::Limit::Kind::kBudget);
  now_ += seconds(1);
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{1}});
}

TEST_F(LimitKeeperTest, MoneyIsReservedBeforeACallAndSettledAfter) {
  PushMoney(1, 60, 100);
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  EXPECT_EQ(Used(), 60);
  keeper_.OnStarted({1});
  keeper_.Settle({1}, {25});
  Exchange();
  EXPECT_EQ(Used(), 25);
}

TEST_F(LimitKeeperTest, AGroupThatWaitsForItsBudgetHoldsUpNoOther) {
  PushMoney(1, 60, 100, "poor");
  PushMoney(2, 60, 100, "poor");
  PushMoney(3, 60, 100, "rich");
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), (Ids{{1}, {3}}));
  EXPECT_EQ(keeper_.WaitingFor({2}, now_)->limit, "budgetpoor");
  EXPECT_EQ(keeper_.CountWaiting(now_).budget, 1);
}

TEST_F(LimitKeeperTest, ASpentBudgetMayEndACall) {
  LimitKeeper keeper({.exhausted_ends = true});
  keeper.SetDate(kNoon);
  keeper.Push(Order(1), "p/m", "", {{.limit = keeper.Budget("b", Period::kDay, 5), .amount = 6}});
  const auto question = keeper.Next({1}, kPlenty, now_);
  keeper.OnReserved({.reserve = {1}, .outcome = book_.Reserve("me", *question, now_)}, 1, now_);
  const auto exhausted = keeper.TakeExhausted();
  ASSERT_EQ(exhausted.size(), 1U);
  EXPECT_EQ(exhausted[0].first, model::BatchId{1});
  EXPECT_EQ(exhausted[0].second, "b");
  EXPECT_EQ(keeper.NeedsOf({1}), nullptr);
}

TEST_F(LimitKeeperTest, ANewDayHasItsBudgetToItselfAndTheOldOneKeepsWhatWasBookedInIt) {
  PushMoney(1, 60, 100);
  PushMoney(2, 60, 100);
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  keeper_.OnStarted({1});
  keeper_.SetDate(kNoon + hours(24));
  Exchange();
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{2}});
  keeper_.Settle({1}, {50});
  Exchange();
  EXPECT_EQ(Used("budget:2019-12-20"), 60);
  EXPECT_EQ(Used("budget:2019-12-21"), 60);
}

TEST_F(LimitKeeperTest, WhatIsReservedIsToldAgainAndAgain) {
  PushMoney(1, 60, 100);
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  keeper_.OnStarted({1});
  now_ += seconds(2);
  EXPECT_EQ(keeper_.Deadline(now_), now_);
  const auto heartbeat = keeper_.Next(ids_.Next(), kPlenty, now_);
  ASSERT_TRUE(heartbeat.has_value());
  ASSERT_EQ(heartbeat->limits.size(), 1U);
  EXPECT_EQ(heartbeat->limits[0].reserved, 60);
}

TEST_F(LimitKeeperTest, LostDataAreToldAgain) {
  PushMoney(1, 60, 100);
  Exchange();
  ASSERT_EQ(keeper_.TakeReady(now_), Ids{{1}});
  book_ = LimitBook();
  now_ += seconds(2);
  EXPECT_EQ(keeper_.Deadline(now_), now_) << "who has spent something shows itself";
  const auto heartbeat = keeper_.Next(ids_.Next(), kPlenty, now_);
  ASSERT_TRUE(heartbeat.has_value());
  auto state = book_.Reserve("me", *heartbeat, now_);
  state.epoch = 2;
  keeper_.OnReserved({.reserve = heartbeat->reserve, .outcome = state}, 1, now_);
  Exchange();
  EXPECT_EQ(Used(), 60) << "the epoch of the first answer is known";
}

TEST_F(LimitKeeperTest, AnAnswerOfAnotherLengthIsNoAnswer) {
  PushRequest(1, 60);
  const auto question = keeper_.Next({1}, kPlenty, now_);
  ASSERT_TRUE(question.has_value());
  keeper_.OnReserved({.reserve = {1}, .outcome = ports::ReserveState{}}, 1, now_);
  EXPECT_EQ(keeper_.TakeReady(now_), Ids{{1}}) << "by its own share";
}

}  // namespace
}  // namespace llmbatch::admission
