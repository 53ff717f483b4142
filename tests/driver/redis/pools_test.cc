// Several pools, shared by several replicas through a real Redis.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::seconds;

// A replica with calls of a task that has a pool of its own, and others.
class TwoClasses {
 public:
  TwoClasses(const RedisServer& server, const std::string& name, std::int64_t all,
             std::int64_t task)
      : replica_(Replica::Options(server.url(), name)), all_(all), task_(task) {}

  // What it holds after it has asked for so many calls of each.
  std::pair<std::int64_t, std::int64_t> Want(std::int64_t of_task, std::int64_t others,
                                             int priority_of_task = 5) {
    const auto state = replica_.ask().SyncAll({.sync = {},
                                               .pools = {{"all", all_}, {"task:t", task_}},
                                               .demands = {{.pools = {0, 1},
                                                            .granted_known = granted_[0],
                                                            .released_total = released_[0],
                                                            .want = of_task,
                                                            .priority = priority_of_task},
                                                           {.pools = {0},
                                                            .granted_known = granted_[1],
                                                            .released_total = released_[1],
                                                            .want = others,
                                                            .priority = 5}},
                                               .lease = seconds(15)});
    EXPECT_TRUE(state.ok());
    if (!state) return {-1, -1};
    for (std::size_t i = 0; i < 2; ++i) granted_[i] = state->grants[i].granted_total;
    others_waiting_ = state->grants[1].others_waiting;
    return {granted_[0] - released_[0], granted_[1] - released_[1]};
  }
  void GiveBack(std::int64_t of_task, std::int64_t others) {
    released_[0] += of_task;
    released_[1] += others;
  }
  std::int64_t others_waiting() const { return others_waiting_; }

 private:
  Replica replica_;
  std::int64_t all_, task_;
  std::vector<std::int64_t> granted_{0, 0};
  std::vector<std::int64_t> released_{0, 0};
  std::int64_t others_waiting_ = 0;
};

using Held = std::pair<std::int64_t, std::int64_t>;

TEST(Pools, OneThatIsUsedUpElsewhereKeepsOnlyItsOwnCallsWaiting) {
  RedisServer server;
  TwoClasses first(server, "first:1", 5, 2);
  TwoClasses second(server, "second:1", 5, 2);
  EXPECT_EQ(first.Want(2, 0), Held(2, 0));
  EXPECT_EQ(second.Want(2, 3), Held(0, 3));
  first.GiveBack(1, 0);
  EXPECT_EQ(first.Want(0, 0), Held(1, 0));
  EXPECT_EQ(second.Want(1, 0), Held(1, 3));
}

TEST(Pools, WhoHoldsWhatNobodyElseCouldTakeIsNotToldToGiveItBack) {
  RedisServer server;
  TwoClasses first(server, "first:1", 3, 1);
  TwoClasses second(server, "second:1", 3, 1);
  ASSERT_EQ(first.Want(1, 2), Held(1, 2));
  ASSERT_EQ(second.Want(1, 0), Held(0, 0));
  first.Want(0, 0);
  EXPECT_EQ(first.others_waiting(), 0) << "the other waits for the task's pool";
  second.Want(1, 1);
  first.Want(0, 0);
  EXPECT_EQ(first.others_waiting(), 1);
}

TEST(Pools, TheHigherPriorityComesFirstOverAllReplicas) {
  RedisServer server;
  TwoClasses holder(server, "holder:1", 1, 1);
  TwoClasses early(server, "early:1", 1, 1);
  TwoClasses late(server, "late:1", 1, 1);
  ASSERT_EQ(holder.Want(0, 1), Held(0, 1));
  ASSERT_EQ(early.Want(1, 0, 5), Held(0, 0));
  ASSERT_EQ(late.Want(1, 0, 9), Held(0, 0));
  holder.GiveBack(0, 1);
  holder.Want(0, 0);
  EXPECT_EQ(early.Want(1, 0, 5), Held(0, 0));
  EXPECT_EQ(late.Want(1, 0, 9), Held(1, 0));
}

TEST(Pools, TheDeadGiveBackThePermitsOfEachPool) {
  RedisServer server;
  TwoClasses survivor(server, "host:2", 3, 2);
  {
    TwoClasses dead(server, "host:1", 3, 2);
    ASSERT_EQ(dead.Want(2, 1), Held(2, 1));
  }
  EXPECT_EQ(survivor.Want(2, 1), Held(2, 1)) << "another start of the same instance";
}

}  // namespace
}  // namespace llmbatch::redis
