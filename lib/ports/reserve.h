// Reservations: what calls use up of limits that hold over all replicas, booked before they start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/ids.h"

namespace llmbatch::ports {

struct Limit {
  enum class Kind {
    kRate,   // `size` units a minute, which come in evenly
    kBudget  // `size` nano-dollars in all
  };
  Kind kind = Kind::kRate;
  std::string name;       // the same on all replicas; another name is another limit
  std::int64_t size = 0;  // above 0
  // Of a budget: this replica's part of it, as it knows it. The coordinator believes it.
  std::int64_t spent = 0;
  std::int64_t reserved = 0;
  base::Duration keep{};  // how long a budget is remembered without being asked for
};

struct Charge {
  std::size_t limit = 0;    // place in ReserveCalls::limits
  std::int64_t amount = 0;  // in the units of that limit's size
};
using Charges = std::vector<Charge>;

// Books each call with all of its limits, or with none, and learns when it may start. Answered by
// CallsReserved; the core has at most one under way. A repetition books rates twice and budgets
// once.
struct ReserveCalls {
  model::ReserveId reserve;
  std::vector<Limit> limits;   // without two of one name
  std::vector<Charges> calls;  // in the order in which they should start; no amount is below 0
  // Of rates: what ended calls have used beyond what was booked for them; below 0: less.
  Charges corrections;
  // Of rates: no more than this is left, says the provider.
  Charges remaining;
  base::Duration burst{};    // what a rate that nobody used has saved up
  base::Duration horizon{};  // nothing is booked while a rate is booked further ahead than this
};

struct Booking {
  enum class Outcome {
    kBooked,
    kLater,     // nothing was booked, and asking again after `wait` is worth while
    kExhausted  // nothing was booked: the budget is spent, not only reserved
  };
  Outcome outcome = Outcome::kLater;
  base::Duration wait{};  // kBooked: until the call may start
  std::size_t limit = 0;  // unless it may start at once: the one that makes it wait
};

struct ReserveState {
  std::vector<Booking> bookings;   // one for each call, in order
  std::vector<std::int64_t> used;  // one for each limit: of a budget, over all replicas; else 0
  // Another than in the last answer: what was known of budgets may be lost, so tell all of them.
  std::int64_t epoch = 0;
};

}  // namespace llmbatch::ports
