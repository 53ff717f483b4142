// Rates in the long run: replicas with one book, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>
#include <queue>
#include <tuple>
#include <vector>

#include "admission/limit_keeper.h"
#include "base/rng.h"

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Duration kLength = seconds(60);

struct Flow {
  const char* name = "";
  int replicas = 1;
  std::int64_t per_minute = 600'000;
  double estimate = 1;  // what is booked ÷ what is used
  std::int64_t calls_at_once = 40;
  std::int64_t tokens = 2'000;  // of a call, on average
};

std::ostream& operator<<(std::ostream& out, const Flow& flow) { return out << flow.name; }

// Every replica has always more calls than may run. What was used in kLength ÷ the rate.
double UsedShare(const Flow& flow) {
  base::Rng rng(7);
  LimitBook book;
  std::vector<std::unique_ptr<LimitKeeper>> keepers;
  std::vector<std::int64_t> running(static_cast<std::size_t>(flow.replicas));
  for (int i = 0; i < flow.replicas; ++i) {
    keepers.push_back(std::make_unique<LimitKeeper>(LimitOptions{}));
  }
  using End = std::tuple<base::Timestamp, std::size_t, model::BatchId, std::int64_t>;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  std::map<model::BatchId, std::int64_t> actual;
  base::IdSequence<model::BatchId> ids;
  base::IdSequence<model::ReserveId> questions;
  const base::Timestamp start{std::chrono::hours(1)};
  std::int64_t used = 0;
  for (base::Timestamp now = start; now < start + kLength; now += milliseconds(2)) {
    for (; !ends.empty() && std::get<0>(ends.top()) <= now; ends.pop()) {
      const auto& [when, replica, id, tokens] = ends.top();
      --running[replica];
      keepers[replica]->Settle(id, {tokens});
    }
    for (std::size_t r = 0; r < keepers.size(); ++r) {
      LimitKeeper& keeper = *keepers[r];
      while (keeper.waiting() < 10) {
        const auto id = ids.Next();
        const auto half = static_cast<std::uint64_t>(flow.tokens / 2);
        const std::int64_t tokens =
            flow.tokens / 2 + static_cast<std::int64_t>(rng.Below(2 * half));
        actual[id] = tokens;
        const auto booked = static_cast<std::int64_t>(static_cast<double>(tokens) * flow.estimate);
        keeper.Push({.id = id}, "p/m", "",
                    {{.limit = keeper.Rate("t", flow.per_minute), .amount = booked}});
      }
      const std::int64_t free = flow.calls_at_once / flow.replicas - running[r];
      if (auto question = keeper.Next(questions.Next(), std::max<std::int64_t>(2, free), now)) {
        keeper.OnReserved({.reserve = question->reserve,
                           .outcome = book.Reserve(std::to_string(r), *question, now)},
                          flow.replicas, now);
      }
      for (const model::BatchId id : keeper.TakeReady(now)) {
        keeper.OnStarted(id);
        ++running[r];
        used += actual[id];
        ends.emplace(now + milliseconds(200 + rng.Below(800)), r, id, actual[id]);
      }
    }
  }
  const double allowed = static_cast<double>(flow.per_minute) * base::ToSeconds(kLength) / 60;
  return static_cast<double>(used) / allowed;
}

class LimitFlow : public ::testing::TestWithParam<Flow> {};

TEST_P(LimitFlow, UsesARateUpAndNoMore) {
  const double share = UsedShare(GetParam());
  RecordProperty("share", std::to_string(share));
  EXPECT_GE(share, 0.93);
  EXPECT_LE(share, 1.07);
}

INSTANTIATE_TEST_SUITE_P(
    Tokens, LimitFlow,
    ::testing::Values(Flow{.name = "Exact"}, Flow{.name = "TwiceTooHigh", .estimate = 2},
                      Flow{.name = "HalfTooLow", .estimate = 0.5},
                      Flow{.name = "EightReplicas", .replicas = 8},
                      Flow{.name = "EightReplicasTwiceTooHigh", .replicas = 8, .estimate = 2},
                      Flow{.name = "EightReplicasHalfTooLow", .replicas = 8, .estimate = 0.5},
                      Flow{.name = "CallsLargerThanABurst", .replicas = 2, .tokens = 30'000},
                      Flow{.name = "Small", .replicas = 4, .per_minute = 6'000'000}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace llmbatch::admission
