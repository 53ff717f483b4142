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

inline ports::SyncPermits Wanting(std::int64_t want, std::int64_t limit = 5) {
  return {.sync = {},
          .granted_known = 0,
          .released_total = 0,
          .want = want,
          .limit = limit,
          .lease = std::chrono::seconds(15)};
}

TYPED_TEST_P(ConformanceTest, GrantsWhatIsWanted) {
  const auto state = this->Ask().Sync(Wanting(3));
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 3);
  EXPECT_EQ(state->released_total, 0);
  EXPECT_EQ(state->used, 3);
  EXPECT_EQ(state->limit, 5);
  EXPECT_EQ(state->live_replicas, 1);
  EXPECT_EQ(state->waiting_replicas, 0);
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
  ports::SyncPermits sync = Wanting(1);
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
  ports::SyncPermits release = Wanting(0);
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
  ports::SyncPermits sync = Wanting(5);
  sync.granted_known = 9;
  sync.released_total = 6;
  const auto state = this->Ask().Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 11);
  EXPECT_EQ(state->used, 5);
}

TYPED_TEST_P(ConformanceTest, NoMoreCanBeGivenBackThanWasGranted) {
  ports::SyncPermits sync = Wanting(5);
  sync.released_total = 100;
  const auto state = this->Ask().Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->used, 5);
}

TYPED_TEST_P(ConformanceTest, ALowerLimitTakesNothingAwayAndGrantsNothingUntilThereIsRoom) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Sync(Wanting(5)).ok());
  ports::SyncPermits sync = Wanting(1, 2);
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
  ports::SyncPermits sync = Wanting(5, 8);
  sync.granted_known = 2;
  const auto state = ask.Sync(sync);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 7);
  EXPECT_EQ(state->limit, 8);
}

TYPED_TEST_P(ConformanceTest, TotalsStayExactWhereADoubleIsPrintedShortened) {
  ports::SyncPermits sync = Wanting(1);
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

TYPED_TEST_P(ConformanceTest, FindsWhatWasStoredInTheOrderAsked) {
  auto ask = this->Ask();
  const std::string binary("a\0b\r\n\xff", 6);
  ASSERT_TRUE(
      ask.Store({{"one", "1"}, {"two", binary}, {"empty", ""}}, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp({"two", "none", "empty", "one", "two"});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, (Outcomes{binary, std::nullopt, "", "1", binary}));
}

TYPED_TEST_P(ConformanceTest, TheLastStoredValueIsFound) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Store({{"key", "old"}}, std::chrono::hours(1)).ok());
  ASSERT_TRUE(ask.Store({{"key", "new"}}, std::chrono::hours(1)).ok());
  const auto found = ask.LookUp({"key"});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(*found, Outcomes{"new"});
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

REGISTER_TYPED_TEST_SUITE_P(ConformanceTest, GrantsWhatIsWanted, GrantsNoMoreThanTheLimit,
                            GrantsNothingToWhoWantsNothing, ALimitOfNothingGrantsNothing,
                            ARepeatedSyncIsGrantedNothingMore, WhatIsGivenBackCanBeGrantedAgain,
                            GivingBackIsRememberedWhenAnOlderSyncComesLate,
                            WhatAReplicaHoldsIsEnteredAgain, NoMoreCanBeGivenBackThanWasGranted,
                            ALowerLimitTakesNothingAwayAndGrantsNothingUntilThereIsRoom,
                            AHigherLimitHoldsAtOnce, TotalsStayExactWhereADoubleIsPrintedShortened,
                            FindsWhatWasStoredInTheOrderAsked, TheLastStoredValueIsFound,
                            ManyKeysAreFoundInOneLookUp, LargeValuesComeBackWhole,
                            NothingToStoreAndNothingToLookUpIsFine);

}  // namespace llmbatch::coordinator
