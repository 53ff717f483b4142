// Claims on outcomes, by several replicas through a real Redis.
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// "ours", "others'", "done: <outcome>" or "ours, in doubt: <call>", for each key.
std::vector<std::string> Claim(Replica& replica, std::vector<std::string> keys) {
  const auto entries = replica.ask().Claim(std::move(keys));
  std::vector<std::string> texts;
  if (!entries) return {entries.error().message};
  for (const ports::LedgerEntry& entry : *entries) {
    switch (entry.state) {
      case ports::LedgerEntry::State::kOurs:
        texts.push_back(entry.in_doubt.empty() ? "ours" : "ours, in doubt: " + entry.in_doubt);
        break;
      case ports::LedgerEntry::State::kOthers:
        texts.emplace_back("others'");
        break;
      case ports::LedgerEntry::State::kDone:
        texts.push_back("done: " + entry.outcome);
        break;
    }
  }
  return texts;
}

using Texts = std::vector<std::string>;

// One whose row stands among the permits: it lives.
class LiveReplica : public Replica {
 public:
  LiveReplica(const RedisServer& server, const std::string& name)
      : Replica(Replica::Options(server.url(), name)) {
    EXPECT_TRUE(Sync(0).ok());
  }
};

TEST(Claims, TheFirstToAskClaimsAndTheOthersAreTold) {
  RedisServer server;
  LiveReplica first(server, "first:1");
  LiveReplica second(server, "second:1");
  EXPECT_EQ(Claim(first, {"a", "b"}), (Texts{"ours", "ours"}));
  EXPECT_EQ(Claim(second, {"a", "c"}), (Texts{"others'", "ours"}));
  EXPECT_EQ(Claim(first, {"a", "c"}), (Texts{"ours", "others'"})) << "also when it asks again";
}

TEST(Claims, EndWithTheOutcome) {
  RedisServer server;
  LiveReplica first(server, "first:1");
  LiveReplica second(server, "second:1");
  ASSERT_EQ(Claim(first, {"a"}), Texts{"ours"});
  ASSERT_TRUE(first.ask().Store({{"a", R"({"v":1})"}}, hours(1)).ok());
  EXPECT_EQ(Claim(second, {"a"}), Texts{R"(done: {"v":1})"});
}

// A replica that stood still comes with its answer when another works for the same.
TEST(Claims, AreNotEndedByAnOutcomeOfAnother) {
  RedisServer server;
  LiveReplica late(server, "late:1");
  LiveReplica owner(server, "owner:1");
  ASSERT_EQ(Claim(owner, {"a", "b"}), (Texts{"ours", "ours"}));
  ASSERT_TRUE(owner.ask().Store({{"b", "the owner's"}}, hours(1)).ok());

  ASSERT_TRUE(late.ask().Store({{"a", "late"}, {"b", "late"}}, hours(1)).ok());

  EXPECT_EQ(Claim(owner, {"a", "b"}), (Texts{"ours", "done: the owner's"}));
}

TEST(Claims, OfTheDeadEndWithAnyOutcome) {
  RedisServer server;
  LiveReplica before(server, "one:1");
  ASSERT_EQ(Claim(before, {"a"}), Texts{"ours"});
  LiveReplica after(server, "one:2");
  ASSERT_TRUE(after.ask().Store({{"a", "new"}}, hours(1)).ok());
  EXPECT_EQ(Claim(after, {"a"}), Texts{"done: new"});
}

TEST(Claims, PassToTheNextWhenTheyAreGivenBack) {
  RedisServer server;
  LiveReplica first(server, "first:1");
  LiveReplica second(server, "second:1");
  ASSERT_EQ(Claim(first, {"a", "b"}), (Texts{"ours", "ours"}));
  first.coordinator().Execute(ports::ReleaseClaims{.release = {7}, .keys = {"a"}});
  ASSERT_TRUE(first.Sync(0).ok()) << "answered after the release was done";
  EXPECT_EQ(Claim(second, {"a", "b"}), (Texts{"ours", "others'"}));
}

TEST(Claims, NobodyGivesBackWhatIsNotHis) {
  RedisServer server;
  LiveReplica first(server, "first:1");
  LiveReplica second(server, "second:1");
  ASSERT_EQ(Claim(first, {"a"}), Texts{"ours"});
  ASSERT_TRUE(first.ask().Store({{"done", "{}"}}, hours(1)).ok());
  second.coordinator().Execute(ports::ReleaseClaims{.release = {7}, .keys = {"a", "done", "none"}});
  second.coordinator().Execute(
      ports::MarkSent{.keys = {"a", "done", "none"}, .call = "x", .claim_ttl = hours(1)});
  ASSERT_TRUE(second.Sync(0).ok());
  EXPECT_EQ(Claim(second, {"a", "done", "none"}), (Texts{"others'", "done: {}", "ours"}));
}

TEST(Claims, OfAReplicaThatDiedPassOverWithItsLease) {
  RedisServer server;
  LiveReplica second(server, "second:1");
  {
    Replica first(Replica::Options(server.url(), "first:1"));
    first.set_lease(milliseconds(300));
    ASSERT_TRUE(first.Sync(0).ok());
    ASSERT_EQ(Claim(first, {"a"}), Texts{"ours"});
    ASSERT_EQ(Claim(second, {"a"}), Texts{"others'"});
  }
  EXPECT_TRUE(Eventually([&] { return Claim(second, {"a"}) == Texts{"ours"}; }));
}

TEST(Claims, OfAnEarlierStartOfTheSameInstancePassOverAtOnce) {
  RedisServer server;
  LiveReplica before(server, "one:1");
  ASSERT_EQ(Claim(before, {"a"}), Texts{"ours"});
  LiveReplica after(server, "one:2");
  EXPECT_EQ(Claim(after, {"a"}), Texts{"ours"});
}

TEST(Claims, ThatWereSentTellTheNextOwnerOfTheCall) {
  RedisServer server;
  LiveReplica before(server, "one:1");
  ASSERT_EQ(Claim(before, {"a", "b"}), (Texts{"ours", "ours"}));
  before.coordinator().Execute(
      ports::MarkSent{.keys = {"a"}, .call = "batch-7/3", .claim_ttl = hours(1)});
  ASSERT_TRUE(before.Sync(0).ok());
  EXPECT_EQ(Claim(before, {"a"}), Texts{"ours"}) << "it knows of its own calls";
  LiveReplica after(server, "one:2");
  EXPECT_EQ(Claim(after, {"a", "b"}), (Texts{"ours, in doubt: batch-7/3", "ours"}));
  EXPECT_EQ(Claim(after, {"a"}), Texts{"ours"}) << "told once";
}

TEST(Claims, RunOut) {
  RedisServer server;
  LiveReplica first(server, "first:1");
  LiveReplica second(server, "second:1");
  ASSERT_TRUE(first.ask().Claim({"a"}, milliseconds(200)).ok());
  EXPECT_TRUE(Eventually([&] { return Claim(second, {"a"}) == Texts{"ours"}; }));
}

TEST(Claims, WorkAfterTheServerForgotItsScripts) {
  RedisServer server;
  LiveReplica replica(server, "one:1");
  ASSERT_EQ(Claim(replica, {"a"}), Texts{"ours"});
  ASSERT_EQ(server.Command("SCRIPT FLUSH"), "+OK");
  EXPECT_EQ(Claim(replica, {"a"}), Texts{"ours"});
}

TEST(Claims, WhatAStrangerPutThereCountsAsNothing) {
  RedisServer server;
  LiveReplica replica(server, "first:1");
  for (const char* key : {"looked-up", "stored", "released"}) {
    server.Command(std::string("LPUSH {llmbatchd}:ledger:") + key + " x");
  }
  EXPECT_EQ(Claim(replica, {"looked-up", "beside"}), (Texts{"ours", "ours"}));
  EXPECT_TRUE(replica.ask().Store({{"stored", "value"}}, hours(1)).ok());
  EXPECT_EQ(Claim(replica, {"stored"}), (Texts{"done: value"}));

  LiveReplica other(server, "second:1");
  replica.coordinator().Execute(
      ports::ReleaseClaims{.release = {7}, .keys = {"released", "beside"}});
  ASSERT_TRUE(replica.Sync(0).ok()) << "answered after the release was done";
  EXPECT_EQ(Claim(other, {"beside"}), (Texts{"ours"}));
}

TEST(Claims, KeysUnderASecretAreSharedByThoseWhoKnowIt) {
  RedisServer server;
  const auto with = [&server](const std::string& name, const std::string& secret) {
    RedisOptions options = Replica::Options(server.url(), name);
    options.ledger_secret = base::Secret(secret);
    return options;
  };
  Replica first(with("first:1", "a common secret"));
  Replica second(with("second:1", "a common secret"));
  Replica other(with("other:1", "another secret"));
  EXPECT_TRUE(first.ask().Store({{"key", "value"}}, hours(1)).ok());
  EXPECT_EQ(Claim(second, {"key"}), (Texts{"done: value"}));
  EXPECT_EQ(Claim(other, {"key"}), (Texts{"ours"}));
  EXPECT_EQ(server.Command("EXISTS {llmbatchd}:ledger:key"), ":0");
}

}  // namespace
}  // namespace llmbatch::redis
