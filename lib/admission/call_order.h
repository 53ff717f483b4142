// CallOrder: which of two calls that wait should start first.
#pragma once

#include <compare>

#include "admission/fair_turns.h"
#include "model/ids.h"

namespace llmbatch::admission {

// Real-time calls first, then by priority, then by whose turn it is, then by age. The smaller one
// is first.
struct CallOrder {
  bool not_urgent = true;
  int negated_priority = 0;
  FairTurns::Turn turn = 0;
  model::BatchId id;
  friend auto operator<=>(const CallOrder&, const CallOrder&) = default;
};

}  // namespace llmbatch::admission
