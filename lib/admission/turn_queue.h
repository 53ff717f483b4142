// TurnQueue: calls that wait, in an order in which nothing starves.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "admission/call_order.h"
#include "base/time.h"

namespace llmbatch::admission {

// Of several priorities the one whose oldest call has waited longest goes first, where each
// priority is worth five seconds of waiting; within one it is by turn. So a call goes before those
// of a higher priority that came so much later, and fairness holds within a priority. Belongs to
// one thread.
class TurnQueue {
 public:
  // Since when each priority's oldest call exists.
  using Oldest = std::map<int, base::Timestamp>;

  // False if it is in already.
  bool Push(const CallOrder& order);
  // False if it wasn't in.
  bool Remove(const CallOrder& order);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // The first call of that priority; nullptr: there is none.
  const CallOrder* FirstOf(int priority) const;
  // The first call of the highest priority. REQUIRES: not empty
  const CallOrder& FirstOfHighest() const;

  // Several queues of which one call is wanted: first each notes what it has, then the priority
  // whose turn it is is asked of each.
  void NoteOldest(Oldest& oldest) const;
  static std::optional<int> PriorityInTurn(const Oldest& oldest, base::Timestamp now);

 private:
  struct Level {
    std::set<CallOrder> by_turn;
    std::set<std::pair<base::Timestamp, model::BatchId>> by_age;
  };

  std::map<int, Level> levels_;  // by priority; none of them is empty
  std::size_t size_ = 0;
};

}  // namespace llmbatch::admission
