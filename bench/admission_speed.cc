// How much processor time admission costs a call: its turn, its rates and a budget, its permits of
// two pools; this replica's side, and the coordinator's as it is kept in memory.

#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admission/call_order.h"
#include "admission/fair_turns.h"
#include "admission/limit_book.h"
#include "admission/limit_keeper.h"
#include "admission/permit_book.h"
#include "admission/permit_keeper.h"
#include "admission/turn_queue.h"
#include "processor_time.h"

namespace llmbatch::bench {
namespace {

constexpr std::uint64_t kCalls = 200'000;
constexpr std::size_t kInFlight = 64;
constexpr std::uint64_t kWaiting = 200;
constexpr std::int64_t kPlenty = 1'000'000'000'000;

// Calls that wait, are booked, get permits, run for a hundred rounds or so, and are settled.
class Replica {
 public:
  Replica() {
    permits_.SetLimit("provider:p", kInFlight);
    class_ = permits_.ClassOf({"provider:p"});
    needs_ = {{limits_.Rate("p: requests per minute", kPlenty), 1},
              {limits_.Rate("p: tokens per minute", kPlenty), 4'000},
              {limits_.Budget("all", admission::Period::kDay, kPlenty), 1'000}};
    limits_.SetDate({});
  }

  void Round() {
    now_ += std::chrono::milliseconds(1);
    while (begun_ < kCalls && begun_ - ended_ < kWaiting + kInFlight) Begin();
    for (std::size_t i = 0; i < 8 && running_.size() >= kInFlight; ++i) End();
    if (begun_ == kCalls && !running_.empty()) End();
    for (const model::BatchId id : limits_.TakeReady(now_)) queue_.Push(orders_.at(id.value));
    while (!queue_.empty() && permits_.TryTake(class_, now_)) Start();
    permits_.SetWanted({{class_, {.calls = static_cast<std::int64_t>(queue_.size())}}});
    if (const auto sync = permits_.NextSync({}, now_)) {
      ++questions_;
      auto synced = permit_book_.Sync("r:1", *sync, {}, now_);
      permits_.OnSynced({.sync = {}, .outcome = std::move(synced.state)}, now_);
    }
    if (auto reserve = limits_.Next({}, kInFlight, now_)) {
      ++questions_;
      limits_.OnReserved({.reserve = {}, .outcome = limit_book_.Reserve("r:1", *reserve, now_)}, 1,
                         now_);
    }
  }

  bool done() const { return ended_ == kCalls; }
  std::uint64_t questions() const { return questions_; }

 private:
  void Begin() {
    const std::vector<admission::FairTurns::Part> parts{
        {"user " + std::to_string(begun_ % 20), 4'000}};
    admission::CallOrder order{.negated_priority = -static_cast<int>(begun_ % 10),
                               .turn = turns_.Next(parts),
                               .id = model::BatchId{++begun_},
                               .created = now_};
    orders_.emplace(order.id.value, order);
    limits_.Push(order, "p/m", "", needs_);
  }
  void Start() {
    admission::TurnQueue::Oldest oldest;
    queue_.NoteOldest(oldest);
    const auto priority = admission::TurnQueue::PriorityInTurn(oldest, now_);
    const admission::CallOrder order = queue_.Take(*priority);
    limits_.OnStarted(order.id);
    turns_.OnServed(order.turn);
    running_.push_back(order.id);
  }
  void End() {
    const model::BatchId id = running_.front();
    running_.pop_front();
    permits_.GiveBack(class_, now_);
    limits_.Settle(id, {1, 3'900, 900});
    orders_.erase(id.value);
    ++ended_;
  }

  base::Timestamp now_{std::chrono::hours(1)};
  admission::FairTurns turns_;
  admission::LimitKeeper limits_{admission::LimitOptions{}};
  admission::LimitBook limit_book_;
  admission::PermitKeeper permits_{admission::PermitOptions{.limit = kInFlight}};
  admission::PermitBook permit_book_;
  admission::PermitKeeper::ClassId class_ = 0;
  admission::LimitKeeper::Needs needs_;
  admission::TurnQueue queue_;
  std::map<std::uint64_t, admission::CallOrder> orders_;
  std::deque<model::BatchId> running_;
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t questions_ = 0;
};

void Run() {
  Replica replica;
  const double before = ProcessSeconds();
  while (!replica.done()) replica.Round();
  const double micros = 1e6 * (ProcessSeconds() - before) / static_cast<double>(kCalls);
  std::printf("{\"calls\":%llu,\"cpu_us_per_call\":%.2f,\"questions_per_call\":%.2f}\n",
              static_cast<unsigned long long>(kCalls), micros,
              static_cast<double>(replica.questions()) / static_cast<double>(kCalls));
}

}  // namespace
}  // namespace llmbatch::bench

int main() { llmbatch::bench::Run(); }
