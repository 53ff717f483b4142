#include "admission/permit_keeper.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr PermitKeeper::ClassId kAnyCall = 0;
constexpr PermitOptions kOptions{.limit = 5, .lease = seconds(15)};

ports::PermitsSynced Granted(std::int64_t granted, std::int64_t released,
                             std::int64_t others_waiting = 0) {
  return {.sync = {},
          .outcome = ports::PermitState{.grants = {{.granted_total = granted,
                                                    .released_total = released,
                                                    .others_waiting = others_waiting}},
                                        .used = {granted - released},
                                        .live_replicas = 2,
                                        .learning_left = {}}};
}

ports::PermitsSynced Failed() {
  return {.sync = {}, .outcome = base::MakeError(base::ErrorKind::kUnavailable, "away")};
}

// A keeper that wanted `wanted` permits and was granted `granted` at kStart.
PermitKeeper KeeperWith(std::int64_t wanted, std::int64_t granted,
                        std::int64_t others_waiting = 0) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted({{0, {.calls = wanted}}});
  EXPECT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Granted(granted, 0, others_waiting), kStart);
  return keeper;
}

TEST(PermitKeeper, AsksForNothingUntilACallWaits) {
  PermitKeeper keeper(kOptions);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart));
}

TEST(PermitKeeper, TellsAChangedLimitAtOnce) {
  PermitKeeper keeper = KeeperWith(1, 1);
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.SetWanted({{0, {.calls = 0}}});
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
  keeper.SetLimit(kPoolOfAll, 9);
  EXPECT_EQ(keeper.Deadline(), kStart);
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->pools[0].limit, 9);
  keeper.OnSynced(Granted(1, 0), kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
}

TEST(PermitKeeper, AsksForWhatItWantsAndTakesWhatItIsGranted) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted({{0, {.calls = 3}}});
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[0].want, 3);
  EXPECT_EQ(sync->pools[0].limit, 5);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value()) << "one is under way";
  keeper.OnSynced(Granted(2, 0), kStart);
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart));
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart));
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart));
}

TEST(PermitKeeper, ServesTheNextCallWithTheSamePermitWhileNobodyElseWaits) {
  PermitKeeper keeper = KeeperWith(1, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
    keeper.SetWanted({{0, {.calls = 1}}});
    keeper.GiveBack(kAnyCall, kStart);
  }
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
}

TEST(PermitKeeper, GivesAPermitBackAfterOneCallWhileOthersWait) {
  PermitKeeper keeper = KeeperWith(1, 1, 1);
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.GiveBack(kAnyCall, kStart);
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart));
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[0].released_total, 1);
  EXPECT_EQ(sync->demands[0].want, 1);
}

TEST(PermitKeeper, ReturnsIdlePermitsAfterAWhile) {
  PermitKeeper keeper = KeeperWith(1, 1);
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.SetWanted({{0, {.calls = 0}}});
  keeper.GiveBack(kAnyCall, kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart + milliseconds(10)).has_value());
  const auto sync = keeper.NextSync({}, kStart + milliseconds(251));
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[0].released_total, 1);
}

TEST(PermitKeeper, BeginsNothingNearTheEndOfItsLease) {
  PermitKeeper keeper = KeeperWith(1, 1);
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(13)));
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart + seconds(11)));
}

TEST(PermitKeeper, RenewsItsLeaseFourTimesALease) {
  PermitKeeper keeper = KeeperWith(1, 1);
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.SetWanted({{0, {.calls = 0}}});
  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(3)).has_value());
  EXPECT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
}

TEST(PermitKeeper, ForgetsNothingWhenAnAnswerIsLost) {
  PermitKeeper keeper = KeeperWith(2, 2, 1);
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.GiveBack(kAnyCall, kStart);
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Failed(), kStart);
  for (const base::Timestamp now : {kStart, kStart + seconds(1)}) {
    const auto again = keeper.NextSync({}, now);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->demands[0].released_total, 1);
    EXPECT_EQ(again->demands[0].granted_known, 2);
    keeper.OnSynced(Failed(), now);
    EXPECT_FALSE(keeper.NextSync({}, now).has_value()) << "not at once a second time";
  }
}

TEST(PermitKeeper, ComesDownToItsShareOnceTheCoordinatorIsAwayForALease) {
  PermitKeeper keeper = KeeperWith(5, 5);
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
  keeper.OnSynced(Failed(), kStart + seconds(5));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart + seconds(5))) << "within its lease";
  for (int i = 0; i < 5; ++i) keeper.GiveBack(kAnyCall, kStart + seconds(6));
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(13)));
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(16)))
      << "others may still be within their leases";
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart + seconds(20)));
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart + seconds(20)));
  EXPECT_TRUE(keeper.TryTake(kAnyCall, kStart + seconds(20))) << "5 for 2 replicas, the first one";
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(20)));
}

TEST(PermitKeeper, TakesNothingAtOnceWhenItWasIdleAsTheCoordinatorWentAway) {
  PermitKeeper keeper = KeeperWith(1, 1);
  keeper.SetWanted({{0, {.calls = 0}}});
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(1)).has_value()) << "gives its permit back";
  keeper.OnSynced(Granted(1, 1), kStart + seconds(1));
  keeper.SetWanted({{0, {.calls = 1}}});
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(60)).has_value());
  keeper.OnSynced(Failed(), kStart + seconds(60));
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(61)));
}

TEST(PermitKeeper, StartsNothingIfTheCoordinatorNeverAnswered) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted({{0, {.calls = 1}}});
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Failed(), kStart);
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart + seconds(60)));
}

TEST(PermitKeeper, AsksAgainWhenAPermitIsOffered) {
  PermitKeeper keeper = KeeperWith(2, 0, 1);
  EXPECT_FALSE(keeper.NextSync({}, kStart + milliseconds(5)).has_value());
  keeper.OnOffered();
  EXPECT_TRUE(keeper.NextSync({}, kStart + milliseconds(5)).has_value());
}

TEST(PermitKeeper, HasNothingToDoWhileMoreCallsWaitThanThereArePermits) {
  PermitKeeper keeper = KeeperWith(4, 1);
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart));
  keeper.GiveBack(kAnyCall, kStart);
  keeper.SetWanted({{0, {.calls = 3}}});
  ASSERT_TRUE(keeper.TryTake(kAnyCall, kStart)) << "its permit serves the next call";
  keeper.SetWanted({{0, {.calls = 2}}});
  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(1)).has_value());
  EXPECT_GT(keeper.Deadline(), kStart + seconds(1)) << "or the main loop would spin";
}

TEST(PermitKeeper, RenewsItsLeaseForClaimsAlone) {
  PermitKeeper keeper(kOptions);
  keeper.KeepLease(true);
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Granted(0, 0), kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(3)).has_value());
  EXPECT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
  keeper.OnSynced(Granted(0, 0), kStart + seconds(4));
  keeper.KeepLease(false);
  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(9)).has_value());
}

TEST(PermitKeeper, GivesEverythingBackWhenClosed) {
  PermitKeeper keeper = KeeperWith(3, 3);
  keeper.Close();
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[0].released_total, 3);
  EXPECT_EQ(sync->demands[0].want, 0);
  EXPECT_FALSE(keeper.TryTake(kAnyCall, kStart));
}

TEST(PermitKeeper, SharesOutTheLastPermitsByRank) {
  for (const auto& [rank, share] : {std::pair{0, 3}, std::pair{1, 2}}) {
    PermitKeeper keeper(kOptions);
    keeper.SetWanted({{kAnyCall, {.calls = 5}}});
    ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
    ports::PermitsSynced none = Granted(0, 0);
    none.outcome->rank = rank;
    keeper.OnSynced(none, kStart);
    ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
    keeper.OnSynced(Failed(), kStart + seconds(4));
    int taken = 0;
    while (keeper.TryTake(kAnyCall, kStart + seconds(20))) ++taken;
    EXPECT_EQ(taken, share) << "rank " << rank;
  }
}

TEST(PermitKeeper, WhatItMayDoWhileTheCoordinatorIsAwayIsConfigured) {
  for (const auto& [when_away, calls] :
       {std::pair{WhenAway::kClosed, 0}, std::pair{WhenAway::kLocal, 2}}) {
    PermitOptions options = kOptions;
    options.when_away = when_away;
    options.local_limit = 2;
    PermitKeeper keeper(options);
    keeper.SetWanted({{kAnyCall, {.calls = 5}}});
    ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
    keeper.OnSynced(Failed(), kStart);
    int taken = 0;
    while (keeper.TryTake(kAnyCall, kStart + seconds(1))) ++taken;
    EXPECT_EQ(taken, calls);
  }
}

// The coordinator keeps what was wanted, and grants it when it has learnt: to nobody's use.
TEST(PermitKeeper, TellsThatItWantsNothingAnyMoreAlsoWhileNothingIsGranted) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted({{kAnyCall, {.calls = 2}}});
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  ports::PermitsSynced learning = Granted(0, 0);
  learning.outcome->learning_left = seconds(2);
  keeper.OnSynced(learning, kStart);

  keeper.SetWanted({});
  EXPECT_EQ(keeper.Deadline(), kStart + seconds(2));
  const auto sync = keeper.NextSync({}, kStart + seconds(2));
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[kAnyCall].want, 0);
}

TEST(PermitKeeper, AsksAgainWhenTheCoordinatorHasLearnt) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted({{kAnyCall, {.calls = 2}}});
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  ports::PermitsSynced learning = Granted(0, 0);
  learning.outcome->learning_left = seconds(2);
  keeper.OnSynced(learning, kStart);

  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(1)).has_value());
  const auto sync = keeper.NextSync({}, kStart + seconds(2));
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[kAnyCall].want, 2);
}

TEST(PermitKeeper, SaysThatItWasOutOfReachForSoLongThatItMayBeForgotten) {
  PermitKeeper keeper = KeeperWith(1, 1);
  keeper.SetWanted({{kAnyCall, {.calls = 2}}});
  auto sync = keeper.NextSync({}, kStart + seconds(1));
  ASSERT_TRUE(sync.has_value());
  EXPECT_FALSE(sync->relearn);
  keeper.OnSynced(Failed(), kStart + seconds(1));
  sync = keeper.NextSync({}, kStart + seconds(2));
  ASSERT_TRUE(sync.has_value());
  EXPECT_FALSE(sync->relearn) << "its lease isn't over yet";
  keeper.OnSynced(Failed(), kStart + seconds(2));
  sync = keeper.NextSync({}, kStart + seconds(12));
  ASSERT_TRUE(sync.has_value());
  EXPECT_TRUE(sync->relearn);
  keeper.OnSynced(Granted(1, 0), kStart + seconds(12));
  sync = keeper.NextSync({}, kStart + seconds(30));
  ASSERT_TRUE(sync.has_value());
  EXPECT_FALSE(sync->relearn) << "it was silent, but nobody was out of reach";
}

// A keeper with a class of calls that need a pool of two as well, that wants and has both.
struct TwoPools {
  PermitKeeper keeper{kOptions};
  PermitKeeper::ClassId narrow = 0;

  TwoPools() {
    keeper.SetLimit("task:t", 2);
    narrow = keeper.ClassOf({"task:t"});
  }
  void Sync(std::int64_t any, std::int64_t narrow_calls, base::Timestamp now = kStart) {
    ASSERT_TRUE(keeper.NextSync({}, now).has_value());
    ports::PermitsSynced event = Granted(any, 0);
    event.outcome->grants.push_back({.granted_total = narrow_calls});
    event.outcome->used = {any + narrow_calls, narrow_calls};
    keeper.OnSynced(event, now);
  }
};

TEST(PermitKeeper, CallsOfTheSamePoolsAreOneClass) {
  TwoPools pools;
  EXPECT_NE(pools.narrow, kAnyCall);
  EXPECT_EQ(pools.keeper.ClassOf({"task:t"}), pools.narrow);
  EXPECT_EQ(pools.keeper.ClassOf({}), kAnyCall);
  EXPECT_NE(pools.keeper.ClassOf({"task:t"}, 2), pools.narrow) << "another weight";
}

TEST(PermitKeeper, AsksForEachClassAndKeepsTheirPermitsApart) {
  TwoPools pools;
  pools.keeper.SetWanted({{kAnyCall, {.calls = 1}}, {pools.narrow, {.calls = 3, .priority = 7}}});
  const auto sync = pools.keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  ASSERT_EQ(sync->pools.size(), 2U);
  EXPECT_EQ(sync->pools[1].name, "task:t");
  EXPECT_EQ(sync->pools[1].limit, 2);
  ASSERT_EQ(sync->demands.size(), 2U);
  EXPECT_EQ(sync->demands[0].pools, std::vector<std::size_t>{0});
  EXPECT_EQ(sync->demands[0].want, 1);
  EXPECT_EQ(sync->demands[1].pools, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(sync->demands[1].want, 3);
  EXPECT_EQ(sync->demands[1].priority, 7);
  ports::PermitsSynced event = Granted(0, 0);
  event.outcome->grants.push_back({.granted_total = 1});
  event.outcome->used = {1, 1};
  pools.keeper.OnSynced(event, kStart);
  EXPECT_FALSE(pools.keeper.TryTake(kAnyCall, kStart));
  EXPECT_TRUE(pools.keeper.TryTake(pools.narrow, kStart));
  EXPECT_EQ(pools.keeper.held(), 1);
}

TEST(PermitKeeper, GivesBackAtOnceWhatServesNobodyWhileAnotherClassWaits) {
  TwoPools pools;
  pools.keeper.SetWanted({{pools.narrow, {.calls = 1}}});
  pools.Sync(0, 1);
  ASSERT_TRUE(pools.keeper.TryTake(pools.narrow, kStart));
  pools.keeper.SetWanted({{kAnyCall, {.calls = 1}}});
  pools.keeper.GiveBack(pools.narrow, kStart);
  const auto sync = pools.keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->demands[1].released_total, 1);
  EXPECT_EQ(sync->demands[0].want, 1);
}

TEST(PermitKeeper, SaysWhichPoolIsUsedUp) {
  TwoPools pools;
  pools.keeper.SetWanted({{pools.narrow, {.calls = 4}}});
  pools.Sync(0, 2);
  EXPECT_EQ(pools.keeper.FullPoolOf(pools.narrow), "task:t");
  EXPECT_EQ(pools.keeper.FullPoolOf(kAnyCall), kPoolOfAll);
}

}  // namespace
}  // namespace llmbatch::admission
