#include "admission/limit_book.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

constexpr base::Duration kMinute = std::chrono::minutes(1);

base::Duration Nanos(double nanos) {
  constexpr auto kMost = static_cast<double>(kMaxRateDebt.count());
  return base::Duration(static_cast<std::int64_t>(std::clamp(nanos, -kMost, kMost)));
}

}  // namespace

LimitBook::View LimitBook::Look(std::string_view replica, const ports::Limit& limit,
                                base::Timestamp now) {
  LLMBATCH_CHECK(limit.size > 0);
  View view;
  if (limit.kind == ports::Limit::Kind::kRate) {
    view.used_until = &rates_.try_emplace(limit.name, now).first->second;
    view.unit_nanos = static_cast<double>(kMinute.count()) / static_cast<double>(limit.size);
    return view;
  }
  Budget& budget = budgets_[limit.name];
  budget.forget_at = now + limit.keep;
  view.mine = &budget.rows[std::string(replica)];
  *view.mine = Row{.spent = limit.spent, .reserved = limit.reserved, .told_at = now};
  for (const auto& [name, row] : budget.rows) {
    view.used += row.spent + row.reserved;
    view.spent += row.spent;
    if (now - row.told_at > kReservationLease) view.spent += row.reserved;
  }
  return view;
}

ports::ReserveState LimitBook::Reserve(std::string_view replica, const ports::ReserveCalls& command,
                                       base::Timestamp now) {
  using Outcome = ports::Booking::Outcome;
  ForgetBudgets(now);
  std::vector<View> views;
  views.reserve(command.limits.size());
  for (const ports::Limit& limit : command.limits) views.push_back(Look(replica, limit, now));

  for (const ports::Charge& each : command.corrections) {
    View& view = views.at(each.limit);
    if (view.used_until == nullptr) continue;
    const base::Timestamp used_until =
        std::max(*view.used_until, now) + Nanos(view.unit_nanos * static_cast<double>(each.amount));
    *view.used_until = std::min(used_until, now + kMaxRateDebt);
  }
  for (const ports::Charge& each : command.remaining) {
    View& view = views.at(each.limit);
    if (view.used_until == nullptr) continue;
    const base::Duration left = Nanos(view.unit_nanos * static_cast<double>(each.amount));
    *view.used_until = std::max(*view.used_until, now + command.burst - left);
  }

  ports::ReserveState state{.bookings = {}, .used = {}, .epoch = 1};
  for (const ports::Charges& call : command.calls) {
    ports::Booking booking{.outcome = Outcome::kBooked, .wait = {}, .limit = 0};
    const auto refuse = [&booking](Outcome outcome, base::Duration wait, std::size_t limit) {
      // What is refused for good can't be helped by waiting for something else.
      if (booking.outcome == Outcome::kExhausted) return;
      if (booking.outcome == outcome && booking.wait >= wait) return;
      booking = {.outcome = outcome, .wait = wait, .limit = limit};
    };
    for (const ports::Charge& each : call) {
      View& view = views.at(each.limit);
      const std::int64_t size = command.limits[each.limit].size;
      if (view.mine != nullptr) {
        if (each.amount > size - view.spent) {
          refuse(Outcome::kExhausted, kBudgetRetry, each.limit);
        } else if (each.amount > size - view.used) {
          refuse(Outcome::kLater, kBudgetRetry, each.limit);
        }
        continue;
      }
      const base::Duration ahead = std::max(*view.used_until - now, base::Duration::zero());
      const base::Duration cost = Nanos(view.unit_nanos * static_cast<double>(each.amount));
      if (view.passed_over || ahead > command.horizon) {
        refuse(Outcome::kLater, std::max(ahead - command.horizon / 2, command.horizon / 2),
               each.limit);
        view.passed_over = true;
        continue;
      }
      // What is larger than a burst may go when nothing is used up, or it would never.
      const base::Duration wait = ahead + cost - std::max(command.burst, cost);
      if (booking.outcome == Outcome::kBooked && wait > booking.wait) {
        booking.wait = wait;
        booking.limit = each.limit;
      }
    }
    if (booking.outcome == Outcome::kBooked) {
      for (const ports::Charge& each : call) {
        View& view = views.at(each.limit);
        if (view.mine != nullptr) {
          view.mine->reserved += each.amount;
          view.used += each.amount;
        } else {
          const base::Duration cost = Nanos(view.unit_nanos * static_cast<double>(each.amount));
          *view.used_until = std::min(std::max(*view.used_until, now) + cost, now + kMaxRateDebt);
        }
      }
    }
    state.bookings.push_back(booking);
  }
  for (const View& view : views) state.used.push_back(view.used);
  return state;
}

void LimitBook::ForgetBudgets(base::Timestamp now) {
  if (now < next_forgetting_) return;
  next_forgetting_ = now + kMinute;
  std::erase_if(budgets_, [now](const auto& each) { return each.second.forget_at <= now; });
}

std::int64_t LimitBook::BudgetUsed(std::string_view name) const {
  const auto found = budgets_.find(name);
  if (found == budgets_.end()) return 0;
  std::int64_t used = 0;
  for (const auto& [replica, row] : found->second.rows) used += row.spent + row.reserved;
  return used;
}

}  // namespace llmbatch::admission
