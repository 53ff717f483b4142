// What the coordinator does when Redis is away, refuses, or is silent.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LogBook {
 public:
  std::function<void(ports::LogLine)> Writer() {
    return [this](ports::LogLine line) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(std::move(line.message));
    };
  }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

void ExpectUnavailable(const base::Error& error) {
  EXPECT_EQ(error.kind, base::ErrorKind::kUnavailable) << error.message;
  EXPECT_TRUE(error.retryable());
}

bool Works(Replica& replica) { return replica.Sync(1).ok(); }

TEST(Outage, EveryCommandFailsAtOnceWhileThereIsNoServer) {
  Replica replica(Replica::Options("unix:///nonexistent/redis.sock"));
  const auto synced = replica.Sync(1);
  ASSERT_FALSE(synced.ok());
  ExpectUnavailable(synced.error());
  EXPECT_NE(synced.error().message.find("redis at /nonexistent/redis.sock"), std::string::npos);
  const auto looked_up = replica.ask().LookUp({"key"});
  ASSERT_FALSE(looked_up.ok());
  ExpectUnavailable(looked_up.error());
  const auto stored = replica.ask().Store({{"key", "value"}}, seconds(1));
  ASSERT_FALSE(stored.ok());
  ExpectUnavailable(stored.error());
  EXPECT_FALSE(replica.coordinator().up());
}

TEST(Outage, AServerThatWasKilledIsUsedAgainWhenItIsBack) {
  RedisServer server;
  LogBook log;
  RedisOptions options = Replica::Options(server.url());
  options.log = log.Writer();
  Replica replica(std::move(options));
  ASSERT_TRUE(Works(replica));
  EXPECT_TRUE(replica.coordinator().up());

  server.Kill();
  ASSERT_TRUE(Eventually([&] { return !replica.coordinator().up(); }));
  const auto state = replica.Sync(1);
  ASSERT_FALSE(state.ok());
  ExpectUnavailable(state.error());

  server.Start();
  EXPECT_TRUE(Eventually([&] { return Works(replica); }));
  EXPECT_TRUE(replica.coordinator().up());
  const auto lines = log.lines();
  EXPECT_EQ(lines.front(), "Redis answers");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "Redis answers"), 2);
}

TEST(Outage, CommandsUnderWayFailWhenTheServerIsKilled) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  server.Pause();
  std::thread killer([&] { server.Kill(); });
  const auto state = replica.Sync(1);
  killer.join();
  ASSERT_FALSE(state.ok());
  ExpectUnavailable(state.error());
}

TEST(Outage, AServerThatIsSilentIsGivenUpInTime) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  server.Pause();
  const auto begun = std::chrono::steady_clock::now();
  const auto state = replica.Sync(1);
  const auto took = std::chrono::steady_clock::now() - begun;
  ASSERT_FALSE(state.ok());
  ExpectUnavailable(state.error());
  EXPECT_GE(took, milliseconds(900));
  EXPECT_LT(took, milliseconds(2000));
  server.Resume();
  EXPECT_TRUE(Eventually([&] { return Works(replica); }));
}

TEST(Outage, TheListenerComesBackAndSaysSo) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(replica.ask().AwaitOffer(seconds(10)));
  server.Kill();
  server.Start();
  EXPECT_TRUE(replica.ask().AwaitOffer(seconds(10)));
}

TEST(Outage, StoppingAbortsWhatIsUnderWayAndWhatFollows) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  server.Pause();
  const auto begun = std::chrono::steady_clock::now();
  std::thread stopper([&] { replica.coordinator().Stop(); });
  const auto under_way = replica.Sync(1);
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, milliseconds(900));
  ASSERT_FALSE(under_way.ok());
  EXPECT_EQ(under_way.error().kind, base::ErrorKind::kAborted);
  const auto after = replica.Sync(1);
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().kind, base::ErrorKind::kAborted);
}

TEST(Outage, AScriptThatTheServerForgotIsLoadedAgain) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  ASSERT_EQ(server.Command("SCRIPT FLUSH"), "+OK");
  EXPECT_TRUE(Works(replica));
}

TEST(Outage, AReadOnlyReplicaIsAsGoodAsAway) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  server.Command("REPLICAOF 127.0.0.1 1");
  const auto state = replica.Sync(1);
  ASSERT_FALSE(state.ok());
  ExpectUnavailable(state.error());
  EXPECT_TRUE(Eventually([&] { return !replica.coordinator().up(); }));
  server.Command("REPLICAOF NO ONE");
  EXPECT_TRUE(Eventually([&] { return Works(replica); }));
}

TEST(Outage, AServerOutOfMemoryIsAsGoodAsAwayForWhatWrites) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  ASSERT_TRUE(replica.ask().Store({{"key", "value"}}, seconds(60)).ok());
  server.Command("CONFIG SET maxmemory 1");
  const auto state = replica.Sync(1);
  ASSERT_FALSE(state.ok());
  ExpectUnavailable(state.error());
  const auto stored = replica.ask().Store({{"another", "value"}}, seconds(60));
  ASSERT_FALSE(stored.ok());
  ExpectUnavailable(stored.error());
  EXPECT_EQ(*replica.ask().LookUp({"key"}), coordinator::Outcomes{"value"});
}

TEST(Outage, AServerBusyWithAScriptIsAsGoodAsAway) {
  RedisServer server({"--busy-reply-threshold", "50"});
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(Works(replica));
  std::thread busy([&] { server.Command("EVAL \"while true do end\" 0"); });
  base::Result<coordinator::OnePoolState> state = replica.Sync(1);
  EXPECT_TRUE(Eventually([&] {
    state = replica.Sync(1);
    return !state.ok();
  }));
  ExpectUnavailable(state.error());
  EXPECT_TRUE(Eventually([&] { return server.Command("SCRIPT KILL") == "+OK"; }));
  busy.join();
  EXPECT_TRUE(Eventually([&] { return Works(replica); }));
}

TEST(Outage, AWrongPasswordIsToldWithoutTellingThePassword) {
  RedisServer server({"--requirepass", "right-one"});
  for (const char* login : {"", ":wrong-one@", "nobody:wrong-one@"}) {
    RedisOptions options = Replica::Options(server.url());
    const std::string text = login;
    if (!text.empty()) options.password = base::Secret("wrong-one");
    Replica replica(std::move(options));
    const auto state = replica.Sync(1);
    ASSERT_FALSE(state.ok());
    ExpectUnavailable(state.error());
    EXPECT_NE(state.error().message.find("password"), std::string::npos) << state.error().message;
    EXPECT_EQ(state.error().message.find("wrong-one"), std::string::npos);
  }
}

TEST(Outage, TheRightPasswordOpens) {
  RedisServer server({"--requirepass", "right-one"});
  RedisOptions options = Replica::Options(server.url());
  options.password = base::Secret("right-one");
  Replica replica(std::move(options));
  EXPECT_TRUE(Works(replica));
}

ports::TakeJobRecord JobOfUser(const std::string& job_id, const std::string& user_id) {
  ports::TakeJobRecord take;
  take.job_id = job_id;
  take.user_id = user_id;
  take.content = "hash";
  take.now = runtime::ReadClock().wall;
  take.ttl = seconds(60);
  return take;
}

TEST(Login, AUserWithNoMoreRightsThanTheReadmeNamesIsEnough) {
  const std::string port = std::to_string(FreePort());
  RedisServer server({"--port",   port,           "--user",         "app",
                      "on",       ">p@ss",        "~{llmbatchd}:*", "&{llmbatchd}:*",
                      "+get",     "+hget",        "+set",           "+hgetall",
                      "+hset",    "+hdel",        "+del",           "+time",
                      "+evalsha", "+script|load", "+subscribe",     "+publish",
                      "+ping",    "+select",      "+hmget",         "+pexpire",
                      "+hincrby", "+zadd",        "+zrem",          "+zremrangebyscore",
                      "+getrange"});
  LogBook log;
  RedisOptions options = Replica::Options("redis://app:p%40ss@127.0.0.1:" + port + "/2");
  options.log = log.Writer();
  Replica replica(std::move(options));
  const auto state = replica.Sync(5);
  ASSERT_TRUE(state.ok()) << state.error().message;
  EXPECT_EQ(state->granted_total, 5);
  EXPECT_TRUE(replica.ask().Store({{"key", "value"}}, seconds(60)).ok());
  const auto found = replica.ask().LookUp({"key"});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(*found, coordinator::Outcomes{"value"});
  const auto shared = replica.ask().Share({{.name = "r", .ratio = 1'100'000, .keep = 1, .add = 1}});
  ASSERT_TRUE(shared.ok()) << shared.error().message;
  EXPECT_TRUE(replica.ask().AwaitOffer(seconds(10)));
  const auto taken = replica.ask().Take(JobOfUser("j", "u"));
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  ASSERT_TRUE(replica.ask().Take(JobOfUser("j", "u")).ok()) << "taken again";
  const auto commanded = replica.ask().Command({.command = {},
                                                .kind = ports::CommandJobRecord::Kind::kCancel,
                                                .job_id = "j",
                                                .user_id = "u",
                                                .now = runtime::ReadClock().wall,
                                                .ttl = seconds(60)});
  ASSERT_TRUE(commanded.ok()) << commanded.error().message;
  EXPECT_EQ(replica.ask().AwaitCancel(seconds(10)), "j");
  const auto document = replica.ask().Fetch(
      {.fetch = {}, .place = {.store = {}, .name = "lease"}, .user_id = "u", .max_bytes = 10});
  EXPECT_EQ(document.error().kind, base::ErrorKind::kNotFound) << document.error().message;
  EXPECT_EQ(log.lines(), std::vector<std::string>{"Redis answers"});
}

TEST(Login, DatabasesAndNamespacesAreKeptApart) {
  RedisServer server;
  Replica first(Replica::Options(server.url()));
  Replica other_database(Replica::Options(server.url() + "?db=3"));
  RedisOptions options = Replica::Options(server.url());
  options.name_space = "other";
  Replica other_namespace(std::move(options));
  ASSERT_TRUE(first.ask().Store({{"key", "value"}}, seconds(60)).ok());
  EXPECT_EQ(*first.ask().LookUp({"key"}), coordinator::Outcomes{"value"});
  EXPECT_EQ(*other_database.ask().LookUp({"key"}), coordinator::Outcomes{std::nullopt});
  EXPECT_EQ(*other_namespace.ask().LookUp({"key"}), coordinator::Outcomes{std::nullopt});
}

TEST(Login, RiskySettingsAreToldOnce) {
  RedisServer server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
  LogBook log;
  RedisOptions options = Replica::Options(server.url());
  options.log = log.Writer();
  Replica replica(std::move(options));
  EXPECT_TRUE(Eventually([&] { return log.lines().size() == 3; }));
  EXPECT_EQ(log.lines()[0], "Redis answers");
  EXPECT_EQ(log.lines()[1].substr(0, 27), "Redis keeps nothing on disk");
  EXPECT_EQ(log.lines()[2].substr(0, 23), "Redis may evict permits");
}

TEST(Options, WhatIsWrongIsRefused) {
  runtime::Inbox inbox;
  for (const auto& [name_space, replica, key] :
       {std::tuple{"", "a:1", "redis.namespace:"}, std::tuple{"a{b", "a:1", "redis.namespace:"},
        std::tuple{"a b", "a:1", "redis.namespace:"}, std::tuple{"ns", "", "redis.replica:"}}) {
    RedisOptions options = Replica::Options("unix:///nonexistent", replica);
    options.name_space = name_space;
    const auto started = RedisCoordinator::Start(std::move(options), inbox);
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().kind, base::ErrorKind::kInvalid);
    EXPECT_EQ(started.error().message.substr(0, std::string_view(key).size()), key);
  }
  EXPECT_FALSE(RedisCoordinator::Start(Replica::Options("http://cache"), inbox).ok());
}

}  // namespace
}  // namespace llmbatch::redis
