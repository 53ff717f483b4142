#include "admission/limit_keeper.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/check.h"

namespace llmbatch::admission {
namespace {

using Kind = ports::Limit::Kind;

constexpr std::size_t kMaxCallsPerQuestion = 64;
constexpr std::size_t kMaxLimitsPerQuestion = 500;
constexpr std::size_t kNoPlace = std::numeric_limits<std::size_t>::max();
constexpr base::Duration kRetryAfterFailure = std::chrono::milliseconds(500);
// A spent budget has room again when its period ends, which is known here, or when someone raises
// it.
constexpr base::Duration kExhaustedRetry = std::chrono::seconds(30);
constexpr base::Duration kKeepDay = std::chrono::hours(24 * 3);
constexpr base::Duration kKeepMonth = std::chrono::hours(24 * 35);

}  // namespace

// ── the limits ───────────────────────────────────────────────────────────────

LimitKeeper::LimitId LimitKeeper::Rate(std::string_view name, std::int64_t per_minute) {
  return Define(Kind::kRate, name, Period::kDay, per_minute);
}

LimitKeeper::LimitId LimitKeeper::Budget(std::string_view name, Period period,
                                         std::int64_t nano_usd) {
  return Define(Kind::kBudget, name, period, nano_usd);
}

LimitKeeper::LimitId LimitKeeper::Define(Kind kind, std::string_view name, Period period,
                                         std::int64_t size) {
  LLMBATCH_CHECK(size > 0);
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    limits_[found->second].size = size;
    return found->second;
  }
  if (unused_.empty()) {
    unused_.push_back(limits_.size());
    limits_.emplace_back();
    places_.push_back(kNoPlace);
  }
  const LimitId id = unused_.back();
  unused_.pop_back();
  Known& known = limits_[id];
  known = Known{};
  known.kind = kind;
  known.name = std::string(name);
  known.size = size;
  known.period = period;
  by_name_.emplace(known.name, id);
  return id;
}

void LimitKeeper::SetDate(base::WallTime now) {
  using Days = std::chrono::days;
  const auto day = std::chrono::floor<Days>(now.time_since_epoch());
  if (day.count() == date_.day) return;
  constexpr int kMonthsOfAYear = 12;
  const std::chrono::year_month_day calendar{std::chrono::sys_days(day)};
  const std::int64_t month = std::int64_t{static_cast<int>(calendar.year())} * kMonthsOfAYear +
                             static_cast<unsigned>(calendar.month());
  const bool new_month = month != date_.month;
  date_ = Date{.day = day.count(), .month = month};
  constexpr std::size_t kDayChars = 10;   // of "2026-11-21"
  constexpr std::size_t kMonthChars = 7;  // of "2026-11"
  day_name_ = base::FormatRfc3339(now).substr(0, kDayChars);
  month_name_ = day_name_.substr(0, kMonthChars);
  BeginAnew(Period::kDay);
  if (new_month) BeginAnew(Period::kMonth);
}

void LimitKeeper::BeginAnew(Period period) {
  for (auto it = by_name_.begin(); it != by_name_.end();) {
    const LimitId id = it->second;
    Known& known = limits_[id];
    if (known.kind != Kind::kBudget || known.period != period) {
      ++it;
      continue;
    }
    known.spent = known.reserved = known.used = 0;
    news_.erase(id);
    money_.erase(id);
    // What calls or the question under way name keeps its place.
    const bool named = known.calls > 0 || (under_way_ && places_[id] != kNoPlace);
    if (!named) unused_.push_back(id);
    it = named ? std::next(it) : by_name_.erase(it);
  }
  for (auto& [name, route] : routes_) {
    for (auto& [group, lane] : route.lanes) lane.shut_until = {};
  }
}

bool LimitKeeper::IsCurrent(LimitId limit, const Date& booked) const {
  return limits_[limit].period == Period::kDay ? booked.day == date_.day
                                               : booked.month == date_.month;
}

void LimitKeeper::ChangeMoney(LimitId limit, std::int64_t spent, std::int64_t reserved) {
  Known& known = limits_[limit];
  known.spent += spent;
  known.reserved += reserved;
  known.used += spent + reserved;
  news_.insert(limit);
  if (known.spent > 0 || known.reserved > 0) {
    money_.insert(limit);
  } else {
    money_.erase(limit);
  }
}

void LimitKeeper::CorrectRate(LimitId limit, std::int64_t amount) {
  if (amount == 0) return;
  corrections_[limit] += amount;
  if (amount > 0) return;
  // What comes back needn't be waited for.
  const auto unit = static_cast<double>(base::Duration(std::chrono::minutes(1)).count()) /
                    static_cast<double>(limits_[limit].size);
  const auto sooner =
      base::Duration(static_cast<base::Duration::rep>(unit * static_cast<double>(-amount)));
  for (auto& [name, route] : routes_) {
    if (route.shut_by == limit) route.shut_until -= std::min(sooner, kMaxRateDebt);
  }
}

// ── the calls ────────────────────────────────────────────────────────────────

void LimitKeeper::Push(CallOrder order, const std::string& route, const std::string& group,
                       Needs needs) {
  const auto [place, added] = entries_.try_emplace(order.id);
  LLMBATCH_CHECK(added);
  Entry& entry = place->second;
  entry.order = order;
  entry.route = &routes_[route];
  entry.group = group;
  entry.needs = std::move(needs);
  for (const Need& need : entry.needs) ++limits_[need.limit].calls;
  ++waiting_;
  Wait(entry);
}

void LimitKeeper::Wait(Entry& entry) {
  entry.state = State::kWaiting;
  entry.route->lanes[entry.group].waiting.Push(entry.order);
}

void LimitKeeper::StopWaiting(Entry& entry) {
  const auto lane = entry.route->lanes.find(entry.group);
  lane->second.waiting.Remove(entry.order);
  if (lane->second.waiting.empty()) entry.route->lanes.erase(lane);
}

void LimitKeeper::Erase(model::BatchId id) {
  const auto found = entries_.find(id);
  for (const Need& need : found->second.needs) --limits_[need.limit].calls;
  const State state = found->second.state;
  if (state != State::kStarted && state != State::kReady) --waiting_;
  entries_.erase(found);
}

void LimitKeeper::Remove(model::BatchId id) {
  std::erase_if(exhausted_, [id](const auto& each) { return each.first == id; });
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.state == State::kWaiting) StopWaiting(entry);
  if (entry.state == State::kBooked) starts_.erase({entry.start, entry.order});
  if (entry.state != State::kWaiting && entry.state != State::kStarted) --entry.route->ahead;
  if (entry.state == State::kBooked || entry.state == State::kReady) {
    for (const Need& need : entry.needs) {
      if (limits_[need.limit].kind == Kind::kRate) {
        CorrectRate(need.limit, -need.amount);
      } else if (IsCurrent(need.limit, entry.booked)) {
        ChangeMoney(need.limit, 0, -need.amount);
      }
    }
  }
  Erase(id);
}

std::vector<model::BatchId> LimitKeeper::TakeReady(base::Timestamp now) {
  std::vector<model::BatchId> ready;
  while (!starts_.empty() && starts_.begin()->first <= now) {
    const model::BatchId id = starts_.extract(starts_.begin()).value().second.id;
    entries_.at(id).state = State::kReady;
    --waiting_;
    ready.push_back(id);
  }
  return ready;
}

std::vector<std::pair<model::BatchId, std::string>> LimitKeeper::TakeExhausted() {
  return std::exchange(exhausted_, {});
}

void LimitKeeper::OnStarted(model::BatchId id) {
  Entry& entry = entries_.at(id);
  LLMBATCH_CHECK(entry.state == State::kReady);
  entry.state = State::kStarted;
  --entry.route->ahead;
}

void LimitKeeper::Settle(model::BatchId id, const std::vector<std::int64_t>& used) {
  const Entry& entry = entries_.at(id);
  LLMBATCH_CHECK(entry.state == State::kStarted && used.size() == entry.needs.size());
  for (std::size_t i = 0; i < used.size(); ++i) {
    const Need& need = entry.needs[i];
    if (limits_[need.limit].kind == Kind::kBudget) {
      if (IsCurrent(need.limit, entry.booked)) ChangeMoney(need.limit, used[i], -need.amount);
    } else {
      CorrectRate(need.limit, used[i] - need.amount);
    }
  }
  Erase(id);
}

const LimitKeeper::Needs* LimitKeeper::NeedsOf(model::BatchId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.needs;
}

// ── asking the coordinator ───────────────────────────────────────────────────

std::optional<CallOrder> LimitKeeper::NextOf(const Route& route, base::Timestamp now) const {
  TurnQueue::Oldest oldest;
  for (const auto& [group, lane] : route.lanes) {
    if (now >= lane.shut_until) lane.waiting.NoteOldest(oldest);
  }
  const auto priority = TurnQueue::PriorityInTurn(oldest, now);
  std::optional<CallOrder> best;
  if (!priority) return best;
  for (const auto& [group, lane] : route.lanes) {
    if (now < lane.shut_until) continue;
    const auto first = lane.waiting.FirstOf(*priority);
    if (first && (!best || *first < *best)) best = first;
  }
  return best;
}

std::vector<model::BatchId> LimitKeeper::Choose(std::int64_t ahead, base::Timestamp now) {
  std::vector<model::BatchId> chosen;
  for (auto& [name, route] : routes_) {
    if (now < route.shut_until) continue;
    while (route.ahead < ahead && chosen.size() < kMaxCallsPerQuestion) {
      const auto next = NextOf(route, now);
      if (!next) break;
      Entry& entry = entries_.at(next->id);
      const auto lane = route.lanes.find(entry.group);
      lane->second.waiting.Take(PriorityOf(*next));
      if (lane->second.waiting.empty()) route.lanes.erase(lane);
      entry.order = *next;
      entry.state = State::kAsked;
      ++route.ahead;
      chosen.push_back(next->id);
    }
  }
  return chosen;
}

std::size_t LimitKeeper::Place(LimitId limit) {
  if (places_[limit] != kNoPlace) return places_[limit];
  const Known& known = limits_[limit];
  places_[limit] = asked_limits_.size();
  asked_limits_.push_back(limit);
  ports::Limit told{.kind = known.kind, .name = known.name, .size = known.size, .keep = {}};
  if (known.kind == Kind::kBudget) {
    const bool daily = known.period == Period::kDay;
    told.name += ":" + (daily ? day_name_ : month_name_);
    told.spent = known.spent;
    told.reserved = known.reserved;
    told.keep = daily ? kKeepDay : kKeepMonth;
    news_.erase(limit);
  }
  asked_.limits.push_back(std::move(told));
  return places_[limit];
}

bool LimitKeeper::HasNews() const {
  return !corrections_.empty() || !remaining_.empty() || !news_.empty();
}

std::optional<ports::ReserveCalls> LimitKeeper::Next(model::ReserveId id, std::int64_t ahead,
                                                     base::Timestamp now) {
  if (under_way_) return std::nullopt;
  asked_calls_ = Choose(ahead, now);
  const bool heartbeat = !money_.empty() && now >= heartbeat_at_;
  if (heartbeat && now >= retry_at_) {
    for (const LimitId limit : money_) {
      if (limits_[limit].reserved > 0) news_.insert(limit);
    }
  }
  if (asked_calls_.empty() && (now < retry_at_ || !(HasNews() || heartbeat))) return std::nullopt;
  under_way_ = true;
  if (heartbeat) heartbeat_at_ = now + options_.heartbeat;
  asked_date_ = date_;
  asked_ = ports::ReserveCalls{.reserve = id,
                               .limits = {},
                               .calls = {},
                               .corrections = {},
                               .remaining = {},
                               .burst = options_.burst,
                               .horizon = options_.horizon};
  for (const LimitId limit : std::exchange(asked_limits_, {})) places_[limit] = kNoPlace;
  asked_.calls.reserve(asked_calls_.size());
  for (const model::BatchId call : asked_calls_) {
    ports::Charges charges;
    for (const Need& need : entries_.at(call).needs) {
      charges.push_back({.limit = Place(need.limit), .amount = need.amount});
    }
    asked_.calls.push_back(std::move(charges));
  }
  for (const auto& [limit, amount] : std::exchange(corrections_, {})) {
    if (amount != 0) asked_.corrections.push_back({.limit = Place(limit), .amount = amount});
  }
  for (const auto& [limit, amount] : std::exchange(remaining_, {})) {
    asked_.remaining.push_back({.limit = Place(limit), .amount = amount});
  }
  while (!news_.empty() && asked_.limits.size() < kMaxLimitsPerQuestion) Place(*news_.begin());
  return asked_;
}

void LimitKeeper::OnReserved(const ports::CallsReserved& event, std::int64_t live_replicas,
                             base::Timestamp now) {
  if (!under_way_ || event.reserve != asked_.reserve) return;
  under_way_ = false;
  const bool usable = event.outcome.ok() && event.outcome->bookings.size() == asked_calls_.size() &&
                      event.outcome->used.size() == asked_limits_.size();
  if (!usable) {
    retry_at_ = now + kRetryAfterFailure;
    for (const ports::Charge& each : asked_.corrections) {
      corrections_[asked_limits_[each.limit]] += each.amount;
    }
    for (const LimitId limit : asked_limits_) {
      if (limits_[limit].kind == Kind::kBudget) news_.insert(limit);
    }
    Apply(Improvise(live_replicas, now), now);
    return;
  }
  if (epoch_ != 0 && event.outcome->epoch != epoch_) news_.insert(money_.begin(), money_.end());
  epoch_ = event.outcome->epoch;
  for (std::size_t i = 0; i < asked_limits_.size(); ++i) {
    limits_[asked_limits_[i]].used = event.outcome->used[i];
  }
  Apply(*event.outcome, now);
}

void LimitKeeper::Apply(const ports::ReserveState& state, base::Timestamp now) {
  for (std::size_t i = 0; i < asked_calls_.size(); ++i) {
    const auto found = entries_.find(asked_calls_[i]);
    // One that was removed and came back waits anew, and was not asked for.
    if (found != entries_.end() && found->second.state == State::kAsked) {
      Book(found->second, state.bookings[i], now);
    } else if (state.bookings[i].outcome == ports::Booking::Outcome::kBooked) {
      // It was removed meanwhile.
      for (const ports::Charge& each : asked_.calls[i]) {
        const LimitId limit = asked_limits_[each.limit];
        if (limits_[limit].kind == Kind::kRate) CorrectRate(limit, -each.amount);
        if (limits_[limit].kind == Kind::kBudget) news_.insert(limit);
      }
    }
  }
  asked_calls_.clear();
}

void LimitKeeper::Book(Entry& entry, const ports::Booking& booking, base::Timestamp now) {
  using Outcome = ports::Booking::Outcome;
  const LimitId by = booking.limit < asked_limits_.size() ? asked_limits_[booking.limit] : 0;
  if (booking.outcome == Outcome::kBooked) {
    for (const Need& need : entry.needs) {
      Known& known = limits_[need.limit];
      if (known.kind != Kind::kBudget || !IsCurrent(need.limit, asked_date_)) continue;
      // The coordinator has it in its row already.
      known.reserved += need.amount;
      money_.insert(need.limit);
    }
    entry.state = State::kBooked;
    entry.start = now + booking.wait;
    entry.start_by = by;
    entry.booked = asked_date_;
    starts_.emplace(entry.start, entry.order);
    return;
  }
  --entry.route->ahead;
  if (booking.outcome == Outcome::kExhausted && options_.exhausted_ends) {
    exhausted_.emplace_back(entry.order.id, limits_[by].name);
    Erase(entry.order.id);
    return;
  }
  Wait(entry);
  if (limits_[by].kind == Kind::kRate) {
    entry.route->shut_until = now + booking.wait;
    entry.route->shut_by = by;
    return;
  }
  Lane& lane = entry.route->lanes[entry.group];
  lane.shut_until = now + (booking.outcome == Outcome::kExhausted ? kExhaustedRetry : booking.wait);
  lane.shut_by = by;
}

// What the coordinator would say if this replica's share were all that there is.
ports::ReserveState LimitKeeper::Improvise(std::int64_t live_replicas, base::Timestamp now) {
  ports::ReserveCalls question = asked_;
  question.corrections.clear();
  for (ports::Limit& limit : question.limits) {
    if (limit.kind != Kind::kRate) continue;
    limit.size = std::max<std::int64_t>(1, limit.size / std::max<std::int64_t>(1, live_replicas));
  }
  std::vector<std::optional<std::size_t>> budget_of(question.calls.size());
  for (std::size_t i = 0; i < question.calls.size(); ++i) {
    for (const ports::Charge& each : question.calls[i]) {
      if (question.limits[each.limit].kind == Kind::kBudget) budget_of[i] = each.limit;
    }
    if (budget_of[i]) question.calls[i].clear();
  }
  ports::ReserveState state = own_.Reserve({}, question, now);
  for (std::size_t i = 0; i < question.calls.size(); ++i) {
    if (!budget_of[i]) continue;
    state.bookings[i] = {
        .outcome = ports::Booking::Outcome::kLater, .wait = kBudgetRetry, .limit = *budget_of[i]};
  }
  return state;
}

std::optional<base::Timestamp> LimitKeeper::Deadline(base::Timestamp now) const {
  std::optional<base::Timestamp> deadline;
  const auto consider = [&deadline](base::Timestamp other) {
    deadline = deadline ? std::min(*deadline, other) : other;
  };
  if (!starts_.empty()) consider(starts_.begin()->first);
  if (under_way_) return deadline;
  if (HasNews()) consider(retry_at_);
  if (!money_.empty()) consider(std::max(retry_at_, heartbeat_at_));
  for (const auto& [name, route] : routes_) {
    for (const auto& [group, lane] : route.lanes) {
      // One that isn't shut waits for those ahead to start, which is an event.
      const base::Timestamp shut_until = std::max(route.shut_until, lane.shut_until);
      if (shut_until > now) consider(shut_until);
    }
  }
  return deadline;
}

// ── for people ───────────────────────────────────────────────────────────────

std::optional<LimitKeeper::Waiting> LimitKeeper::WaitingFor(model::BatchId id,
                                                            base::Timestamp now) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  const Entry& entry = found->second;
  const auto because = [&](LimitId limit, base::Timestamp until) {
    return Waiting{.kind = limits_[limit].kind, .limit = limits_[limit].name, .left = until - now};
  };
  if (entry.state == State::kBooked) return because(entry.start_by, entry.start);
  if (entry.state != State::kWaiting) return std::nullopt;
  const Lane& lane = entry.route->lanes.find(entry.group)->second;
  if (now < lane.shut_until) return because(lane.shut_by, lane.shut_until);
  if (now < entry.route->shut_until) return because(entry.route->shut_by, entry.route->shut_until);
  return std::nullopt;
}

LimitKeeper::Counts LimitKeeper::CountWaiting(base::Timestamp now) const {
  Counts counts;
  for (const auto& [id, entry] : entries_) {
    const auto waiting = WaitingFor(id, now);
    if (!waiting) continue;
    ++(waiting->kind == Kind::kRate ? counts.rate : counts.budget);
  }
  return counts;
}

std::vector<LimitKeeper::BudgetUse> LimitKeeper::Budgets() const {
  std::vector<BudgetUse> budgets;
  for (const auto& [name, id] : by_name_) {
    const Known& known = limits_[id];
    if (known.kind != Kind::kBudget) continue;
    budgets.push_back({.name = known.name, .size = known.size, .used = known.used});
  }
  return budgets;
}

}  // namespace llmbatch::admission
