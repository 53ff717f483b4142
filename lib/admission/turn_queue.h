// TurnQueue: calls that wait, in an order in which nothing starves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "admission/call_order.h"
#include "base/time.h"

namespace llmbatch::admission {

// Of several priorities the one whose oldest call has waited longest goes first, where each
// priority is worth five seconds of waiting; within one it is by turn. So a call goes before those
// of a higher priority that came so much later, and fairness holds within a priority. Of one user's
// calls the one with the earliest deadline takes the user's first turn, and those without one come
// last: to other users that makes no difference. Belongs to one thread.
class TurnQueue {
 public:
  // Since when each priority's oldest call exists.
  using Oldest = std::map<int, base::Timestamp>;

  // False if it is in already.
  bool Push(const CallOrder& order);
  // As it was pushed; its user gives its last turn up. False if it wasn't in.
  bool Remove(const CallOrder& order);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  // The first call of that priority, with the turn that it goes by; nullopt: there is none.
  std::optional<CallOrder> FirstOf(int priority) const;
  // Takes it out of the queue. REQUIRES: there is one
  CallOrder Take(int priority);
  // The first call of the highest priority. REQUIRES: not empty
  CallOrder FirstOfHighest() const;

  // Several queues of which one call is wanted: first each notes what it has, then the priority
  // whose turn it is is asked of each.
  void NoteOldest(Oldest& oldest) const;
  static std::optional<int> PriorityInTurn(const Oldest& oldest, base::Timestamp now);

 private:
  struct EarliestDue {
    bool operator()(const CallOrder& one, const CallOrder& other) const;
  };
  // What one user has waiting: as many turns as calls.
  struct Line {
    std::multiset<FairTurns::Turn> turns;
    std::set<CallOrder, EarliestDue> calls;
  };
  // The user, or the call if it is of several.
  using LineKey = std::pair<std::uint64_t, model::BatchId>;
  using Head = std::tuple<FairTurns::Turn, model::BatchId, LineKey>;
  struct Level {
    std::map<LineKey, Line> lines;
    std::set<Head> heads;  // of each line the first turn and the call that has it
    std::set<std::pair<base::Timestamp, model::BatchId>> by_age;
  };

  static LineKey KeyOf(const CallOrder& order);
  static Head HeadOf(const LineKey& key, const Line& line);
  static CallOrder FirstOf(const Level& level);
  // Takes the call out, and with it the user's first or last turn.
  bool Remove(const CallOrder& order, bool first_turn);

  std::map<int, Level> levels_;  // by priority; none of them is empty
  std::size_t size_ = 0;
};

}  // namespace llmbatch::admission
