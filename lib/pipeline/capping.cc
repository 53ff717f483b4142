// Calls, fourth part: what an item or a job may cost (max_cost_usd), and budgets that are spent.
#include <algorithm>
#include <string>
#include <vector>

#include "pipeline/calls.h"
#include "providers/price.h"

namespace llmbatch::pipeline {
namespace {

// Until a job's calls in flight may have ended and cost less than was reserved for them.
constexpr base::Duration kCapRetry = std::chrono::milliseconds(250);

bool IsCapped(const Request& request) {
  return request.item.max_cost || (request.job && request.job->cap);
}

}  // namespace

void Calls::KeepWithinCaps(Call& call, Verdicts& verdicts) {
  const bool capped =
      std::any_of(call.requests.begin(), call.requests.end(),
                  [this](model::RequestId id) { return IsCapped(requests_.at(id)); });
  if (!capped) return;
  std::vector<std::int64_t> weights;
  for (const model::RequestId id : call.requests) weights.push_back(requests_.at(id).tokens);
  const auto estimate = charging_.CostOf(call, requests_);
  const auto shares = providers::ShareOut(estimate.value_or(model::NanoUsd{}), weights);

  std::vector<model::RequestId> kept;
  std::vector<model::RequestId> later;
  for (std::size_t i = 0; i < call.requests.size(); ++i) {
    const Request& request = requests_.at(call.requests[i]);
    const auto fail = [&](std::string_view message) {
      verdicts.push_back(
          Fail(request, call, model::ErrorCode::kBudgetExceeded, message, call.attempts));
    };
    if (IsCapped(request) && (!estimate || !request.cost)) {
      fail("max_cost_usd can't be kept: what calls to this model cost isn't known");
    } else if (request.item.max_cost && *request.cost + shares[i] > *request.item.max_cost) {
      fail("the item would cost more than its max_cost_usd");
    } else if (!request.job || !request.job->cap) {
      kept.push_back(request.id);
    } else if (request.job->cap->TryReserve(shares[i])) {
      call.capped.emplace_back(request.job->cap, shares[i]);
      kept.push_back(request.id);
    } else if (request.job->cap->MayHaveRoomLater()) {
      later.push_back(request.id);
    } else {
      fail("the job would cost more than its max_cost_usd");
    }
  }
  BatchPlan rest{.recipe = call.recipe,
                 .lane = call.lane,
                 .requests = std::move(later),
                 .attempts = call.attempts};
  call.requests = std::move(kept);
  if (!rest.requests.empty()) postponed_.push_back(std::move(rest));
}

void Calls::ReleaseCaps(Call& call, const CallUse& use) {
  for (const auto& [cap, share] : call.capped) {
    cap->Release(share);
    // What a call without a report has cost isn't known, so it counts as expected.
    if (!use.usage && use.maybe_billed) cap->Spend(share);
  }
  call.capped.clear();
}

void Calls::BeginPostponed(base::Timestamp now) {
  for (BatchPlan& plan : std::exchange(postponed_, {})) {
    if (stopped_) return;
    Call& call = NewCall(std::move(plan), now);
    call.requests.empty() ? Erase(call.id) : BackOff(call, now + kCapRetry);
  }
}

void Calls::EndExhausted(base::Now now, Verdicts& verdicts) {
  for (const auto& [id, budget] : limits_.TakeExhausted()) {
    Call& call = calls_.at(id);
    Prune(call, now, verdicts);
    for (const model::RequestId request : call.requests) {
      verdicts.push_back(Fail(requests_.at(request), call, model::ErrorCode::kBudgetExceeded,
                              "the budget " + budget + " is spent", call.attempts));
    }
    Erase(id);
  }
}

}  // namespace llmbatch::pipeline
