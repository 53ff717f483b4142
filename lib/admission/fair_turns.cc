#include "admission/fair_turns.h"

#include <algorithm>
#include <limits>

namespace llmbatch::admission {
namespace {

constexpr std::size_t kLeastSweep = 1'024;

}  // namespace

FairTurns::Turn FairTurns::Next(std::span<const Part> parts) {
  Turn turn = std::numeric_limits<Turn>::max();
  for (const auto& [user, amount, weight] : parts) {
    Turn& finish = finish_.try_emplace(user, now_).first->second;
    const Turn start = std::max(now_, finish);
    finish = start + std::max<std::int64_t>(1, amount / weight);
    turn = std::min(turn, start);
  }
  if (finish_.size() > next_sweep_) {
    // Who has nothing waiting begins like someone new.
    std::erase_if(finish_, [this](const auto& each) { return each.second <= now_; });
    next_sweep_ = std::max(kLeastSweep, 2 * finish_.size());
  }
  return parts.empty() ? now_ : turn;
}

void FairTurns::OnServed(Turn turn) { now_ = std::max(now_, turn); }

}  // namespace llmbatch::admission
