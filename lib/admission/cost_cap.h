// CostCap: what the calls for one job may cost together.
#pragma once

#include <cstdint>

#include "model/money.h"

namespace llmbatch::admission {

// What is reserved for calls in flight and what was spent never pass the cap together, as long as
// calls cost no more than was reserved for them. Belongs to one thread.
class CostCap {
 public:
  explicit CostCap(model::NanoUsd cap) : cap_(cap) {}

  // False: it doesn't fit now, and nothing was reserved.
  bool TryReserve(model::NanoUsd amount) {
    if (spent_ + reserved_ + amount > cap_) return false;
    reserved_ += amount;
    return true;
  }
  void Release(model::NanoUsd amount) { reserved_ = reserved_ - amount; }
  void Spend(model::NanoUsd amount) { spent_ += amount; }

  // Whether what doesn't fit now may fit when the calls in flight have ended.
  bool MayHaveRoomLater() const { return reserved_.nanos > 0; }

 private:
  model::NanoUsd cap_;
  model::NanoUsd spent_;
  model::NanoUsd reserved_;
};

}  // namespace llmbatch::admission
