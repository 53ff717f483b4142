// LimitKeeper: this replica's side of rates and budgets.
//
// A call that is limited passes through here before it waits for a permit: it is booked with all of
// its limits at the coordinator, in order, and let go when its start has come. When it has ended,
// what it really used takes the place of what was booked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "admission/call_order.h"
#include "admission/limit_book.h"
#include "admission/turn_queue.h"
#include "base/time.h"
#include "model/ids.h"
#include "ports/events.h"
#include "ports/reserve.h"

namespace llmbatch::admission {

struct LimitOptions {
  base::Duration burst = std::chrono::seconds(1);
  // Calls are booked so far ahead, and no further: who comes later with something more urgent has
  // to wait so long.
  base::Duration horizon = std::chrono::seconds(2);
  // How often a replica that has spent money shows itself, so that it learns of lost data, and what
  // it has reserved isn't taken for spent.
  base::Duration heartbeat = std::chrono::seconds(2);
  // Whether a call that a spent budget doesn't allow ends, or waits.
  bool exhausted_ends = false;
};

enum class Period { kDay, kMonth };  // of the calendar, in UTC

// Belongs to one thread.
class LimitKeeper {
 public:
  using LimitId = std::size_t;
  struct Need {
    LimitId limit = 0;
    std::int64_t amount = 0;  // requests or tokens of a rate, nano-dollars of a budget
  };
  using Needs = std::vector<Need>;

  // What a call waits for.
  struct Waiting {
    ports::Limit::Kind kind = ports::Limit::Kind::kRate;
    std::string_view limit;  // its name
    base::Duration left{};   // at least
  };

  explicit LimitKeeper(LimitOptions options) : options_(options) {}

  // The limit of that name; another `size` holds from now on. REQUIRES: per_minute, nano_usd > 0
  LimitId Rate(std::string_view name, std::int64_t per_minute);
  LimitId Budget(std::string_view name, Period period, std::int64_t nano_usd);

  // With a new day or month its budgets begin anew. What was booked before counts for the period
  // that it was booked in, and stays there as it was booked.
  void SetDate(base::WallTime now);

  // The call waits from now on. Calls of one route and group keep their order; a group that waits
  // for a budget doesn't hold up the others of its route.
  void Push(CallOrder order, const std::string& route, const std::string& group, Needs needs);
  // The call won't start after all; what was booked for it is given back.
  void Remove(model::BatchId id);

  // Calls whose start has come, in order. They are booked until OnStarted() or Remove().
  std::vector<model::BatchId> TakeReady(base::Timestamp now);
  // Calls that ended because a budget is spent, and the budget's name. They are forgotten here.
  std::vector<std::pair<model::BatchId, std::string>> TakeExhausted();

  // REQUIRES: came out of TakeReady()
  void OnStarted(model::BatchId id);
  // The call has ended and used that much, in the order and units of its needs.
  // REQUIRES: OnStarted()
  void Settle(model::BatchId id, const std::vector<std::int64_t>& used);
  // The needs of a call that was pushed and hasn't been settled or removed; nullptr: there is none.
  const Needs* NeedsOf(model::BatchId id) const;
  // The provider says that no more is left of a rate.
  void OnRemaining(LimitId limit, std::int64_t amount) { remaining_[limit] = amount; }

  // What to ask now, if anything. `ahead` calls of each route may be booked and not started.
  // At most one is under way.
  std::optional<ports::ReserveCalls> Next(model::ReserveId id, std::int64_t ahead,
                                          base::Timestamp now);
  // While the coordinator is away, rates are shared with `live_replicas`, and budgets wait.
  void OnReserved(const ports::CallsReserved& event, std::int64_t live_replicas,
                  base::Timestamp now);

  // When TakeReady() or Next() must be asked again at the latest.
  std::optional<base::Timestamp> Deadline(base::Timestamp now) const;

  // nullopt: the call waits for no limit.
  std::optional<Waiting> WaitingFor(model::BatchId id, base::Timestamp now) const;
  struct Counts {
    std::int64_t rate = 0;
    std::int64_t budget = 0;
  };
  Counts CountWaiting(base::Timestamp now) const;
  // Calls that are not ready yet.
  std::int64_t waiting() const { return waiting_; }

  struct BudgetUse {
    std::string_view name;
    std::int64_t size = 0;
    std::int64_t used = 0;  // over all replicas, as of the last answer
  };
  std::vector<BudgetUse> Budgets() const;

 private:
  enum class State { kWaiting, kAsked, kBooked, kReady, kStarted };
  // The periods that a moment is in; numbers that only grow.
  struct Date {
    std::int64_t day = -1;
    std::int64_t month = -1;
  };
  struct Lane {
    TurnQueue waiting;
    base::Timestamp shut_until;
    LimitId shut_by = 0;
  };
  struct Route {
    std::map<std::string, Lane, std::less<>> lanes;  // by group; none without a waiting call
    base::Timestamp shut_until;
    LimitId shut_by = 0;
    std::int64_t ahead = 0;  // asked, booked or ready
  };
  struct Entry {
    CallOrder order;
    State state = State::kWaiting;
    Route* route = nullptr;
    std::string group;
    Needs needs;
    base::Timestamp start;
    LimitId start_by = 0;
    Date booked;
  };
  struct Known {
    ports::Limit::Kind kind = ports::Limit::Kind::kRate;
    std::string name;
    std::int64_t size = 0;
    Period period = Period::kDay;
    std::int64_t spent = 0;
    std::int64_t reserved = 0;
    std::int64_t used = 0;
    std::int64_t calls = 0;  // that name it
  };

  LimitId Define(ports::Limit::Kind kind, std::string_view name, Period period, std::int64_t size);
  void Wait(Entry& entry);
  void StopWaiting(Entry& entry);
  void Erase(model::BatchId id);
  // Whether the period of that budget is still the same.
  bool IsCurrent(LimitId limit, const Date& booked) const;
  void CorrectRate(LimitId limit, std::int64_t amount);
  void ChangeMoney(LimitId limit, std::int64_t spent, std::int64_t reserved);
  void BeginAnew(Period period);

  std::vector<model::BatchId> Choose(std::int64_t ahead, base::Timestamp now);
  // The call of a route that comes next; nullopt: none may be booked now.
  std::optional<CallOrder> NextOf(const Route& route, base::Timestamp now) const;
  std::size_t Place(LimitId limit);
  bool HasNews() const;
  void Apply(const ports::ReserveState& state, base::Timestamp now);
  void Book(Entry& entry, const ports::Booking& booking, base::Timestamp now);
  ports::ReserveState Improvise(std::int64_t live_replicas, base::Timestamp now);

  LimitOptions options_;
  std::vector<Known> limits_;
  std::vector<LimitId> unused_;
  std::map<std::string, LimitId, std::less<>> by_name_;
  std::map<std::string, Route, std::less<>> routes_;
  std::unordered_map<model::BatchId, Entry> entries_;
  std::set<std::pair<base::Timestamp, CallOrder>> starts_;  // of those that are booked
  std::vector<std::pair<model::BatchId, std::string>> exhausted_;
  std::map<LimitId, std::int64_t> corrections_;
  std::map<LimitId, std::int64_t> remaining_;
  std::set<LimitId> news_;   // budgets of which the coordinator hasn't been told all
  std::set<LimitId> money_;  // budgets of which we have spent or reserved something
  std::int64_t waiting_ = 0;
  Date date_;
  Date asked_date_;
  std::string day_name_;
  std::string month_name_;

  bool under_way_ = false;
  ports::ReserveCalls asked_;
  std::vector<model::BatchId> asked_calls_;
  std::vector<LimitId> asked_limits_;  // by their place in the command
  std::vector<std::size_t> places_;    // the other way round; kNoPlace: not in it
  base::Timestamp heartbeat_at_;
  base::Timestamp retry_at_;

  LimitBook own_;  // for the time without a coordinator
  std::int64_t epoch_ = 0;
};

}  // namespace llmbatch::admission
