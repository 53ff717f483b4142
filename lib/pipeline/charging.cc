#include "pipeline/charging.h"

#include <utility>

#include "providers/price.h"

namespace llmbatch::pipeline {
namespace {

std::int64_t InputTokensOf(const Call& call, const RequestTable& requests) {
  const Lane& lane = LaneOf(call);
  std::int64_t tokens = lane.planner.fixed_tokens();
  std::int64_t context_tokens = 0;  // stands in the prompt once
  for (const model::RequestId id : call.requests) {
    const auto found = requests.find(id);
    if (found == requests.end()) continue;
    tokens += found->second.tokens;
    context_tokens = found->second.context_tokens;
  }
  tokens += context_tokens;
  return lane.calibration.Calibrated(tokens);
}

// With budgets by user all items of a call are of one.
const std::string& UserOf(const Call& call, const RequestTable& requests) {
  static const std::string kNobody;
  for (const model::RequestId id : call.requests) {
    const auto found = requests.find(id);
    if (found != requests.end()) return found->second.item.user_id;
  }
  return kNobody;
}

}  // namespace

void Charging::Define(const std::string& scope, const model::RateLimits& limits, Rates& rates) {
  const auto define = [&](std::int64_t per_minute, Unit unit, const char* what) {
    if (per_minute <= 0) return;
    const std::string name = scope + ": " + what + " per minute";
    rates.push_back({.limit = keeper_.Rate(name, per_minute), .unit = unit});
  };
  define(limits.requests_per_minute, Unit::kRequests, "requests");
  define(limits.tokens_per_minute, Unit::kTokens, "tokens");
  define(limits.input_tokens_per_minute, Unit::kInputTokens, "input tokens");
  define(limits.output_tokens_per_minute, Unit::kOutputTokens, "output tokens");
}

const Charging::Rates& Charging::RatesOf(const Call& call) {
  const Lane& lane = LaneOf(call);
  const auto [place, added] = rates_.try_emplace(lane.route);
  if (added) {
    Define(lane.route.provider, lane.provider.rates, place->second);
    Define(ModelName(lane), lane.model.rates, place->second);
  }
  return place->second;
}

void Charging::OnOptions() {
  const model::Catalog& catalog = *options_.catalog;
  for (auto& [route, rates] : rates_) {
    const auto provider = catalog.providers.find(route.provider);
    const auto model = catalog.models.find(route);
    if (provider == catalog.providers.end() || model == catalog.models.end()) continue;
    rates.clear();
    Define(route.provider, provider->second.rates, rates);
    Define(route.provider + "/" + route.model, model->second.rates, rates);
  }
}

const model::BudgetCaps& Charging::BudgetOf(const model::Task& task) const {
  const auto found = options_.catalog->tasks.find(task.name);
  return found == options_.catalog->tasks.end() ? task.budget : found->second->budget;
}

void Charging::AddBudget(const std::string& name, const model::BudgetCaps& caps, std::int64_t cost,
                         Needs& needs) {
  using admission::Period;
  const auto add = [&](const std::optional<model::NanoUsd>& cap, Period period, const char* word) {
    if (cap)
      needs.push_back({.limit = keeper_.Budget(name + word, period, cap->nanos), .amount = cost});
  };
  add(caps.day, Period::kDay, "/day");
  add(caps.month, Period::kMonth, "/month");
}

Charging::Needs Charging::NeedsOf(const Call& call, const RequestTable& requests) {
  const Rates& rates = RatesOf(call);
  const model::Task& task = call.recipe->task();
  const Budgets& budgets = options_.budgets;
  const model::BudgetCaps& of_task = BudgetOf(task);
  const bool has_budget = budgets.all.any() || budgets.each_user.any() || of_task.any();
  if (rates.empty() && !has_budget) return {};
  const std::int64_t input = InputTokensOf(call, requests);
  const Lane& lane = LaneOf(call);
  const std::int64_t output =
      lane.output.Likely(static_cast<std::int64_t>(call.requests.size()), lane.OutputLimit(task));
  Needs needs;
  for (const Rate& rate : rates) {
    switch (rate.unit) {
      case Unit::kRequests:
        needs.push_back({.limit = rate.limit, .amount = 1});
        break;
      case Unit::kTokens:
        needs.push_back({.limit = rate.limit, .amount = input + output});
        break;
      case Unit::kInputTokens:
        needs.push_back({.limit = rate.limit, .amount = input});
        break;
      case Unit::kOutputTokens:
        needs.push_back({.limit = rate.limit, .amount = output});
        break;
    }
  }
  if (!has_budget) return needs;
  const std::int64_t cost = CostOf(call, requests).value_or(model::NanoUsd{}).nanos;
  AddBudget("all", budgets.all, cost, needs);
  AddBudget("task " + task.name, of_task, cost, needs);
  if (budgets.by_user()) {
    AddBudget("user " + UserOf(call, requests), budgets.each_user, cost, needs);
  }
  return needs;
}

std::string Charging::GroupOf(const Call& call, const RequestTable& requests) const {
  std::string group = call.recipe->task().name;
  if (options_.budgets.by_user()) group += " " + UserOf(call, requests);
  return group;
}

std::optional<model::NanoUsd> Charging::CostOf(const Call& call,
                                               const RequestTable& requests) const {
  const Lane& lane = LaneOf(call);
  const model::Usage usage{
      .input_tokens = InputTokensOf(call, requests),
      .output_tokens = lane.output.Cautious(static_cast<std::int64_t>(call.requests.size()),
                                            lane.OutputLimit(call.recipe->task()))};
  return providers::CostOf(usage, lane.model.prices, lane.tier, now_);
}

std::optional<model::NanoUsd> Charging::MostOf(const Call& call) const {
  const Lane& lane = LaneOf(call);
  const model::Usage usage{.input_tokens = lane.calibration.Calibrated(call.estimated_tokens),
                           .output_tokens = lane.OutputLimit(call.recipe->task())};
  return providers::CostOf(usage, lane.model.prices, lane.tier, now_);
}

std::vector<std::int64_t> Charging::UsedOf(const Call& call, const Needs& needs,
                                           const CallUse& use) {
  const Rates& rates = RatesOf(call);
  std::vector<std::int64_t> used;
  used.reserve(needs.size());
  for (std::size_t i = 0; i < needs.size(); ++i) {
    const bool counts_always = i < rates.size() && rates[i].unit == Unit::kRequests;
    if (counts_always || (!use.usage && use.maybe_billed)) {
      used.push_back(needs[i].amount);
    } else if (use.usage && i >= rates.size()) {
      used.push_back(use.cost ? use.cost->nanos : needs[i].amount);
    } else if (!use.usage) {
      used.push_back(0);
    } else if (rates[i].unit == Unit::kInputTokens) {
      used.push_back(use.usage->input_tokens);
    } else if (rates[i].unit == Unit::kOutputTokens) {
      used.push_back(use.usage->output_tokens);
    } else {
      used.push_back(use.usage->input_tokens + use.usage->output_tokens);
    }
  }
  return used;
}

void Charging::Correct(const Call& call, const providers::RateLimits& told) {
  // A model's own limit stands behind its provider's, and is what the provider speaks of.
  const Rates& rates = RatesOf(call);
  std::optional<admission::LimitKeeper::LimitId> requests;
  std::optional<admission::LimitKeeper::LimitId> tokens;
  for (const Rate& rate : rates) {
    if (rate.unit == Unit::kRequests) requests = rate.limit;
    if (rate.unit == Unit::kTokens) tokens = rate.limit;
  }
  if (requests && told.requests.remaining) {
    keeper_.OnRemaining(*requests, *told.requests.remaining);
  }
  if (tokens && told.tokens.remaining) keeper_.OnRemaining(*tokens, *told.tokens.remaining);
}

}  // namespace llmbatch::pipeline
