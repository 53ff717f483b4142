// Charging: which limits hold for a call, what it needs of them, and what it has used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "admission/limit_keeper.h"
#include "model/money.h"
#include "model/task.h"
#include "model/usage.h"
#include "pipeline/call.h"
#include "pipeline/options.h"
#include "pipeline/request.h"
#include "providers/rate_limits.h"

namespace llmbatch::pipeline {

// How a call ended, as far as its limits are concerned.
struct CallUse {
  std::optional<model::Usage> usage;   // as reported
  std::optional<model::NanoUsd> cost;  // of that usage
  bool maybe_billed = true;            // without a report: what was booked may have been used
};

// Options and keeper must outlive it. Belongs to one thread.
class Charging {
 public:
  using Needs = admission::LimitKeeper::Needs;

  Charging(const Options& options, admission::LimitKeeper& keeper)
      : options_(options), keeper_(keeper) {}

  // Calls are priced as of this moment until the next one.
  void SetDate(base::WallTime now) { now_ = now; }
  // Estimated by what was learnt. Empty: nothing limits the call.
  Needs NeedsOf(const Call& call, const RequestTable& requests);
  // Calls of one group have the same budgets.
  std::string GroupOf(const Call& call, const RequestTable& requests) const;
  // What hardly any call like this one will pass; nullopt: its model has no price.
  std::optional<model::NanoUsd> CostOf(const Call& call, const RequestTable& requests) const;
  // What the call that is in flight, or has just ended, may have cost at the most; nullopt: its
  // model has no price.
  std::optional<model::NanoUsd> MostOf(const Call& call) const;
  // In the order of its needs.
  std::vector<std::int64_t> UsedOf(const Call& call, const Needs& needs, const CallUse& use);
  // The options have changed: the rates of the routes used so far are theirs from now on.
  void OnOptions();
  // What the provider says is left.
  void Correct(const Call& call, const providers::RateLimits& told);

 private:
  enum class Unit { kRequests, kTokens, kInputTokens, kOutputTokens };
  struct Rate {
    admission::LimitKeeper::LimitId limit = 0;
    Unit unit = Unit::kRequests;
  };
  using Rates = std::vector<Rate>;

  const Rates& RatesOf(const Call& call);
  // As it is configured now: a call may have begun with another one.
  const model::BudgetCaps& BudgetOf(const model::Task& task) const;
  void AddBudget(const std::string& name, const model::BudgetCaps& caps, std::int64_t cost,
                 Needs& needs);
  void Define(const std::string& scope, const model::RateLimits& limits, Rates& rates);

  const Options& options_;
  admission::LimitKeeper& keeper_;
  std::map<model::RouteEntry, Rates> rates_;
  base::WallTime now_;
};

}  // namespace llmbatch::pipeline
