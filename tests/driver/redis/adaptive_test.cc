// Limits found by trying: that Redis' script means the same as AdaptiveLimit, and that replicas
// share what they find.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include "admission/adaptive_limit.h"
#include "admission/adaptive_script.h"
#include "base/rng.h"
#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"
#include "redis/address.h"
#include "redis/connection.h"

namespace llmbatch::redis {
namespace {

using admission::AdaptiveLimit;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The script's functions, one call of them at a time.
class ScriptedLimit {
 public:
  explicit ScriptedLimit(const RedisServer& server)
      : connection_(*Connection::Open(*ParseAddress(server.url()), {}, stop_)) {}
  ~ScriptedLimit() { close(stop_); }

  // Returns what the function said.
  bool Call(const std::string& function, const ports::AdaptiveReport& report, std::int64_t amount,
            base::Timestamp now) {
    static const std::string kCall = std::string(admission::AdaptiveScript()) + R"lua(
      local report, now = read_report(ARGV[2]), tonumber(ARGV[4])
      local limit = read_adaptive(redis.call('GET', KEYS[1]) or '', report, now, 0)
      local functions = {adaptive_on_report, adaptive_on_full}
      local said = functions[tonumber(ARGV[1])](limit, report, tonumber(ARGV[3]), now)
      redis.call('SET', KEYS[1], write_adaptive(limit))
      return {said and 1 or 0, limit.limit, limit.version, limit.change}
    )lua";
    const auto millis = [](base::Duration time) { return std::to_string(base::ToMillis(time)); };
    std::string text;
    for (const std::string& number :
         {std::to_string(report.bounds.least), std::to_string(report.bounds.most),
          std::to_string(report.known), std::to_string(report.version),
          std::to_string(report.answers), millis(report.answer_time),
          std::to_string(report.refused), millis(report.held), std::to_string(report.quick_part),
          millis(report.refused_ago)}) {
      text += number + " ";
    }
    const auto exchanged =
        connection_.Exchange({{"EVAL", kCall, "1", "limit", function == "report" ? "1" : "2", text,
                               std::to_string(amount), millis(now.time_since_epoch())}});
    const ReplyView reply = exchanged.replies.at(0).view();
    if (reply.Size() != 4) {
      ADD_FAILURE() << "the script failed: " << reply.ErrorCode();
      return false;
    }
    state_ = {.limit = *reply.At(1).Integer(),
              .version = *reply.At(2).Integer(),
              .change = static_cast<ports::AdaptiveChange>(*reply.At(3).Integer())};
    return *reply.At(0).Integer() == 1;
  }
  const ports::AdaptiveState& state() const { return state_; }

 private:
  int stop_ = eventfd(0, EFD_CLOEXEC);
  Connection connection_;
  ports::AdaptiveState state_;
};

ports::AdaptiveReport AnyReport(const ports::AdaptiveState& state, base::Rng& rng) {
  const auto below = [&rng](std::int64_t bound) {
    return static_cast<std::int64_t>(rng.Below(static_cast<std::uint64_t>(bound)));
  };
  ports::AdaptiveReport report{.bounds = {.least = 1 + below(3), .most = 40 + below(400)},
                               .known = below(50),
                               .version = state.version - below(2),
                               .answers = below(40),
                               .answer_time = milliseconds(below(5'000)),
                               .refused = state.version - below(4),
                               .refused_ago = milliseconds(below(400)),
                               .held = milliseconds(rng.Chance(0.5) ? 0 : below(2'000)),
                               .quick_part = rng.Chance(0.1) ? 1 + below(900) : 0};
  if (rng.Chance(0.5)) report.refused = 0;
  return report;
}

TEST(Adaptive, TheScriptMeansTheSameAsTheClass) {
  const RedisServer server;
  base::Rng rng(1);
  for (int round = 0; round < 20; ++round) {
    ScriptedLimit scripted(server);
    server.Command("DEL limit");
    base::Timestamp now{std::chrono::hours(1)};
    ports::AdaptiveReport report = AnyReport({}, rng);
    report.version = report.refused = 0;
    AdaptiveLimit limit(report, now);
    for (int step = 0; step < 200; ++step) {
      const bool full = rng.Chance(0.7);
      const auto amount = static_cast<std::int64_t>(rng.Below(full ? 4 : 100)) + 1;
      const bool said =
          full ? limit.OnFull(report, amount, now) : limit.OnReport(report, amount, now);
      ASSERT_EQ(scripted.Call(full ? "full" : "report", report, amount, now), said)
          << "round " << round << ", step " << step;
      ASSERT_EQ(scripted.state().limit, limit.state().limit);
      ASSERT_EQ(scripted.state().version, limit.state().version);
      ASSERT_EQ(scripted.state().change, limit.state().change);
      now += milliseconds(rng.Below(rng.Chance(0.2) ? 8'000 : 600));
      report = AnyReport(limit.state(), rng);
    }
  }
}

// A replica with calls to one model.
class Caller {
 public:
  Caller(const RedisServer& server, const std::string& name)
      : replica_(Replica::Options(server.url(), name)) {}

  // Permits it holds after it has asked for so many more.
  std::int64_t Want(std::int64_t want, std::int64_t answers = 0) {
    report_.answers = answers;
    const auto state =
        replica_.ask().SyncAll({.sync = {},
                                .pools = {{.name = "all", .limit = 1'000},
                                          {.name = "model:p/m", .limit = 0, .adaptive = report_}},
                                .demands = {{.pools = {0, 1},
                                             .granted_known = granted_,
                                             .released_total = released_,
                                             .want = want}},
                                .lease = seconds(15)});
    if (!state || state->adaptive.size() != 1) return -1;
    granted_ = state->grants[0].granted_total;
    state_ = state->adaptive[0];
    report_.known = state_.limit;
    report_.version = state_.version;
    return granted_ - released_;
  }
  void Refuse() { report_.refused = report_.version; }
  void GiveBack(std::int64_t calls) { released_ += calls; }
  const ports::AdaptiveState& state() const { return state_; }
  Replica& replica() { return replica_; }

 private:
  Replica replica_;
  ports::AdaptiveReport report_{.bounds = {.least = 8, .most = 100}};
  ports::AdaptiveState state_;
  std::int64_t granted_ = 0;
  std::int64_t released_ = 0;
};

TEST(Adaptive, ReplicasShareWhatTheyFindOut) {
  const RedisServer server;
  Caller first(server, "first:1");
  Caller second(server, "second:1");
  ASSERT_TRUE(second.replica().ask().AwaitOffer(seconds(10)));
  EXPECT_EQ(first.Want(9), 8) << "the lower bound";
  EXPECT_EQ(second.Want(9), 0);
  // Answers let it grow, which is granted to both.
  ASSERT_TRUE(Eventually([&] { return first.Want(20, 8) > 8; }));
  EXPECT_EQ(first.state().change, ports::AdaptiveChange::kGrowth);
  ASSERT_TRUE(second.replica().ask().AwaitOffer(seconds(10)));
  EXPECT_GT(second.Want(9), 0);
  EXPECT_EQ(second.state().limit, first.state().limit);

  // One is refused: the other hears of it, and that the burst has been counted.
  const std::int64_t grown = first.state().limit;
  while (second.replica().ask().AwaitOffer(milliseconds(50))) {
  }
  first.Refuse();
  first.Want(0);
  EXPECT_EQ(first.state().change, ports::AdaptiveChange::kRefusal);
  const std::int64_t limit = first.state().limit;
  EXPECT_LT(limit, grown);
  EXPECT_TRUE(second.replica().ask().AwaitOffer(seconds(10)));
  second.Refuse();
  second.Want(0);
  EXPECT_EQ(second.state().limit, limit);
  EXPECT_EQ(second.state().version, first.state().version);
}

TEST(Adaptive, WhatWasFoundOutBeforeRedisLostItGoesOn) {
  const RedisServer server;
  Caller caller(server, "only:1");
  ASSERT_EQ(caller.Want(100), 8);
  ASSERT_TRUE(Eventually([&] { return caller.Want(100, 50) >= 32; }));
  const std::int64_t limit = caller.state().limit;
  server.Command("FLUSHALL");
  caller.Want(0);
  EXPECT_EQ(caller.state().limit, limit);
  EXPECT_EQ(caller.state().change, ports::AdaptiveChange::kStart);
}

TEST(Adaptive, AFieldThatMakesNoSenseIsAsGoodAsNone) {
  const RedisServer server;
  Caller caller(server, "only:1");
  ASSERT_EQ(caller.Want(1), 1);
  for (const char* rubbish : {"rubbish", "1", "1_2_3_4_5_6_7_8_9_10_11_12_13_14"}) {
    server.Command(std::string("HSET {llmbatchd}:permits adaptive:model:p/m ") + rubbish);
    EXPECT_EQ(caller.Want(0), 1);
    EXPECT_EQ(caller.state().limit, 8);
  }
}

}  // namespace
}  // namespace llmbatch::redis
