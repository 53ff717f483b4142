#include "driver/redis/permit_load.h"

#include <algorithm>
#include <queue>
#include <string>
#include <utility>
#include <variant>

#include "base/rng.h"
#include "driver/redis/replica.h"
#include "runtime/clock.h"

namespace llmbatch::redis {
namespace {

constexpr std::int64_t kBacklog = 10;  // calls that wait at each replica

base::Timestamp Now() { return runtime::ReadClock().steady; }

}  // namespace

void PermitLoad::Meter::Advance() {
  const base::Timestamp now = Now();
  if (since_ == base::Timestamp()) since_ = last_ = now;
  area_ += base::ToSeconds(now - last_) * static_cast<double>(in_use_);
  last_ = now;
}

void PermitLoad::Meter::Change(std::int64_t permits) {
  const std::lock_guard lock(mutex_);
  Advance();
  in_use_ += permits;
  most_ = std::max(most_, in_use_);
}

std::pair<double, std::int64_t> PermitLoad::Meter::Take() {
  const std::lock_guard lock(mutex_);
  Advance();
  const double seconds = base::ToSeconds(last_ - since_);
  const std::pair figures(seconds > 0 ? area_ / seconds : 0, most_);
  since_ = last_;
  area_ = 0;
  most_ = in_use_;
  return figures;
}

PermitLoad::PermitLoad(const RedisServer& server, LoadPlan plan)
    : server_(server), plan_(std::move(plan)), calls_(static_cast<std::size_t>(plan_.replicas)) {
  for (std::size_t i = 0; i < calls_.size(); ++i) threads_.emplace_back([this, i] { Run(i); });
}

PermitLoad::~PermitLoad() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void PermitLoad::Run(std::size_t index) {
  RedisOptions options =
      Replica::Options(server_.url(), "load" + std::to_string(index) + ":" + std::to_string(index));
  options.learning = plan_.learning;
  runtime::Inbox inbox;
  const auto coordinator = *RedisCoordinator::Start(std::move(options), inbox);
  admission::PermitKeeper keeper({.limit = plan_.limit, .lease = plan_.lease});
  const std::int64_t weight = plan_.weights.empty() ? 1 : plan_.weights[index];
  const auto id = keeper.ClassOf({}, weight);
  base::Rng rng(index);
  std::priority_queue<base::Timestamp, std::vector<base::Timestamp>, std::greater<>> ends;
  std::uint64_t last_sync = 0;
  while (!stop_ || !ends.empty()) {
    const base::Timestamp now = Now();
    for (; !ends.empty() && ends.top() <= now; ends.pop()) {
      meter_.Change(-weight);
      keeper.GiveBack(id, now);
    }
    while (!stop_ && keeper.TryTake(id, now)) {
      meter_.Change(weight);
      ++calls_[index];
      const auto spread =
          static_cast<std::uint64_t>((plan_.longest_call - plan_.shortest_call).count());
      ends.push(now + plan_.shortest_call +
                base::Duration(static_cast<std::int64_t>(rng.Below(spread + 1))));
    }
    keeper.SetWanted({{id, {.calls = stop_ ? 0 : kBacklog}}});
    if (auto sync = keeper.NextSync(model::SyncId{++last_sync}, now)) {
      ++syncs_;
      coordinator->Execute(*std::move(sync));
    }
    base::Timestamp until = now + std::chrono::milliseconds(100);
    if (const auto deadline = keeper.Deadline()) until = std::min(until, *deadline);
    if (!ends.empty()) until = std::min(until, ends.top());
    for (ports::Event& event : inbox.WaitUntil(until)) {
      if (std::holds_alternative<ports::PermitsOffered>(event)) keeper.OnOffered();
      auto* synced = std::get_if<ports::PermitsSynced>(&event);
      if (synced == nullptr) continue;
      if (rng.Chance(plan_.lost_replies)) {
        synced->outcome = base::MakeError(base::ErrorKind::kUnavailable, "its answer was lost");
      }
      keeper.OnSynced(*synced, Now());
    }
  }
}

LoadFigures PermitLoad::Take() {
  LoadFigures figures;
  const auto [in_use, most] = meter_.Take();
  figures.utilisation = in_use / static_cast<double>(plan_.limit);
  figures.most_in_use = most;
  double sum = 0;
  double squares = 0;
  for (auto& calls : calls_) {
    figures.calls.push_back(calls.exchange(0));
    const auto count = static_cast<double>(figures.calls.back());
    sum += count;
    squares += count * count;
  }
  figures.jain = squares > 0 ? sum * sum / (static_cast<double>(calls_.size()) * squares) : 0;
  figures.round_trips_a_call = sum > 0 ? static_cast<double>(syncs_.exchange(0)) / sum : 0;
  return figures;
}

}  // namespace llmbatch::redis
