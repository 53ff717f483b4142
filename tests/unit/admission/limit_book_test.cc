#include "admission/limit_book.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Outcome = ports::Booking::Outcome;
using Kind = ports::Limit::Kind;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

ports::Limit Rate(std::string name, std::int64_t per_minute) {
  return {.kind = Kind::kRate, .name = std::move(name), .size = per_minute, .keep = {}};
}

ports::ReserveCalls Question(std::vector<ports::Limit> limits, std::vector<ports::Charges> calls) {
  return {.reserve = {},
          .limits = std::move(limits),
          .calls = std::move(calls),
          .corrections = {},
          .remaining = {},
          .burst = seconds(1),
          .horizon = seconds(2)};
}

// Calls of one request each.
ports::ReserveCalls Requests(std::int64_t per_minute, std::size_t calls) {
  return Question({Rate("r", per_minute)},
                  std::vector<ports::Charges>(calls, {{.limit = 0, .amount = 1}}));
}

TEST(LimitBookRates, ABurstGoesAtOnceAndTheRestEvenly) {
  LimitBook book;
  const auto state = book.Reserve("a", Requests(120, 5), kStart);
  ASSERT_EQ(state.bookings.size(), 5U);
  const milliseconds expected[] = {milliseconds(0), milliseconds(0), milliseconds(500),
                                   milliseconds(1000), milliseconds(1500)};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(state.bookings[i].outcome, Outcome::kBooked);
    EXPECT_EQ(state.bookings[i].wait, expected[i]) << i;
  }
}

TEST(LimitBookRates, NothingIsBookedBeyondTheHorizon) {
  LimitBook book;
  const auto state = book.Reserve("a", Requests(120, 10), kStart);
  std::size_t booked = 0;
  for (const auto& each : state.bookings) booked += each.outcome == Outcome::kBooked ? 1 : 0;
  EXPECT_EQ(booked, 5U);
  EXPECT_EQ(state.bookings.back().outcome, Outcome::kLater);
  EXPECT_EQ(state.bookings.back().wait, milliseconds(1500));
}

TEST(LimitBookRates, ReplicasShareARate) {
  LimitBook book;
  book.Reserve("a", Requests(120, 2), kStart);
  const auto state = book.Reserve("b", Requests(120, 1), kStart);
  EXPECT_EQ(state.bookings[0].wait, milliseconds(500));
}

TEST(LimitBookRates, WhatIsUnusedIsSavedUpForOneBurstOnly) {
  LimitBook book;
  book.Reserve("a", Requests(120, 5), kStart);
  const auto state = book.Reserve("a", Requests(120, 3), kStart + seconds(600));
  EXPECT_EQ(state.bookings[1].wait, base::Duration::zero());
  EXPECT_EQ(state.bookings[2].wait, milliseconds(500));
}

TEST(LimitBookRates, ACallLargerThanABurstGoesWhenNothingIsUsedUp) {
  LimitBook book;
  const auto ask = [](std::int64_t tokens) {
    return Question({Rate("t", 60'000)}, {{{.limit = 0, .amount = tokens}}});
  };
  EXPECT_EQ(book.Reserve("a", ask(30'000), kStart).bookings[0].wait, base::Duration::zero());
  const auto refused = book.Reserve("a", ask(30'000), kStart).bookings[0];
  EXPECT_EQ(refused.outcome, Outcome::kLater);
  EXPECT_EQ(refused.wait, seconds(29));
  const auto booked = book.Reserve("a", ask(30'000), kStart + seconds(29)).bookings[0];
  EXPECT_EQ(booked.outcome, Outcome::kBooked);
  EXPECT_EQ(booked.wait, seconds(1));
}

TEST(LimitBookRates, ACallTakesAllItsRatesOrNone) {
  LimitBook book;
  const std::vector<ports::Limit> limits{Rate("requests", 60), Rate("tokens", 60'000)};
  book.Reserve("a", Question(limits, {{{.limit = 1, .amount = 10'000}}}), kStart);
  const auto refused = book.Reserve(
      "a", Question(limits, {{{.limit = 0, .amount = 1}, {.limit = 1, .amount = 1}}}), kStart);
  EXPECT_EQ(refused.bookings[0].outcome, Outcome::kLater);
  EXPECT_EQ(refused.bookings[0].limit, 1U);
  const auto other = book.Reserve("a", Question(limits, {{{.limit = 0, .amount = 1}}}), kStart);
  EXPECT_EQ(other.bookings[0].wait, base::Duration::zero()) << "its request wasn't booked";
}

TEST(LimitBookRates, WhoComesBehindARefusedCallDoesNotOvertakeIt) {
  LimitBook book;
  const std::vector<ports::Limit> limits{Rate("x", 60), Rate("y", 60)};
  book.Reserve("a", Question(limits, {{{.limit = 0, .amount = 4}}}), kStart);
  const auto state = book.Reserve("a",
                                  Question(limits, {{{.limit = 0, .amount = 1}},
                                                    {{.limit = 0, .amount = 0}},
                                                    {{.limit = 1, .amount = 1}}}),
                                  kStart);
  EXPECT_EQ(state.bookings[0].outcome, Outcome::kLater);
  EXPECT_EQ(state.bookings[1].outcome, Outcome::kLater);
  EXPECT_EQ(state.bookings[2].outcome, Outcome::kBooked) << "another rate";
}

TEST(LimitBookRates, CorrectionsGiveBackAndTakeMore) {
  struct Case {
    std::int64_t correction;
    base::Duration wait;
  };
  // A minute of it was booked; the next call of a second is booked when less than two are left.
  for (const Case& each :
       {Case{-60'000, seconds(0)}, Case{-59'000, seconds(1)}, Case{0, seconds(59)},
        Case{10'000, seconds(69)}, Case{1'000'000'000, seconds(119)}}) {
    LimitBook book;
    const std::vector<ports::Limit> limits{Rate("t", 60'000)};
    book.Reserve("a", Question(limits, {{{.limit = 0, .amount = 60'000}}}), kStart);
    auto question = Question(limits, {{{.limit = 0, .amount = 1'000}}});
    question.corrections = {{.limit = 0, .amount = each.correction}};
    EXPECT_EQ(book.Reserve("a", question, kStart).bookings[0].wait, each.wait) << each.correction;
  }
}

TEST(LimitBookRates, TheProvidersFigureCorrectsDownwardsOnly) {
  LimitBook book;
  auto question = Requests(60'000, 1);
  question.remaining = {{.limit = 0, .amount = 1'000'000}};
  EXPECT_EQ(book.Reserve("a", question, kStart).bookings[0].wait, base::Duration::zero());
  question = Requests(60, 1);
  question.limits[0].name = "other";
  question.remaining = {{.limit = 0, .amount = 0}};
  EXPECT_EQ(book.Reserve("a", question, kStart).bookings[0].wait, seconds(1));
}

TEST(LimitBookRates, AChangedRateHoldsAtOnce) {
  LimitBook book;
  book.Reserve("a", Requests(60, 1), kStart);
  EXPECT_EQ(book.Reserve("a", Requests(60'000, 1), kStart).bookings[0].wait, milliseconds(1));
}

ports::Limit Budget(std::int64_t size, std::int64_t spent = 0, std::int64_t reserved = 0) {
  return {.kind = Kind::kBudget,
          .name = "b",
          .size = size,
          .spent = spent,
          .reserved = reserved,
          .keep = std::chrono::hours(1)};
}

TEST(LimitBookBudgets, AThousandReplicasTogetherNeverPassTheCap) {
  LimitBook book;
  int booked = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto state = book.Reserve(
        std::to_string(i), Question({Budget(1'000)}, {{{.limit = 0, .amount = 7}}}), kStart);
    booked += state.bookings[0].outcome == Outcome::kBooked ? 1 : 0;
    ASSERT_LE(book.BudgetUsed("b"), 1'000);
    ASSERT_EQ(state.used[0], book.BudgetUsed("b"));
  }
  EXPECT_EQ(booked, 142);
}

TEST(LimitBookBudgets, WhatIsReservedMayComeBackWhatIsSpentDoesNot) {
  LimitBook book;
  const ports::Charges call{{.limit = 0, .amount = 60}};
  EXPECT_EQ(book.Reserve("a", Question({Budget(100)}, {call}), kStart).bookings[0].outcome,
            Outcome::kBooked);
  const auto later = book.Reserve("b", Question({Budget(100)}, {call}), kStart).bookings[0];
  EXPECT_EQ(later.outcome, Outcome::kLater);
  book.Reserve("a", Question({Budget(100, 50)}, {}), kStart);
  EXPECT_EQ(book.Reserve("b", Question({Budget(100)}, {call}), kStart).bookings[0].outcome,
            Outcome::kExhausted);
  book.Reserve("a", Question({Budget(100, 40)}, {}), kStart);
  EXPECT_EQ(book.Reserve("b", Question({Budget(100)}, {call}), kStart).bookings[0].outcome,
            Outcome::kBooked);
}

TEST(LimitBookBudgets, WhatASilentReplicaHadReservedIsSpentUntilItSpeaksAgain) {
  LimitBook book;
  const ports::Charges call{{.limit = 0, .amount = 60}};
  book.Reserve("dead", Question({Budget(100)}, {call}), kStart);
  const auto ask = [&](base::Duration later) {
    return book.Reserve("b", Question({Budget(100)}, {call}), kStart + later).bookings[0].outcome;
  };
  EXPECT_EQ(ask(seconds(30)), Outcome::kLater);
  EXPECT_EQ(ask(seconds(31)), Outcome::kExhausted);
  book.Reserve("dead", Question({Budget(100, 0, 60)}, {}), kStart + seconds(32));
  EXPECT_EQ(ask(seconds(32)), Outcome::kLater);
}

TEST(LimitBookBudgets, ARepeatedQuestionReservesOnce) {
  LimitBook book;
  const auto question = Question({Budget(100)}, {{{.limit = 0, .amount = 60}}});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(book.Reserve("a", question, kStart).bookings[0].outcome, Outcome::kBooked);
    EXPECT_EQ(book.BudgetUsed("b"), 60);
  }
}

TEST(LimitBookBudgets, ARefusedBudgetBooksNoRate) {
  LimitBook book;
  const std::vector<ports::Limit> limits{Rate("r", 60), Budget(100)};
  const auto refused = book.Reserve(
      "a", Question(limits, {{{.limit = 0, .amount = 1}, {.limit = 1, .amount = 101}}}), kStart);
  EXPECT_EQ(refused.bookings[0].outcome, Outcome::kExhausted);
  EXPECT_EQ(refused.bookings[0].limit, 1U);
  const auto other = book.Reserve("a", Question(limits, {{{.limit = 0, .amount = 1}}}), kStart);
  EXPECT_EQ(other.bookings[0].wait, base::Duration::zero());
}

TEST(LimitBookBudgets, IsForgottenWhenNobodyAsksForIt) {
  LimitBook book;
  book.Reserve("a", Question({Budget(100, 50)}, {}), kStart);
  EXPECT_EQ(book.BudgetUsed("b"), 50);
  book.Reserve("a", Requests(60, 1), kStart + std::chrono::hours(2));
  EXPECT_EQ(book.BudgetUsed("b"), 0);
}

}  // namespace
}  // namespace llmbatch::admission
