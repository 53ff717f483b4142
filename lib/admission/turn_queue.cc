#include "admission/turn_queue.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

constexpr base::Duration kWorthOfPriority = std::chrono::seconds(5);

}  // namespace

bool TurnQueue::Push(const CallOrder& order) {
  Level& level = levels_[PriorityOf(order)];
  if (!level.by_turn.insert(order).second) return false;
  level.by_age.emplace(order.created, order.id);
  ++size_;
  return true;
}

bool TurnQueue::Remove(const CallOrder& order) {
  const auto level = levels_.find(PriorityOf(order));
  if (level == levels_.end() || level->second.by_turn.erase(order) == 0) return false;
  level->second.by_age.erase({order.created, order.id});
  if (level->second.by_turn.empty()) levels_.erase(level);
  --size_;
  return true;
}

const CallOrder* TurnQueue::FirstOf(int priority) const {
  const auto level = levels_.find(priority);
  return level == levels_.end() ? nullptr : &*level->second.by_turn.begin();
}

const CallOrder& TurnQueue::FirstOfHighest() const {
  LLMBATCH_CHECK(!levels_.empty());
  return *levels_.rbegin()->second.by_turn.begin();
}

void TurnQueue::NoteOldest(Oldest& oldest) const {
  for (const auto& [priority, level] : levels_) {
    const base::Timestamp created = level.by_age.begin()->first;
    const auto [found, added] = oldest.try_emplace(priority, created);
    found->second = std::min(found->second, created);
  }
}

std::optional<int> TurnQueue::PriorityInTurn(const Oldest& oldest, base::Timestamp now) {
  std::optional<int> best;
  base::Duration best_worth{};
  for (const auto& [priority, created] : oldest) {
    const base::Duration worth = priority * kWorthOfPriority + (now - created);
    if (best && worth < best_worth) continue;
    best = priority;
    best_worth = worth;
  }
  return best;
}

}  // namespace llmbatch::admission
