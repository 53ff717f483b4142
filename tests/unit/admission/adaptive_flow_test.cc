// Limits found by trying, in the long run: replicas with one book and a provider that doesn't tell
// its limit and changes it every half minute, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <ostream>
#include <queue>
#include <utility>
#include <vector>

#include "admission/permit_book.h"
#include "admission/permit_keeper.h"
#include "base/rng.h"

namespace llmbatch::admission {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr base::Duration kPeriod = seconds(30);
constexpr base::Duration kSettling = seconds(5);
constexpr base::Duration kLength = std::chrono::minutes(10);
constexpr std::int64_t kBacklog = 1'000;

struct Flow {
  const char* name = "";
  int replicas = 4;
  double limit = 20;         // calls at once, or a second
  bool is_rate = false;      // else calls at once
  double burst_seconds = 1;  // of a rate, that are saved up
  base::Duration call = milliseconds(200);
  double spread = 0;                          // of a call's time, to both sides
  base::Duration refusal = milliseconds(20);  // until a refusal is there
  base::Duration retry_after{};
  double change = 0.25;  // of the limit, up or down, each period
  double least_used = 0.95;
  double most_refused = 0.01;
  // Works on as many calls at once as the limit says, refuses none and lets the others wait.
  bool queues = false;
};

std::ostream& operator<<(std::ostream& out, const Flow& flow) { return out << flow.name; }

struct Figures {
  double used = 0;     // of what the provider would have taken, but for the time after each change
  double refused = 0;  // of all calls
  double took = 0;     // on average, times as long as without others
  bool against_hold = false;  // a call was started that the provider had told to wait
};

class AdaptiveWorld {
 public:
  explicit AdaptiveWorld(const Flow& flow) : flow_(flow), limit_(flow.limit), tokens_(flow.limit) {
    for (int i = 0; i < flow.replicas; ++i) {
      Replica& replica = replicas_.emplace_back();
      replica.name = std::to_string(i) + ":1";
      replica.keeper = std::make_unique<PermitKeeper>(PermitOptions{.limit = 1'000});
      replica.keeper->SetAdaptive("model:m", {.least = 1, .most = 500});
      replica.id = replica.keeper->ClassOf({"model:m"});
    }
  }

  Figures Run() {
    for (std::size_t i = 0; i < replicas_.size(); ++i) At(now_, [this, i] { Advance(i); });
    for (base::Timestamp at = kStart + kPeriod; at < kStart + kLength; at += kPeriod) {
      At(at, [this] { Change(); });
    }
    while (events_.top().first.first < kStart + kLength) {
      const base::Timestamp at = events_.top().first.first;
      auto act = std::move(const_cast<std::function<void()>&>(events_.top().second));
      events_.pop();
      Measure(at);
      now_ = at;
      act();
    }
    return {.used = used_ / possible_,
            .refused = static_cast<double>(refused_) / static_cast<double>(calls_),
            .took = took_ / static_cast<double>(std::max<std::int64_t>(1, answered_)),
            .against_hold = against_hold_};
  }

 private:
  struct Replica {
    std::string name;
    std::unique_ptr<PermitKeeper> keeper;
    PermitKeeper::ClassId id = 0;
    base::Timestamp held_until;
    std::uint64_t syncs = 0;
  };
  using Event = std::pair<std::pair<base::Timestamp, std::uint64_t>, std::function<void()>>;
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.first > b.first; }
  };

  void At(base::Timestamp when, std::function<void()> act) {
    events_.push({{std::max(when, now_), ++scheduled_}, std::move(act)});
  }

  bool Counts() const {
    return now_ >= kStart + kPeriod + kSettling && (now_ - kStart) % kPeriod >= kSettling;
  }
  void Measure(base::Timestamp until) {
    if (!Counts()) return;
    const double time = base::ToSeconds(until - now_);
    possible_ += limit_ * time;
    if (!flow_.is_rate) used_ += std::min(limit_, static_cast<double>(in_flight_)) * time;
  }

  void Change() {
    Refill();
    const bool up = limit_ < flow_.limit * 0.6 || (limit_ < flow_.limit * 1.8 && rng_.Chance(0.5));
    limit_ *= up ? 1 + flow_.change : 1 - flow_.change;
    if (!flow_.is_rate) limit_ = std::round(limit_);
  }

  void Refill() {
    const double most = limit_ * flow_.burst_seconds;
    tokens_ = std::min(most, tokens_ + limit_ * base::ToSeconds(now_ - refilled_));
    refilled_ = now_;
  }

  bool Admit() {
    if (flow_.queues) return true;
    if (!flow_.is_rate) return static_cast<double>(in_flight_) < limit_;
    Refill();
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    if (Counts()) used_ += 1;
    return true;
  }

  // After what time a call is done that comes now.
  base::Duration Queue(base::Duration work) {
    while (static_cast<double>(done_at_.size()) > limit_) done_at_.pop();
    base::Timestamp begin = now_;
    if (static_cast<double>(done_at_.size()) >= limit_) {
      begin = std::max(now_, done_at_.top());
      done_at_.pop();
    }
    done_at_.push(begin + work);
    return begin + work - now_;
  }

  void Start(std::size_t i) {
    Replica& replica = replicas_[i];
    const std::int64_t version = replica.keeper->LimitVersion(replica.id);
    const base::Timestamp started = now_;
    ++calls_;
    against_hold_ = against_hold_ || (now_ > wait_begins_ && now_ < wait_ends_);
    if (Admit()) {
      ++in_flight_;
      const double factor = 1 + flow_.spread * (2 * rng_.Unit() - 1);
      const base::Duration work(
          static_cast<std::int64_t>(static_cast<double>(flow_.call.count()) * factor));
      const base::Duration took = flow_.queues ? Queue(work) : work;
      if (Counts()) {
        ++answered_;
        took_ += base::ToSeconds(took) / base::ToSeconds(flow_.call);
      }
      At(now_ + took, [this, i, took] {
        --in_flight_;
        PermitKeeper& keeper = *replicas_[i].keeper;
        keeper.OnAnswered(replicas_[i].id, took, 100, now_);
        keeper.GiveBack(replicas_[i].id, now_);
        Advance(i);
      });
      return;
    }
    ++refused_;
    At(now_ + flow_.refusal, [this, i, version, started] {
      const base::Timestamp until =
          now_ + std::max<base::Duration>(flow_.retry_after, milliseconds(200));
      if (now_ >= wait_ends_) wait_begins_ = now_ + milliseconds(1);  // the others must hear of it
      wait_ends_ = std::max(wait_ends_, now_ + flow_.retry_after);
      replicas_[i].keeper->OnRefused(replicas_[i].id, version, started, until);
      replicas_[i].keeper->GiveBack(replicas_[i].id, now_);
      Hold(i, until);
      for (std::size_t other = 0; other < replicas_.size(); ++other) {
        if (other != i) At(now_ + milliseconds(1), [this, other, until] { Hold(other, until); });
      }
    });
  }

  void Hold(std::size_t i, base::Timestamp until) {
    if (until > replicas_[i].held_until) {
      replicas_[i].held_until = until;
      At(until, [this, i] { Advance(i); });
    }
    Advance(i);
  }

  void Advance(std::size_t i) {
    Replica& replica = replicas_[i];
    PermitKeeper& keeper = *replica.keeper;
    const bool held = now_ < replica.held_until;
    while (!held && keeper.TryTake(replica.id, now_)) Start(i);
    keeper.SetWanted({{replica.id, {.calls = held ? 0 : kBacklog}}});
    if (auto sync = keeper.NextSync(model::SyncId{++replica.syncs}, now_)) {
      At(now_ + microseconds(500), [this, i, command = *std::move(sync)] { Sync(i, command); });
    }
    if (const auto deadline = keeper.Deadline()) At(*deadline, [this, i] { AdvanceIfDue(i); });
  }
  void AdvanceIfDue(std::size_t i) {
    const auto deadline = replicas_[i].keeper->Deadline();
    if (deadline && *deadline <= now_) Advance(i);
  }

  void Sync(std::size_t i, const ports::SyncPermits& command) {
    auto synced = book_.Sync(replicas_[i].name, command, base::Duration::zero(), now_);
    At(now_ + microseconds(500), [this, i, state = std::move(synced.state), id = command.sync] {
      replicas_[i].keeper->OnSynced({.sync = id, .outcome = state}, now_);
      Advance(i);
    });
    for (const std::string& name : synced.woken) {
      const auto other = static_cast<std::size_t>(std::stoi(name));
      At(now_ + microseconds(500), [this, other] {
        replicas_[other].keeper->OnOffered();
        Advance(other);
      });
    }
  }

  Flow flow_;
  PermitBook book_;
  std::vector<Replica> replicas_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t scheduled_ = 0;
  base::Rng rng_{7};
  base::Timestamp now_ = kStart;

  double limit_;
  double tokens_;
  std::priority_queue<base::Timestamp, std::vector<base::Timestamp>, std::greater<>> done_at_;
  base::Timestamp refilled_ = kStart;
  std::int64_t in_flight_ = 0;
  std::int64_t calls_ = 0;
  std::int64_t refused_ = 0;
  std::int64_t answered_ = 0;
  double took_ = 0;
  base::Timestamp wait_begins_;
  base::Timestamp wait_ends_;
  bool against_hold_ = false;
  double used_ = 0;
  double possible_ = 0;
};

class AdaptiveFlowTest : public testing::TestWithParam<Flow> {};

TEST_P(AdaptiveFlowTest, WhatTheProviderTakesIsUsedAndLittleIsRefused) {
  const Figures figures = AdaptiveWorld(GetParam()).Run();
  std::printf("%s: %.3f of it used, %.2f %% refused, %.2f times as long\n", GetParam().name,
              figures.used, 100 * figures.refused, figures.took);
  EXPECT_GE(figures.used, GetParam().least_used);
  EXPECT_LE(figures.refused, GetParam().most_refused);
  EXPECT_FALSE(figures.against_hold);
  EXPECT_LE(figures.took, 2.2);
}

INSTANTIATE_TEST_SUITE_P(
    Providers, AdaptiveFlowTest,
    testing::Values(Flow{.name = "calls at once", .limit = 20},
                    Flow{.name = "calls at once, one replica", .replicas = 1, .limit = 20},
                    Flow{.name = "calls at once, eight replicas",
                         .replicas = 8,
                         .limit = 64,
                         .call = seconds(1),
                         .spread = 0.8,
                         .most_refused = 0.013},
                    Flow{.name = "few calls at once", .limit = 8},
                    Flow{.name = "many calls at once", .limit = 200},
                    Flow{.name = "slow refusals", .limit = 20, .refusal = milliseconds(300)},
                    Flow{.name = "with Retry-After",
                         .limit = 64,
                         .call = seconds(2),
                         .spread = 0.8,
                         .retry_after = seconds(1),
                         .most_refused = 0.021},
                    Flow{.name = "calls of different length",
                         .limit = 40,
                         .call = milliseconds(500),
                         .spread = 0.9},
                    Flow{.name = "a rate", .limit = 58, .is_rate = true},
                    Flow{
                        .name = "a rate, one replica", .replicas = 1, .limit = 58, .is_rate = true},
                    Flow{.name = "a rate, one that saves up much",
                         .limit = 58,
                         .is_rate = true,
                         .burst_seconds = 60,
                         .most_refused = 0.013},
                    Flow{.name = "a high rate", .replicas = 8, .limit = 200, .is_rate = true},
                    Flow{.name = "a rate, calls of different length",
                         .limit = 100,
                         .is_rate = true,
                         .call = seconds(1),
                         .spread = 0.8,
                         .most_refused = 0.016},
                    Flow{.name = "a queue", .limit = 20, .queues = true},
                    Flow{.name = "a queue, one replica",
                         .replicas = 1,
                         .limit = 8,
                         .call = seconds(1),
                         .spread = 0.5,
                         .queues = true},
                    Flow{.name = "a queue, calls of different length",
                         .replicas = 8,
                         .limit = 64,
                         .call = seconds(2),
                         .spread = 0.8,
                         .least_used = 0.94,
                         .queues = true}),
    [](const auto& each) { return "Flow" + std::to_string(each.index); });

}  // namespace
}  // namespace llmbatch::admission
