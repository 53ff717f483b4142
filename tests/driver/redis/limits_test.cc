// Rates, budgets and holds shared by several replicas through a real Redis.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = ports::Booking::Outcome;

ports::ReserveCalls Question(ports::Limit limit, std::vector<std::int64_t> amounts) {
  ports::ReserveCalls question;
  question.limits = {std::move(limit)};
  for (const std::int64_t amount : amounts)
    question.calls.push_back({{.limit = 0, .amount = amount}});
  question.burst = seconds(1);
  question.horizon = seconds(2);
  return question;
}

ports::Limit Budget(std::int64_t size, std::int64_t spent, std::int64_t reserved = 0) {
  return {.kind = ports::Limit::Kind::kBudget,
          .name = "all/day:2026-11-21",
          .size = size,
          .spent = spent,
          .reserved = reserved,
          .keep = std::chrono::hours(1)};
}

ports::ReserveState Ask(Replica& replica, ports::ReserveCalls question) {
  auto state = replica.ask().Reserve(std::move(question));
  EXPECT_TRUE(state.ok());
  return state.ok() ? *state : ports::ReserveState{};
}

TEST(SharedRates, WhatOneReplicaBookedTheOthersWaitFor) {
  RedisServer server;
  Replica first(Replica::Options(server.url(), "first:1"));
  Replica second(Replica::Options(server.url(), "second:1"));
  const ports::Limit rate{.name = "p: requests per minute", .size = 60, .keep = {}};
  EXPECT_EQ(Ask(first, Question(rate, {1})).bookings[0].wait, base::Duration::zero());
  const auto booking = Ask(second, Question(rate, {1})).bookings[0];
  EXPECT_EQ(booking.outcome, Outcome::kBooked);
  EXPECT_GT(booking.wait, milliseconds(200));
  EXPECT_LE(booking.wait, seconds(1));
}

TEST(SharedBudgets, AThousandReservationsAtOnceNeverPassTheCap) {
  RedisServer server;
  constexpr int kReplicas = 8;
  constexpr int kEach = 125;
  std::vector<std::int64_t> booked(kReplicas);
  std::vector<std::thread> threads;
  for (int i = 0; i < kReplicas; ++i) {
    threads.emplace_back([&, i] {
      Replica replica(Replica::Options(server.url(), "r" + std::to_string(i) + ":1"));
      for (int k = 0; k < kEach; ++k) {
        const auto state = Ask(replica, Question(Budget(3'000, 0, booked[i]), {7}));
        EXPECT_LE(state.used[0], 3'000);
        if (state.bookings[0].outcome == Outcome::kBooked) booked[i] += 7;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::int64_t all = 0;
  for (const std::int64_t each : booked) all += each;
  EXPECT_EQ(all, 428 * 7) << "as many as fit";
}

TEST(SharedBudgets, WhatADeadStartHadReservedIsSpent) {
  RedisServer server;
  {
    Replica dead(Replica::Options(server.url(), "host:1"));
    Ask(dead, Question(Budget(100, 30), {40}));
  }
  Replica reborn(Replica::Options(server.url(), "host:2"));
  EXPECT_EQ(Ask(reborn, Question(Budget(100, 0), {})).used[0], 70);
  EXPECT_EQ(Ask(reborn, Question(Budget(100, 0), {31})).bookings[0].outcome, Outcome::kExhausted);
  EXPECT_EQ(Ask(reborn, Question(Budget(100, 0), {30})).bookings[0].outcome, Outcome::kBooked);
}

TEST(SharedBudgets, AfterLostDataNothingIsGrantedUntilAllHaveToldWhatTheySpent) {
  RedisServer server;
  RedisOptions options = Replica::Options(server.url(), "first:1");
  Replica first(options);
  const auto before = Ask(first, Question(Budget(100, 90), {}));
  server.Command("FLUSHALL");

  options.replica = "second:1";
  options.learning = seconds(100);
  Replica second(options);
  const auto learning = Ask(second, Question(Budget(100, 0), {50}));
  EXPECT_NE(learning.epoch, before.epoch);
  EXPECT_EQ(learning.bookings[0].outcome, Outcome::kLater);
  EXPECT_GT(learning.bookings[0].wait, seconds(50));
  const auto told = Ask(first, Question(Budget(100, 90), {}));
  EXPECT_EQ(told.epoch, learning.epoch);
  EXPECT_EQ(Ask(second, Question(Budget(100, 0), {})).used[0], 90);
}

// The next RouteHeld, in 20 s at the most.
std::optional<ports::RouteHold> AwaitHold(Replica& replica) {
  const base::Timestamp deadline = runtime::ReadClock().steady + seconds(20);
  for (;;) {
    const auto events = replica.inbox().WaitUntil(deadline);
    if (events.empty()) return std::nullopt;
    for (const ports::Event& event : events) {
      if (const auto* held = std::get_if<ports::RouteHeld>(&event)) return held->hold;
    }
  }
}

TEST(SharedHolds, AreToldToAllAndToThoseWhoComeLater) {
  RedisServer server;
  Replica teller(Replica::Options(server.url(), "teller:1"));
  Replica listener(Replica::Options(server.url(), "listener:1"));
  ASSERT_TRUE(listener.ask().AwaitOffer(seconds(20))) << "it listens";
  ASSERT_TRUE(teller.Sync(0).ok());
  teller.coordinator().Execute(
      ports::HoldRoute{{.provider = "p", .model = "org/m 1", .left = seconds(60), .bursts = 3}});

  const auto hold = AwaitHold(listener);
  ASSERT_TRUE(hold.has_value());
  EXPECT_EQ(hold->provider, "p");
  EXPECT_EQ(hold->model, "org/m 1");
  EXPECT_EQ(hold->bursts, 3);
  EXPECT_EQ(hold->left, seconds(60));

  Replica late(Replica::Options(server.url(), "late:1"));
  const auto state = late.Sync(0);
  ASSERT_TRUE(state.ok());
  ASSERT_EQ(state->holds.size(), 1U);
  EXPECT_EQ(state->holds[0].model, "org/m 1");
  EXPECT_GT(state->holds[0].left, seconds(30));
}

TEST(SharedHolds, ABreakerIsToldUntilItHasClosed) {
  RedisServer server;
  Replica teller(Replica::Options(server.url(), "teller:1"));
  Replica listener(Replica::Options(server.url(), "listener:1"));
  ASSERT_TRUE(listener.ask().AwaitOffer(seconds(20))) << "it listens";
  ASSERT_TRUE(teller.Sync(0).ok());
  const ports::RouteHold open = {.provider = "p", .model = {}, .left = seconds(60), .bursts = 2};
  teller.coordinator().Execute(ports::HoldRoute{open});
  EXPECT_EQ(AwaitHold(listener), open);
  EXPECT_EQ(listener.Sync(0)->holds.size(), 1U);

  const ports::RouteHold over = {.provider = "p", .model = {}};
  teller.coordinator().Execute(ports::HoldRoute{over});
  EXPECT_EQ(AwaitHold(listener), over);
  EXPECT_TRUE(listener.Sync(0)->holds.empty());
}

TEST(SharedHolds, AreNeverShortened) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  for (const auto left : {seconds(60), seconds(5)}) {
    replica.coordinator().Execute(
        ports::HoldRoute{{.provider = "p", .model = "m", .left = left, .bursts = 1}});
  }
  const auto state = replica.Sync(0);
  ASSERT_TRUE(state.ok());
  ASSERT_EQ(state->holds.size(), 1U);
  EXPECT_GT(state->holds[0].left, seconds(30));
}

}  // namespace
}  // namespace llmbatch::redis
