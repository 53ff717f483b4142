// How permits are dealt out to several replicas. That Redis' script does the same is tested in
// tests/unit/coordinator and tests/driver/redis.
#include "admission/permit_book.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

// Replicas that remember what they were told, as a PermitKeeper does.
class Pool {
 public:
  explicit Pool(std::int64_t limit) : limit_(limit) {}

  struct Ask {
    std::int64_t want = 0;
    std::int64_t weight = 1;
    int priority = 5;
    bool relearn = false;
    base::Duration lease = seconds(15);
    std::int64_t users = 1;
  };
  // What the replica holds after it has asked.
  std::int64_t Sync(const std::string& replica, const Ask& ask, base::Timestamp now = kStart) {
    Totals& mine = totals_[replica];
    last_ = book_.Sync(replica,
                       {.sync = {},
                        .pools = {{.name = "all", .limit = limit_}},
                        .demands = {{.pools = {0},
                                     .weight = ask.weight,
                                     .granted_known = mine.granted,
                                     .released_total = mine.released,
                                     .want = ask.want,
                                     .priority = ask.priority}},
                        .lease = ask.lease,
                        .users = ask.users,
                        .relearn = ask.relearn},
                       seconds(5), now);
    mine.granted = last_.state.grants[0].granted_total;
    return mine.granted - mine.released;
  }
  void GiveBack(const std::string& replica, std::int64_t calls) {
    totals_[replica].released += calls;
  }
  const PermitBook::Synced& last() const { return last_; }
  std::int64_t used() const { return last_.state.used[0]; }

 private:
  struct Totals {
    std::int64_t granted = 0;
    std::int64_t released = 0;
  };
  PermitBook book_;
  std::map<std::string, Totals> totals_;
  std::int64_t limit_;
  PermitBook::Synced last_;
};

TEST(PermitBook, WakesWhoIsGrantedWhatAnotherGaveBack) {
  Pool pool(1);
  ASSERT_EQ(pool.Sync("a:1", {.want = 1}), 1);
  ASSERT_EQ(pool.Sync("b:1", {.want = 1}), 0);
  ASSERT_EQ(pool.Sync("c:1", {.want = 1}), 0);
  pool.GiveBack("a:1", 1);
  pool.Sync("a:1", {});
  EXPECT_EQ(pool.last().woken, std::vector<std::string>{"b:1"});
  EXPECT_EQ(pool.last().state.rank, 0);
  EXPECT_EQ(pool.Sync("b:1", {.want = 1}), 1);
  EXPECT_EQ(pool.last().state.rank, 1);
  EXPECT_EQ(pool.last().state.live_replicas, 3);
}

TEST(PermitBook, WhoHoldsLessThanAnEqualShareComesFirst) {
  Pool pool(4);
  ASSERT_EQ(pool.Sync("early:1", {.want = 4}), 4);
  ASSERT_EQ(pool.Sync("early:1", {.want = 4}), 4);
  ASSERT_EQ(pool.Sync("late:1", {.want = 4}), 0);
  pool.GiveBack("early:1", 2);
  EXPECT_EQ(pool.Sync("early:1", {.want = 4}), 2);
  EXPECT_EQ(pool.Sync("late:1", {.want = 4}), 2);
}

TEST(PermitBook, AReplicasShareIsByItsUsers) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("greedy:1", {.want = 100}), 5);
  ASSERT_EQ(pool.Sync("idle:1", {.users = 100}), 0);
  ASSERT_EQ(pool.Sync("many:1", {.want = 100, .users = 9}), 0);
  for (int round = 0; round < 5; ++round) {
    pool.GiveBack("greedy:1", 1);
    pool.Sync("greedy:1", {.want = 100});
  }
  EXPECT_EQ(pool.Sync("many:1", {.want = 100, .users = 9}), 4);
  EXPECT_EQ(pool.Sync("greedy:1", {.want = 100}), 1) << "and nobody is left without";
  pool.GiveBack("many:1", 4);
  pool.Sync("many:1", {});
  EXPECT_EQ(pool.Sync("greedy:1", {.want = 100}), 5) << "nor is anything left unused";
}

TEST(PermitBook, FiveSecondsOfWaitingAreWorthAPriority) {
  for (const auto& [waited, first] : {std::pair{seconds(19), "late:1"}, {seconds(21), "early:1"}}) {
    Pool pool(1);
    const base::Timestamp later = kStart + waited;
    const Pool::Ask low{.want = 1, .priority = 5, .lease = seconds(60)};
    const Pool::Ask high{.want = 1, .priority = 9, .lease = seconds(60)};
    ASSERT_EQ(pool.Sync("holder:1", {.want = 1, .lease = seconds(60)}), 1);
    ASSERT_EQ(pool.Sync("early:1", low), 0);
    ASSERT_EQ(pool.Sync("late:1", high, later), 0);
    pool.GiveBack("holder:1", 1);
    pool.Sync("holder:1", {}, later);
    EXPECT_EQ(pool.last().woken, std::vector<std::string>{first});
  }
}

TEST(PermitBook, NothingStarvesBehindHigherPriorities) {
  Pool pool(1);
  ASSERT_EQ(pool.Sync("busy:1", {.want = 1, .priority = 9}), 1);
  int calls_before = 0;
  for (base::Timestamp now = kStart;; now += seconds(1)) {
    if (pool.Sync("patient:1", {.want = 1, .priority = 0}, now) == 1) break;
    pool.Sync("busy:1", {.want = 1, .priority = 9}, now);
    pool.GiveBack("busy:1", 1);
    ASSERT_EQ(pool.Sync("busy:1", {.want = 1, .priority = 9}, now) +
                  static_cast<std::int64_t>(pool.last().woken.size()),
              1);
    ASSERT_LT(++calls_before, 60);
  }
  EXPECT_GE(calls_before, 44);
}

TEST(PermitBook, APausedReplicaIsCountedAgain) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("paused:1", {.want = 2}), 2);
  ASSERT_EQ(pool.Sync("other:1", {.want = 5}), 3);
  const base::Timestamp later = kStart + seconds(14);
  ASSERT_EQ(pool.Sync("other:1", {.want = 2}, later), 3);
  ASSERT_EQ(pool.Sync("other:1", {.want = 2}, later + seconds(2)), 5);
  pool.Sync("paused:1", {}, later + seconds(3));
  EXPECT_EQ(pool.used(), 7);
}

TEST(PermitBook, ANewStartOfAnInstanceTakesOverAtOnce) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("host:1", {.want = 5}), 5);
  EXPECT_EQ(pool.Sync("host:2", {.want = 5}), 5);
  EXPECT_EQ(pool.last().state.live_replicas, 1);
}

TEST(PermitBook, TheFirstOneBackFromAnOutageLearnsAndCountsWhatTheOthersHeld) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("a:1", {.want = 2}), 2);
  ASSERT_EQ(pool.Sync("b:1", {.want = 3}), 3);
  const base::Timestamp back = kStart + seconds(60);
  EXPECT_EQ(pool.Sync("a:1", {.want = 9, .relearn = true}, back), 2);
  EXPECT_GT(pool.last().state.learning_left, base::Duration::zero());
  EXPECT_EQ(pool.used(), 5);
  EXPECT_EQ(pool.Sync("a:1", {.want = 9}, back + seconds(6)), 2) << "b is late and still counts";
  EXPECT_EQ(pool.Sync("b:1", {.want = 9, .relearn = true}, back + seconds(7)), 3);
  EXPECT_EQ(pool.last().state.learning_left, base::Duration::zero()) << "a was heard of before";
  EXPECT_EQ(pool.used(), 5);
}

TEST(PermitBook, WhoDoesNotComeBackFromAnOutageLosesItsPermits) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("a:1", {.want = 2}), 2);
  ASSERT_EQ(pool.Sync("dead:1", {.want = 3}), 3);
  const base::Timestamp back = kStart + seconds(60);
  ASSERT_EQ(pool.Sync("a:1", {.want = 9, .relearn = true}, back), 2);
  ASSERT_EQ(pool.Sync("a:1", {.want = 9}, back + seconds(9)), 2);
  EXPECT_EQ(pool.Sync("a:1", {.want = 9}, back + milliseconds(10'001)), 5);
}

TEST(PermitBook, OneThatWasCutOffAloneDoesNotMakeTheOthersWait) {
  Pool pool(5);
  ASSERT_EQ(pool.Sync("lone:1", {.want = 1}), 1);
  for (int second = 0; second < 60; second += 5) {
    ASSERT_GE(pool.Sync("other:1", {.want = 1}, kStart + seconds(second)), 1);
  }
  pool.Sync("lone:1", {.want = 1, .relearn = true}, kStart + seconds(60));
  EXPECT_EQ(pool.last().state.learning_left, base::Duration::zero());
}

}  // namespace
}  // namespace llmbatch::admission
