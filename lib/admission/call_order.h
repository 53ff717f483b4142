// CallOrder: which of two calls that wait should start first.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "admission/fair_turns.h"
#include "base/time.h"
#include "model/ids.h"

namespace llmbatch::admission {

// Real-time calls first, then by priority, then by whose turn it is, then by age. The smaller one
// is first. What waiting and deadlines are worth besides: see TurnQueue.
struct CallOrder {
  bool not_urgent = true;
  int negated_priority = 0;
  FairTurns::Turn turn = 0;  // the smaller one first
  model::BatchId id;         // ids grow with age
  base::Timestamp created;
  std::uint64_t user = 0;             // whose turn it is; 0: it is that of several
  std::optional<base::WallTime> due;  // its deadline
  friend auto operator<=>(const CallOrder&, const CallOrder&) = default;
};

// As one number, by which replicas compare what they wait for: real-time calls are above all
// priorities.
inline constexpr int kPriorityOfUrgent = 10;
inline int PriorityOf(const CallOrder& order) {
  return order.not_urgent ? -order.negated_priority : kPriorityOfUrgent;
}

}  // namespace llmbatch::admission
