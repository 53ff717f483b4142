// Permits shared by several replicas through a real Redis.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr auto kLongLearning = seconds(100);

RedisOptions Learning(RedisOptions options, base::Duration learning) {
  options.learning = learning;
  return options;
}

// Redis' clock, which is this machine's.
std::int64_t WallMillis() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(Permits, NothingIsGrantedUntilAFirstStartHasLearnt) {
  RedisServer server;
  Replica replica(Learning(Replica::Options(server.url()), milliseconds(300)));
  const auto first = replica.Sync(5);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->granted_total, 0);
  EXPECT_GT(first->learning_left, base::Duration::zero());
  EXPECT_LE(first->learning_left, milliseconds(300));
  EXPECT_TRUE(Eventually([&] { return replica.Sync(5)->granted_total == 5; }));
}

TEST(Permits, WhoWaitsIsWokenWhenItIsGrantedWhatAnotherGaveBack) {
  RedisServer server;
  Replica holder(Replica::Options(server.url(), "holder:1"));
  Replica first(Replica::Options(server.url(), "first:1"));
  Replica second(Replica::Options(server.url(), "second:1"));
  ASSERT_EQ(holder.Sync(5)->granted_total, 5);
  // Being subscribed is told as an offer, too.
  ASSERT_TRUE(first.ask().AwaitOffer(seconds(10)));
  ASSERT_TRUE(second.ask().AwaitOffer(seconds(10)));
  ASSERT_EQ(first.Sync(1)->granted_total, 0);
  const auto waiting = second.Sync(1);
  EXPECT_EQ(waiting->granted_total, 0);
  EXPECT_EQ(waiting->others_waiting, 1);
  EXPECT_EQ(waiting->live_replicas, 3);

  holder.GiveBack(1);
  ASSERT_TRUE(holder.Sync(0).ok());

  EXPECT_TRUE(first.ask().AwaitOffer(seconds(10)));
  EXPECT_EQ(first.Sync(1)->granted_total, 1);
  EXPECT_FALSE(second.ask().AwaitOffer(milliseconds(50)));
  EXPECT_EQ(second.Sync(1)->granted_total, 0);
}

TEST(Permits, WhoHoldsLessThanAnEqualShareComesFirst) {
  RedisServer server;
  Replica early(Replica::Options(server.url(), "early:1"));
  Replica late(Replica::Options(server.url(), "late:1"));
  early.set_limit(4);
  late.set_limit(4);
  ASSERT_EQ(early.Sync(4)->granted_total, 4);
  ASSERT_EQ(early.Sync(4)->granted_total, 4);
  ASSERT_EQ(late.Sync(4)->granted_total, 0);
  for (int i = 0; i < 2; ++i) {
    early.GiveBack(1);
    ASSERT_EQ(early.Sync(4)->granted_total, 4);
  }
  EXPECT_EQ(late.Sync(4)->granted_total, 2);
}

TEST(Permits, AReplicasShareIsByItsUsers) {
  RedisServer server;
  Replica greedy(Replica::Options(server.url(), "greedy:1"));
  Replica idle(Replica::Options(server.url(), "idle:1"));
  Replica many(Replica::Options(server.url(), "many:1"));
  idle.set_users(100);
  many.set_users(9);
  ASSERT_EQ(greedy.Sync(100)->granted_total, 5);
  ASSERT_EQ(idle.Sync(0)->granted_total, 0);
  ASSERT_EQ(many.Sync(100)->granted_total, 0);
  for (int round = 0; round < 5; ++round) {
    greedy.GiveBack(1);
    ASSERT_TRUE(greedy.Sync(100).ok());
  }
  EXPECT_EQ(many.Sync(100)->granted_total, 4);
  EXPECT_EQ(greedy.Sync(100)->granted_total, 6) << "and nobody is left without";
  many.GiveBack(4);
  ASSERT_TRUE(many.Sync(0).ok());
  EXPECT_EQ(greedy.Sync(100)->granted_total, 10) << "nor is anything left unused";
}

TEST(Permits, ARowOfAnOlderVersionHasOneUser) {
  RedisServer server;
  Replica replica(Replica::Options(server.url(), "new:1"));
  ASSERT_TRUE(replica.Sync(0).ok());
  const std::string hour_from_now = std::to_string(
      std::chrono::duration_cast<std::chrono::milliseconds>(
          (std::chrono::system_clock::now() + std::chrono::hours(1)).time_since_epoch())
          .count());
  server.Command("HSET {llmbatchd}:permits replica:old:1 \"" + hour_from_now +
                 "  all 3 0 0 0 5 0\"");
  replica.set_limit(5);
  EXPECT_EQ(replica.Sync(100)->granted_total, 2);
}

TEST(Permits, AHigherLimitIsSharedAmongThoseWhoWait) {
  RedisServer server;
  Replica one(Replica::Options(server.url(), "one:1"));
  Replica other(Replica::Options(server.url(), "other:1"));
  one.set_limit(0);
  other.set_limit(0);
  ASSERT_EQ(one.Sync(10)->granted_total, 0);
  ASSERT_EQ(other.Sync(10)->granted_total, 0);
  one.set_limit(10);
  other.set_limit(10);
  EXPECT_EQ(one.Sync(10)->granted_total, 5);
  EXPECT_EQ(other.Sync(10)->granted_total, 5);
}

TEST(Permits, TheDeadGiveBackWhatTheyHeldWhenTheirLeaseEndsAndNobodyHasToLearn) {
  RedisServer server;
  auto dead = std::make_unique<Replica>(Replica::Options(server.url(), "dead:1"));
  Replica survivor(Learning(Replica::Options(server.url(), "survivor:1"), kLongLearning));
  dead->set_lease(milliseconds(400));
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_EQ(dead->Sync(5)->granted_total, 5);
  dead.reset();
  ASSERT_TRUE(Eventually([&] { return survivor.Sync(5)->granted_total == 5; }));
  const auto waited = std::chrono::steady_clock::now() - begun;
  EXPECT_GE(waited, milliseconds(395));
  EXPECT_LT(waited, milliseconds(1400));
}

TEST(Permits, ANewStartOfAnInstanceTakesOverAtOnce) {
  RedisServer server;
  auto before = std::make_unique<Replica>(Replica::Options(server.url(), "host:1"));
  ASSERT_EQ(before->Sync(5)->granted_total, 5);
  before.reset();
  Replica after(Learning(Replica::Options(server.url(), "host:2"), kLongLearning));
  const auto state = after.Sync(5);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 5);
  EXPECT_EQ(state->live_replicas, 1);
}

TEST(Permits, AfterEveryoneWasSilentTheFirstOneBackHasToLearn) {
  RedisServer server;
  Replica holder(Replica::Options(server.url(), "holder:1"));
  holder.set_lease(milliseconds(50));
  ASSERT_EQ(holder.Sync(5)->granted_total, 5);
  const auto lease_over = std::chrono::steady_clock::now() + milliseconds(60);
  std::this_thread::sleep_until(lease_over);

  Replica fresh(Learning(Replica::Options(server.url(), "fresh:1"), kLongLearning));
  const auto state = fresh.Sync(5);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 0);
  EXPECT_GT(state->learning_left, base::Duration::zero());
  EXPECT_EQ(holder.Sync(0)->used, 5);
}

TEST(Permits, AReplicaPausedBeyondItsLeaseIsCountedAgainAndNothingIsGrantedUntilItHasDrained) {
  RedisServer server;
  Replica paused(Replica::Options(server.url(), "paused:1"));
  Replica other(Replica::Options(server.url(), "other:1"));
  paused.set_lease(milliseconds(100));
  ASSERT_EQ(paused.Sync(2)->granted_total, 2);
  ASSERT_TRUE(Eventually([&] { return other.Sync(5 - other.held())->granted_total == 5; }));

  EXPECT_EQ(paused.Sync(0)->used, 7);
  other.GiveBack(1);
  EXPECT_EQ(other.Sync(1)->granted_total, 5);
  paused.GiveBack(2);
  EXPECT_EQ(paused.Sync(0)->used, 5);
}

TEST(Permits, AfterFlushAllWhatIsHeldIsLearntBeforeAnythingIsGranted) {
  RedisServer server;
  Replica holder(Learning(Replica::Options(server.url(), "holder:1"), milliseconds(300)));
  Replica other(Learning(Replica::Options(server.url(), "other:1"), milliseconds(300)));
  ASSERT_TRUE(Eventually([&] { return holder.Sync(5)->granted_total == 5; }));
  ASSERT_EQ(server.Command("FLUSHALL"), "+OK");

  EXPECT_EQ(other.Sync(5)->granted_total, 0);
  const auto state = holder.Sync(0);
  EXPECT_EQ(state->granted_total, 5);
  EXPECT_EQ(state->used, 5);
  ASSERT_TRUE(Eventually([&] { return other.Sync(5)->learning_left == base::Duration::zero(); }));
  EXPECT_EQ(other.Sync(5)->granted_total, 0);
  holder.GiveBack(1);
  ASSERT_TRUE(holder.Sync(0).ok());
  EXPECT_EQ(other.Sync(5)->granted_total, 1);
}

TEST(Permits, ARestartedServerMayHaveLostItsLastWritesSoItLearns) {
  RedisServer server({"--appendonly", "yes", "--appendfsync", "always"});
  Replica holder(Replica::Options(server.url(), "holder:1"));
  ASSERT_EQ(holder.Sync(3)->granted_total, 3);
  server.Kill();
  server.Start();
  Replica fresh(Learning(Replica::Options(server.url(), "fresh:1"), kLongLearning));
  const auto state = fresh.Sync(5);
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->granted_total, 0);
  EXPECT_EQ(state->used, 3);
  EXPECT_GT(state->learning_left, base::Duration::zero());
}

TEST(Permits, AClockSetBackDoesNotKeepThePermitsOfTheDead) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(replica.Sync(0).ok());
  const std::int64_t an_hour_ahead = WallMillis() + 3'600'000;
  server.Command("HSET {llmbatchd}:permits seen " + std::to_string(an_hour_ahead));
  server.Command("HSET {llmbatchd}:permits replica:dead:1 \"" +
                 std::to_string(an_hour_ahead + 300) + " all 5 0 0 0 5 0\"");
  EXPECT_EQ(replica.Sync(5)->granted_total, 0);
  EXPECT_TRUE(Eventually([&] { return replica.Sync(5)->granted_total == 5; }));
}

TEST(Permits, ARowThatMakesNoSenseIsAsGoodAsNone) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(replica.Sync(0).ok());
  for (const char* name : {"replica:bad:1", "replica:test:1", "learn", "seen", "tickets"}) {
    server.Command("HSET {llmbatchd}:permits " + std::string(name) + " rubbish");
  }
  const auto state = replica.Sync(5);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(state->granted_total, 5);
}

TEST(Permits, AForeignValueUnderTheKeyIsAnError) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  server.Command("SET {llmbatchd}:permits x");
  const auto state = replica.Sync(5);
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().kind, base::ErrorKind::kInvalid);
}

// Replicas that always have another call to make, as many as there are threads.
struct Rush {
  static constexpr int kReplicas = 8;
  static constexpr std::int64_t kLimit = 5;

  std::int64_t calls_in_all = 800;
  std::atomic<std::int64_t> begun{0};
  std::atomic<std::int64_t> running{0};
  std::atomic<std::int64_t> most_running{0};
  std::array<std::int64_t, kReplicas> calls{};

  void MakeCall(base::Rng& rng) {
    const std::int64_t now = ++running;
    std::int64_t most = most_running;
    while (now > most && !most_running.compare_exchange_weak(most, now)) {
    }
    std::this_thread::sleep_for(milliseconds(1 + rng.Below(5)));
    --running;
  }

  void Run(const std::string& url, std::size_t index, base::Duration learning) {
    base::Rng rng(index);
    Replica replica(
        Learning(Replica::Options(url, "replica" + std::to_string(index) + ":1"), learning));
    while (begun < calls_in_all) {
      const auto state = replica.Sync(replica.held() > 0 ? 0 : 1);
      ASSERT_TRUE(state.ok()) << state.error().message;
      if (replica.held() == 0) {
        replica.ask().AwaitOffer(milliseconds(50));
        continue;
      }
      ++begun;
      ++calls[index];
      MakeCall(rng);
      replica.GiveBack(1);
    }
    replica.GiveBack(replica.held());
    ASSERT_TRUE(replica.Sync(0).ok());
  }

  double Fairness() const {
    double sum = 0;
    double squares = 0;
    for (const std::int64_t count : calls) {
      sum += static_cast<double>(count);
      squares += static_cast<double>(count * count);
    }
    return sum * sum / (kReplicas * squares);
  }
};

std::vector<std::thread> Begin(Rush& rush, const RedisServer& server, base::Duration learning) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < Rush::kReplicas; ++i) {
    threads.emplace_back([&, i, learning] { rush.Run(server.url(), i, learning); });
  }
  return threads;
}

TEST(Permits, EightReplicasShareThemFairlyAndNeverExceedTheLimit) {
  RedisServer server;
  Rush rush;
  for (std::thread& thread : Begin(rush, server, base::Duration::zero())) thread.join();
  EXPECT_LE(rush.most_running, Rush::kLimit);
  EXPECT_GE(rush.most_running, Rush::kLimit - 1);
  EXPECT_GT(rush.Fairness(), 0.95);
  RecordProperty("jain", std::to_string(rush.Fairness()));
}

TEST(Permits, LosingEverythingInTheMiddleDoesNotLetTheLimitBeExceeded) {
  RedisServer server;
  Rush rush;
  auto threads = Begin(rush, server, milliseconds(400));
  for (const std::int64_t at : {100, 300, 500}) {
    EXPECT_TRUE(Eventually([&] { return rush.begun >= at; }));
    EXPECT_EQ(server.Command("FLUSHALL"), "+OK");
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(rush.most_running, Rush::kLimit);
}

}  // namespace
}  // namespace llmbatch::redis
