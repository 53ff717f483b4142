#include "admission/turn_queue.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

constexpr base::Duration kWorthOfPriority = std::chrono::seconds(5);

}  // namespace

bool TurnQueue::EarliestDue::operator()(const CallOrder& one, const CallOrder& other) const {
  const auto due = [](const CallOrder& order) { return order.due.value_or(base::WallTime::max()); };
  return std::tuple(due(one), one.turn, one.id) < std::tuple(due(other), other.turn, other.id);
}

TurnQueue::LineKey TurnQueue::KeyOf(const CallOrder& order) {
  return {order.user, order.user == 0 ? order.id : model::BatchId()};
}

TurnQueue::Head TurnQueue::HeadOf(const LineKey& key, const Line& line) {
  return {*line.turns.begin(), line.calls.begin()->id, key};
}

bool TurnQueue::Push(const CallOrder& order) {
  Level& level = levels_[PriorityOf(order)];
  if (!level.by_age.emplace(order.created, order.id).second) return false;
  const LineKey key = KeyOf(order);
  Line& line = level.lines[key];
  if (!line.calls.empty()) level.heads.erase(HeadOf(key, line));
  line.turns.insert(order.turn);
  line.calls.insert(order);
  level.heads.insert(HeadOf(key, line));
  ++size_;
  return true;
}

bool TurnQueue::Remove(const CallOrder& order, bool first_turn) {
  const auto found = levels_.find(PriorityOf(order));
  if (found == levels_.end()) return false;
  Level& level = found->second;
  if (level.by_age.erase({order.created, order.id}) == 0) return false;
  const LineKey key = KeyOf(order);
  Line& line = level.lines.at(key);
  level.heads.erase(HeadOf(key, line));
  line.turns.erase(first_turn ? line.turns.begin() : std::prev(line.turns.end()));
  line.calls.erase(order);
  if (line.calls.empty()) {
    level.lines.erase(key);
  } else {
    level.heads.insert(HeadOf(key, line));
  }
  if (level.lines.empty()) levels_.erase(found);
  --size_;
  return true;
}

bool TurnQueue::Remove(const CallOrder& order) { return Remove(order, false); }

CallOrder TurnQueue::Take(int priority) {
  const Level& level = levels_.at(priority);
  const CallOrder first = FirstOf(level);
  const LineKey& key = std::get<LineKey>(*level.heads.begin());
  const CallOrder as_pushed = *level.lines.at(key).calls.begin();
  Remove(as_pushed, true);
  return first;
}

CallOrder TurnQueue::FirstOf(const Level& level) {
  const auto& [turn, id, key] = *level.heads.begin();
  CallOrder first = *level.lines.at(key).calls.begin();
  first.turn = turn;
  return first;
}

std::optional<CallOrder> TurnQueue::FirstOf(int priority) const {
  const auto level = levels_.find(priority);
  if (level == levels_.end()) return std::nullopt;
  return FirstOf(level->second);
}

CallOrder TurnQueue::FirstOfHighest() const {
  LLMBATCH_CHECK(!levels_.empty());
  return FirstOf(levels_.rbegin()->second);
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
