#include "admission/permit_keeper.h"

#include <gtest/gtest.h>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr PermitOptions kOptions{.limit = 5, .lease = seconds(15)};

ports::PermitsSynced Granted(std::int64_t granted, std::int64_t released,
                             std::int64_t waiting_replicas = 0) {
  return {.sync = {},
          .outcome = ports::PermitState{.granted_total = granted,
                                        .released_total = released,
                                        .limit = 5,
                                        .used = granted - released,
                                        .live_replicas = 2,
                                        .waiting_replicas = waiting_replicas,
                                        .learning_left = {}}};
}

ports::PermitsSynced Failed() {
  return {.sync = {}, .outcome = base::MakeError(base::ErrorKind::kUnavailable, "away")};
}

// A keeper that wanted `wanted` permits and was granted `granted` at kStart.
PermitKeeper KeeperWith(std::int64_t wanted, std::int64_t granted,
                        std::int64_t waiting_replicas = 0) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted(wanted);
  EXPECT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Granted(granted, 0, waiting_replicas), kStart);
  return keeper;
}

TEST(PermitKeeper, AsksForNothingUntilACallWaits) {
  PermitKeeper keeper(kOptions);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
  EXPECT_FALSE(keeper.TryTake(kStart));
}

TEST(PermitKeeper, TellsAChangedLimitAtOnce) {
  PermitKeeper keeper = KeeperWith(1, 1);
  EXPECT_TRUE(keeper.TryTake(kStart));
  keeper.SetWanted(0);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
  keeper.SetLimit(9);
  EXPECT_EQ(keeper.Deadline(), kStart);
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->limit, 9);
  keeper.OnSynced(Granted(1, 0), kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
}

TEST(PermitKeeper, AsksForWhatItWantsAndTakesWhatItIsGranted) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted(3);
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->want, 3);
  EXPECT_EQ(sync->limit, 5);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value()) << "one is under way";
  keeper.OnSynced(Granted(2, 0), kStart);
  EXPECT_TRUE(keeper.TryTake(kStart));
  EXPECT_TRUE(keeper.TryTake(kStart));
  EXPECT_FALSE(keeper.TryTake(kStart));
}

TEST(PermitKeeper, ServesTheNextCallWithTheSamePermitWhileNobodyElseWaits) {
  PermitKeeper keeper = KeeperWith(1, 1);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(keeper.TryTake(kStart));
    keeper.SetWanted(1);
    keeper.GiveBack(kStart);
  }
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value());
}

TEST(PermitKeeper, GivesAPermitBackAfterOneCallWhileOthersWait) {
  PermitKeeper keeper = KeeperWith(1, 1, 1);
  ASSERT_TRUE(keeper.TryTake(kStart));
  keeper.GiveBack(kStart);
  EXPECT_FALSE(keeper.TryTake(kStart));
  const auto sync = keeper.NextSync({}, kStart);
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->released_total, 1);
  EXPECT_EQ(sync->want, 1);
}

TEST(PermitKeeper, ReturnsIdlePermitsAfterAWhile) {
  PermitKeeper keeper = KeeperWith(1, 1);
  ASSERT_TRUE(keeper.TryTake(kStart));
  keeper.SetWanted(0);
  keeper.GiveBack(kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart + milliseconds(10)).has_value());
  const auto sync = keeper.NextSync({}, kStart + milliseconds(251));
  ASSERT_TRUE(sync.has_value());
  EXPECT_EQ(sync->released_total, 1);
}

TEST(PermitKeeper, BeginsNothingNearTheEndOfItsLease) {
  PermitKeeper keeper = KeeperWith(1, 1);
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(13)));
  EXPECT_TRUE(keeper.TryTake(kStart + seconds(11)));
}

TEST(PermitKeeper, RenewsItsLeaseFourTimesALease) {
  PermitKeeper keeper = KeeperWith(1, 1);
  ASSERT_TRUE(keeper.TryTake(kStart));
  keeper.SetWanted(0);
  EXPECT_FALSE(keeper.NextSync({}, kStart + seconds(3)).has_value());
  EXPECT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
}

TEST(PermitKeeper, ForgetsNothingWhenAnAnswerIsLost) {
  PermitKeeper keeper = KeeperWith(2, 2, 1);
  ASSERT_TRUE(keeper.TryTake(kStart));
  keeper.GiveBack(kStart);
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Failed(), kStart);
  EXPECT_FALSE(keeper.NextSync({}, kStart).has_value()) << "not at once";
  const auto again = keeper.NextSync({}, kStart + seconds(1));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->released_total, 1);
  EXPECT_EQ(again->granted_known, 2);
}

TEST(PermitKeeper, ComesDownToItsShareOnceTheCoordinatorIsAwayForALease) {
  PermitKeeper keeper = KeeperWith(5, 5);
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(4)).has_value());
  keeper.OnSynced(Failed(), kStart + seconds(5));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(keeper.TryTake(kStart + seconds(5))) << "within its lease";
  for (int i = 0; i < 5; ++i) keeper.GiveBack(kStart + seconds(6));
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(13)));
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(16))) << "others may still be within their leases";
  EXPECT_TRUE(keeper.TryTake(kStart + seconds(20)));
  EXPECT_TRUE(keeper.TryTake(kStart + seconds(20))) << "5 / 2 replicas";
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(20)));
}

TEST(PermitKeeper, TakesNothingAtOnceWhenItWasIdleAsTheCoordinatorWentAway) {
  PermitKeeper keeper = KeeperWith(1, 1);
  keeper.SetWanted(0);
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(1)).has_value()) << "gives its permit back";
  keeper.OnSynced(Granted(1, 1), kStart + seconds(1));
  keeper.SetWanted(1);
  ASSERT_TRUE(keeper.NextSync({}, kStart + seconds(60)).has_value());
  keeper.OnSynced(Failed(), kStart + seconds(60));
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(61)));
}

TEST(PermitKeeper, StartsNothingIfTheCoordinatorNeverAnswered) {
  PermitKeeper keeper(kOptions);
  keeper.SetWanted(1);
  ASSERT_TRUE(keeper.NextSync({}, kStart).has_value());
  keeper.OnSynced(Failed(), kStart);
  EXPECT_FALSE(keeper.TryTake(kStart + seconds(60)));
}

TEST(PermitKeeper, AsksAgainWhenAPermitIsOffered) {
  PermitKeeper keeper = KeeperWith(2, 0, 1);
  EXPECT_FALSE(keeper.NextSync({}, kStart + milliseconds(5)).has_value());
  keeper.OnOffered();
  EXPECT_TRUE(keeper.NextSync({}, kStart + milliseconds(5)).has_value());
}

TEST(PermitKeeper, HasNothingToDoWhileMoreCallsWaitThanThereArePermits) {
  PermitKeeper keeper = KeeperWith(4, 1);
  ASSERT_TRUE(keeper.TryTake(kStart));
  keeper.GiveBack(kStart);
  keeper.SetWanted(3);
  ASSERT_TRUE(keeper.TryTake(kStart)) << "its permit serves the next call";
  keeper.SetWanted(2);
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
  EXPECT_EQ(sync->released_total, 3);
  EXPECT_EQ(sync->want, 0);
  EXPECT_FALSE(keeper.TryTake(kStart));
}

}  // namespace
}  // namespace llmbatch::admission
