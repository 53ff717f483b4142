// What every coordinator does alike, as seen by one replica on its own.
//
// A fixture has Ask(), the Asker of a coordinator that has never been used and grants at once.
#pragma once

#include <gtest/gtest.h>

#include "unit/coordinator/asker.h"

namespace llmbatch::coordinator {

template <typename Fixture>
using ConformanceTest = Fixture;

TYPED_TEST_SUITE_P(ConformanceTest);

inline OnePool Wanting(std::int64_t want, std::int64_t limit = 5) {
  return {.want = want, .limit = limit};
}

TYPED_TEST_P(ConformanceTest, GrantsWhatIsWanted) {
  const auto state = this->Ask().Sync(Wanting(3));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 3);
  EXPECT_EQ(state->released_total, 0);
  EXPECT_EQ(state->used, 3);
  EXPECT_EQ(state->limit, 5);
  EXPECT_EQ(state->live_replicas, 1);
  EXPECT_EQ(state->others_waiting, 0);
  EXPECT_EQ(state->learning_left, base::Duration::zero());
}

TYPED_TEST_P(ConformanceTest, GrantsNoMoreThanTheLimit) {
  const auto state = this->Ask().Sync(Wanting(100));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 5);
  EXPECT_EQ(state->used, 5);
}

TYPED_TEST_P(ConformanceTest, GrantsNothingToWhoWantsNothing) {
  const auto state = this->Ask().Sync(Wanting(0));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 0);
}

TYPED_TEST_P(ConformanceTest, ALimitOfNothingGrantsNothing) {
  const auto state = this->Ask().Sync(Wanting(3, 0));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 0);
}

TYPED_TEST_P(ConformanceTest, ARepeatedSyncIsGrantedNothingMore) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(3)).ok());
  const auto again = ask.Sync(Wanting(3));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->granted_total, 3);
  EXPECT_EQ(again->used, 3);
}

TYPED_TEST_P(ConformanceTest, WhatIsGivenBackCanBeGrantedAgain) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(5)).ok());
  OnePool sync = Wanting(1);
  sync.granted_known = 5;
  sync.released_total = 2;
  const auto state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 6);
  EXPECT_EQ(state->released_total, 2);
  EXPECT_EQ(state->used, 4);
}

TYPED_TEST_P(ConformanceTest, GivingBackIsRememberedWhenAnOlderSyncComesLate) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(5)).ok());
  OnePool release = Wanting(0);
  release.granted_known = 5;
  release.released_total = 5;
  ASSERT_TRUE(ask.Sync(release).ok());
  release.released_total = 1;
  const auto state = ask.Sync(release);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->released_total, 5);
  EXPECT_EQ(state->used, 0);
}

TYPED_TEST_P(ConformanceTest, WhatAReplicaHoldsIsEnteredAgain) {
  OnePool sync = Wanting(5);
  sync.granted_known = 9;
  sync.released_total = 6;
  const auto state = this->Ask().Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 11);
  EXPECT_EQ(state->used, 5);
}

TYPED_TEST_P(ConformanceTest, NoMoreCanBeGivenBackThanWasGranted) {
  OnePool sync = Wanting(5);
  sync.released_total = 100;
  const auto state = this->Ask().Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->used, 5);
}

TYPED_TEST_P(ConformanceTest, ALowerLimitTakesNothingAwayAndGrantsNothingUntilThereIsRoom) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(5)).ok());
  OnePool sync = Wanting(1, 2);
  sync.granted_known = 5;
  sync.released_total = 3;
  auto state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->used, 2);
  EXPECT_EQ(state->granted_total, 5);
  sync.released_total = 4;
  state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 6);
}

TYPED_TEST_P(ConformanceTest, AHigherLimitHoldsAtOnce) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(5, 2)).ok());
  OnePool sync = Wanting(5, 8);
  sync.granted_known = 2;
  const auto state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 7);
  EXPECT_EQ(state->limit, 8);
}

TYPED_TEST_P(ConformanceTest, TotalsStayExactWhereADoubleIsPrintedShortened) {
  OnePool sync = Wanting(1);
  sync.granted_known = 900'000'000'000'001;
  sync.released_total = 900'000'000'000'000;
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(sync).ok());
  sync.released_total -= 1;
  const auto state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 900'000'000'000'002);
  EXPECT_EQ(state->released_total, 900'000'000'000'000);
  EXPECT_EQ(state->used, 2);
}

// Two classes of calls: those of a provider with a pool of its own, and all others.
inline ports::SyncPermits TwoClasses(std::int64_t all, std::int64_t provider,
                                     std::int64_t want_provider, std::int64_t want_others) {
  return {
      .sync = {},
      .pools = {{.name = "all", .limit = all}, {.name = "provider:p.1-x", .limit = provider}},
      .demands = {{.pools = {0, 1}, .want = want_provider}, {.pools = {0}, .want = want_others}},
      .lease = std::chrono::seconds(15)};
}

inline std::vector<std::int64_t> GrantedOf(const base::Result<ports::PermitState>& state) {
  std::vector<std::int64_t> granted;
  if (!state) return granted;
  for (const ports::PermitGrant& each : state->grants) granted.push_back(each.granted_total);
  return granted;
}

using Numbers = std::vector<std::int64_t>;

TYPED_TEST_P(ConformanceTest, ACallTakesAPermitOfEachOfItsPools) {
  const auto state = this->Ask().SyncAll(TwoClasses(5, 2, 5, 0));
  EXPECT_EQ(GrantedOf(state), (Numbers{2, 0}));
  EXPECT_EQ(state->used, (Numbers{2, 2}));
}

TYPED_TEST_P(ConformanceTest, NoPermitIsIdleBecauseAnotherPoolIsUsedUp) {
  const auto state = this->Ask().SyncAll(TwoClasses(5, 2, 5, 5));
  EXPECT_EQ(GrantedOf(state), (Numbers{2, 3}));
  EXPECT_EQ(state->used, (Numbers{5, 2}));
}

TYPED_TEST_P(ConformanceTest, OneKnowsWhetherOthersWouldTakeWhatItGivesBack) {
  auto ask = this->Ask();
  const auto state = ask.SyncAll(TwoClasses(3, 2, 9, 9));
  // Whichever got more, both pools are used up, so the calls of the provider need one of theirs.
  EXPECT_EQ(GrantedOf(state), (Numbers{2, 1}));
  EXPECT_EQ(state->grants[0].others_waiting, 1) << "the others would take the place in all";
  EXPECT_EQ(state->grants[1].others_waiting, 0) << "the provider's own pool would still be full";
}

TYPED_TEST_P(ConformanceTest, WhatIsGivenBackInOneClassServesAnother) {
  auto ask = this->Ask();
  ASSERT_EQ(GrantedOf(ask.SyncAll(TwoClasses(3, 2, 2, 5))), (Numbers{2, 1}));
  ports::SyncPermits sync = TwoClasses(3, 2, 0, 5);
  sync.demands[0].granted_known = 2;
  sync.demands[0].released_total = 2;
  sync.demands[1].granted_known = 1;
  const auto state = ask.SyncAll(sync);
  EXPECT_EQ(GrantedOf(state), (Numbers{2, 3}));
  EXPECT_EQ(state->used, (Numbers{3, 0}));
}

TYPED_TEST_P(ConformanceTest, AHeavyCallTakesSeveralPermitsOfAPool) {
  ports::SyncPermits sync = TwoClasses(9, 9, 9, 0);
  sync.demands[0].weight = 4;
  const auto state = this->Ask().SyncAll(sync);
  EXPECT_EQ(GrantedOf(state), (Numbers{2, 0}));
  EXPECT_EQ(state->used, (Numbers{8, 8}));
}

TYPED_TEST_P(ConformanceTest, WhatAHeavyCallFindsTooLittleOfIsKeptForIt) {
  auto ask = this->Ask();
  ASSERT_EQ(GrantedOf(ask.SyncAll(TwoClasses(5, 5, 0, 3))), (Numbers{0, 3}));
  ports::SyncPermits sync = TwoClasses(5, 5, 1, 0);
  sync.demands[0].weight = 4;
  sync.demands[1].granted_known = 3;
  ASSERT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{0, 3}));
  sync.demands[1].want = 2;
  EXPECT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{0, 3})) << "overtakes the heavy one";
  sync.demands[1].released_total = 2;
  EXPECT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{1, 3}));
}

TYPED_TEST_P(ConformanceTest, TheHigherPriorityComesFirst) {
  auto ask = this->Ask();
  ports::SyncPermits sync = TwoClasses(1, 1, 1, 0);
  ASSERT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{1, 0}));
  sync.demands[0].granted_known = 1;
  ASSERT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{1, 0}));
  sync.demands[1].want = 1;
  sync.demands[1].priority = 9;
  ASSERT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{1, 0}));
  sync.demands[0].released_total = 1;
  EXPECT_EQ(GrantedOf(ask.SyncAll(sync)), (Numbers{1, 1}));
}

// Calls that each take one of a rate of 60 a minute, of which a burst is one.
inline ports::ReserveCalls Booking(std::size_t calls, const std::string& rate = "r") {
  return {.reserve = {},
          .limits = {{.kind = ports::Limit::Kind::kRate, .name = rate, .size = 60, .keep = {}}},
          .calls = std::vector<ports::Charges>(calls, {{.limit = 0, .amount = 1}}),
          .corrections = {},
          .remaining = {},
          .burst = std::chrono::seconds(1),
          .horizon = std::chrono::seconds(2)};
}

// A call that takes `amount` of a budget of 100, of which we have spent and reserved so much.
inline ports::ReserveCalls Spending(std::int64_t amount, std::int64_t spent,
                                    std::int64_t reserved) {
  ports::ReserveCalls command = Booking(0);
  command.limits = {{.kind = ports::Limit::Kind::kBudget,
                     .name = "user \xc3\xa4 1/day:2026-11-21",
                     .size = 100,
                     .spent = spent,
                     .reserved = reserved,
                     .keep = std::chrono::hours(1)}};
  command.calls = {{{.limit = 0, .amount = amount}}};
  return command;
}

// That a booking may start after so many seconds, give or take what the question took.
inline void ExpectWait(const ports::Booking& booking, double seconds) {
  EXPECT_LE(base::ToSeconds(booking.wait), seconds + 0.001);
  EXPECT_GE(base::ToSeconds(booking.wait), seconds - 0.5);
}

TYPED_TEST_P(ConformanceTest, ARateIsBookedAheadUpToTheHorizon) {
  using Outcome = ports::Booking::Outcome;
  const auto state = this->Ask().Reserve(Booking(4));
  ASSERT_TRUE(state.ok());
  ASSERT_EQ(state->bookings.size(), 4U);
  EXPECT_EQ(state->bookings[0].outcome, Outcome::kBooked);
  EXPECT_EQ(state->bookings[0].wait, base::Duration::zero());
  EXPECT_EQ(state->bookings[1].outcome, Outcome::kBooked);
  ExpectWait(state->bookings[1], 1);
  EXPECT_EQ(state->bookings[2].outcome, Outcome::kBooked);
  ExpectWait(state->bookings[2], 2);
  EXPECT_EQ(state->bookings[3].outcome, Outcome::kLater);
  ExpectWait(state->bookings[3], 2);
  EXPECT_EQ(state->used, std::vector<std::int64_t>{0});
}

TYPED_TEST_P(ConformanceTest, RatesAreBookedTogetherOrNotAtAll) {
  auto ask = this->Ask();
  ports::ReserveCalls both = Booking(1, "full");
  ASSERT_TRUE(ask.Reserve(Booking(3, "full")).ok());
  both.limits.push_back(Booking(1, "free").limits[0]);
  both.calls = {{{.limit = 1, .amount = 1}, {.limit = 0, .amount = 1}}};
  const auto refused = ask.Reserve(both);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->bookings[0].outcome, ports::Booking::Outcome::kLater);
  EXPECT_EQ(refused->bookings[0].limit, 0U);
  const auto other = ask.Reserve(Booking(1, "free"));
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(other->bookings[0].wait, base::Duration::zero());
}

TYPED_TEST_P(ConformanceTest, CorrectionsOfARateGiveBackAndTakeMore) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Reserve(Booking(3)).ok());
  ports::ReserveCalls command = Booking(1);
  command.corrections = {{.limit = 0, .amount = -3}};
  auto state = ask.Reserve(command);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->bookings[0].wait, base::Duration::zero());
  command.corrections = {{.limit = 0, .amount = 1'000'000}};
  state = ask.Reserve(command);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->bookings[0].outcome, ports::Booking::Outcome::kLater);
  ExpectWait(state->bookings[0], 119);
}

TYPED_TEST_P(ConformanceTest, WhatTheProviderSaysIsLeftCorrectsDownwards) {
  ports::ReserveCalls command = Booking(1);
  command.remaining = {{.limit = 0, .amount = 0}};
  const auto state = this->Ask().Reserve(command);
  ASSERT_TRUE(state.ok());
  ExpectWait(state->bookings[0], 1);
  EXPECT_GT(state->bookings[0].wait, base::Duration::zero());
}

TYPED_TEST_P(ConformanceTest, ABudgetIsReservedUpToItsSize) {
  using Outcome = ports::Booking::Outcome;
  auto ask = this->Ask();
  auto state = ask.Reserve(Spending(60, 0, 0));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->bookings[0].outcome, Outcome::kBooked);
  EXPECT_EQ(state->used, std::vector<std::int64_t>{60});
  EXPECT_EQ(ask.Reserve(Spending(60, 0, 0))->used[0], 60) << "the answer may have been lost";
  EXPECT_EQ(ask.Reserve(Spending(41, 0, 60))->bookings[0].outcome, Outcome::kLater);
  EXPECT_EQ(ask.Reserve(Spending(41, 60, 0))->bookings[0].outcome, Outcome::kExhausted);
  EXPECT_EQ(ask.Reserve(Spending(40, 60, 0))->bookings[0].outcome, Outcome::kBooked);
}

TYPED_TEST_P(ConformanceTest, AmountsOfMoneyStayExact) {
  auto ask = this->Ask();
  ports::ReserveCalls command = Spending(1, 900'000'000'000'001, 2);
  command.limits[0].size = 900'000'000'000'004;
  const auto state = ask.Reserve(command);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->bookings[0].outcome, ports::Booking::Outcome::kBooked);
  EXPECT_EQ(state->used[0], 900'000'000'000'004);
}

TYPED_TEST_P(ConformanceTest, NothingToBookIsFine) {
  const auto state = this->Ask().Reserve(Booking(0));
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->bookings.empty());
  EXPECT_NE(state->epoch, 0);
}

using Shared = std::vector<std::optional<std::int64_t>>;

// Of a replica that goes by a ratio of 1.2.
inline ports::RatioLesson LessonOf(const std::string& name, std::int64_t keep = 1'000'000,
                                   std::int64_t add = 0) {
  return {.name = name, .ratio = 1'200'000, .keep = keep, .add = add};
}

TYPED_TEST_P(ConformanceTest, ARatioIsUnknownUntilSomeoneHasLearntIt) {
  auto ask = this->Ask();
  EXPECT_EQ(*ask.Share({LessonOf("a"), LessonOf("b")}), (Shared{std::nullopt, std::nullopt}));
  EXPECT_EQ(*ask.Share({LessonOf("a"), LessonOf("b", 800'000, 300'000)}),
            (Shared{std::nullopt, 1'200'000}))
      << "the first one's own, which has the lesson in it";
  EXPECT_EQ(*ask.Share({LessonOf("b"), LessonOf("a")}), (Shared{1'200'000, std::nullopt}));
}

TYPED_TEST_P(ConformanceTest, ALessonMovesTheRatioThatIsKnown) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Share({LessonOf("a", 800'000, 300'000)}).ok());
  EXPECT_EQ(*ask.Share({LessonOf("a", 800'000, 300'000)}), Shared{1'260'000});
  EXPECT_EQ(*ask.Share({LessonOf("a", 0, 1'234'567)}), Shared{1'234'567});
  EXPECT_EQ(*ask.Share({LessonOf("a", 333'333, 600'000)}), Shared{1'011'522}) << "rounded";
}

TYPED_TEST_P(ConformanceTest, ManyRatiosAreSharedAtOnce) {
  std::vector<ports::RatioLesson> lessons;
  Shared expected;
  for (int i = 0; i < 100; ++i) {
    lessons.push_back(LessonOf("r" + std::to_string(i), i % 3 == 0 ? 1'000'000 : 800'000, 1));
    expected.push_back(i % 3 == 0 ? std::nullopt : std::optional<std::int64_t>(1'200'000));
  }
  auto ask = this->Ask();
  EXPECT_EQ(*ask.Share(lessons), expected);
  EXPECT_EQ(*ask.Share({}), Shared{});
}

TYPED_TEST_P(ConformanceTest, FindsWhatWasStoredInTheOrderAsked) {
  auto ask = this->Ask();
  const std::string binary("a\0b\r\n\xff", 6);
  ASSERT_TRUE(
      ask.Store({{"one", "1"}, {"two", binary}, {"empty", ""}}, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp({"two", "none", "empty", "one", "two"});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, (Outcomes{binary, std::nullopt, "", "1", binary}));
}

TYPED_TEST_P(ConformanceTest, TheFirstOutcomeStaysUnlessItIsReplaced) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Store({{.key = "key", .value = "first"}}, std::chrono::hours(1)).ok());
  ASSERT_TRUE(ask.Store({{.key = "key", .value = "late"}}, std::chrono::hours(1)).ok());
  auto found = ask.LookUp({"key"});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, Outcomes{"first"});

  // Of two who were told of the first one, the one that comes late replaces nothing.
  for (const char* const value : {"new", "newer"}) {
    ASSERT_TRUE(
        ask.Store({{.key = "key", .value = value, .replaces = "first"}}, std::chrono::hours(1))
            .ok());
    found = ask.LookUp({"key"});
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(*found, Outcomes{"new"});
  }
}

TYPED_TEST_P(ConformanceTest, ManyKeysAreFoundInOneLookUp) {
  auto ask = this->Ask();
  std::vector<ports::StoredOutcome> outcomes;
  std::vector<std::string> keys;
  Outcomes expected;
  for (int i = 0; i < 500; ++i) {
    keys.push_back("key" + std::to_string(i));
    if (i % 3 != 0) outcomes.push_back({keys.back(), std::to_string(i)});
    expected.push_back(i % 3 != 0 ? std::optional(std::to_string(i)) : std::nullopt);
  }
  ASSERT_TRUE(ask.Store(outcomes, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp(keys);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, expected);
}

TYPED_TEST_P(ConformanceTest, LargeValuesComeBackWhole) {
  auto ask = this->Ask();
  const std::string large(std::size_t{4} << 20, 'x');
  ASSERT_TRUE(ask.Store({{"a", large}, {"b", large}}, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp({"b", "a"});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(*found == (Outcomes{large, large}));
}

TYPED_TEST_P(ConformanceTest, NothingToStoreAndNothingToLookUpIsFine) {
  auto ask = this->Ask();
  EXPECT_TRUE(ask.Store({}, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp({});
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE(found->empty());
}

REGISTER_TYPED_TEST_SUITE_P(
    ConformanceTest, GrantsWhatIsWanted, GrantsNoMoreThanTheLimit, GrantsNothingToWhoWantsNothing,
    ALimitOfNothingGrantsNothing, ARepeatedSyncIsGrantedNothingMore,
    WhatIsGivenBackCanBeGrantedAgain, GivingBackIsRememberedWhenAnOlderSyncComesLate,
    WhatAReplicaHoldsIsEnteredAgain, NoMoreCanBeGivenBackThanWasGranted,
    ALowerLimitTakesNothingAwayAndGrantsNothingUntilThereIsRoom, AHigherLimitHoldsAtOnce,
    TotalsStayExactWhereADoubleIsPrintedShortened, ACallTakesAPermitOfEachOfItsPools,
    NoPermitIsIdleBecauseAnotherPoolIsUsedUp, OneKnowsWhetherOthersWouldTakeWhatItGivesBack,
    WhatIsGivenBackInOneClassServesAnother, AHeavyCallTakesSeveralPermitsOfAPool,
    WhatAHeavyCallFindsTooLittleOfIsKeptForIt, TheHigherPriorityComesFirst,
    ARateIsBookedAheadUpToTheHorizon, RatesAreBookedTogetherOrNotAtAll,
    CorrectionsOfARateGiveBackAndTakeMore, WhatTheProviderSaysIsLeftCorrectsDownwards,
    ABudgetIsReservedUpToItsSize, AmountsOfMoneyStayExact, NothingToBookIsFine,
    ARatioIsUnknownUntilSomeoneHasLearntIt, ALessonMovesTheRatioThatIsKnown,
    ManyRatiosAreSharedAtOnce, FindsWhatWasStoredInTheOrderAsked,
    TheFirstOutcomeStaysUnlessItIsReplaced, ManyKeysAreFoundInOneLookUp, LargeValuesComeBackWhole,
    NothingToStoreAndNothingToLookUpIsFine);

}  // namespace llmbatch::coordinator
