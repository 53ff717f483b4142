// LimitBook: rates and budgets, and what is booked against them: the coordinator's side, in memory.
//
// Rates are kept as GCRA does (ITU-T I.371, the "virtual scheduling algorithm"): of each only the
// time until which it is used up. The Lua text in limit_script.h means the same for all replicas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "ports/reserve.h"

namespace llmbatch::admission {

// What calls have used is forgotten beyond this: a limit a minute doesn't look further back.
inline constexpr base::Duration kMaxRateDebt = std::chrono::minutes(2);
// After a refusal for a budget: others may give back what they had reserved.
inline constexpr base::Duration kBudgetRetry = std::chrono::seconds(1);
// Of a replica that is silent for longer, what it had reserved counts as spent: it may have died,
// and its calls may have been billed.
inline constexpr base::Duration kReservationLease = std::chrono::seconds(30);

// Belongs to one thread.
class LimitBook {
 public:
  // Times never go back from one call to the next. `replica` names who asks.
  ports::ReserveState Reserve(std::string_view replica, const ports::ReserveCalls& command,
                              base::Timestamp now);

  // Spent and reserved by all replicas; 0 for what isn't known.
  std::int64_t BudgetUsed(std::string_view name) const;

 private:
  struct Row {
    std::int64_t spent = 0;
    std::int64_t reserved = 0;
    base::Timestamp told_at;
  };
  struct Budget {
    std::map<std::string, Row, std::less<>> rows;  // by replica
    base::Timestamp forget_at;
  };
  // A limit as one command sees it.
  struct View {
    base::Timestamp* used_until = nullptr;  // of a rate
    double unit_nanos = 0;                  // of a rate: in which one unit comes in
    Row* mine = nullptr;                    // of a budget
    std::int64_t used = 0;
    std::int64_t spent = 0;
    bool passed_over = false;  // a call waits for this rate already: who is behind it waits, too
  };

  View Look(std::string_view replica, const ports::Limit& limit, base::Timestamp now);
  void ForgetBudgets(base::Timestamp now);

  std::map<std::string, base::Timestamp, std::less<>> rates_;
  std::map<std::string, Budget, std::less<>> budgets_;
  base::Timestamp next_forgetting_;
};

}  // namespace llmbatch::admission
