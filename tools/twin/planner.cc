#include "twin/planner.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// In the prompt an item's text is escaped, so the item is looked at as well.
bool Matches(const Rule& rule, std::string_view prompt, const std::vector<Item>& items) {
  return Contains(prompt, rule.text_contains) ||
         std::any_of(items.begin(), items.end(),
                     [&](const Item& item) { return Contains(item.text, rule.text_contains); });
}

constexpr std::size_t kMostQuestionsKept = 1'000'000;

bool NeedsTargets(FaultKind kind) {
  return kind == FaultKind::kMissing || kind == FaultKind::kSwapped ||
         kind == FaultKind::kDuplicated || kind == FaultKind::kMerged;
}

}  // namespace

Planner::Planner(Behaviour behaviour)
    : behaviour_(std::move(behaviour)),
      rng_(behaviour_.seed),
      next_(behaviour_.next.begin(), behaviour_.next.end()) {}

Plan Planner::Next(std::string_view prompt, const std::vector<Item>& items) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto by_key = [&items](std::size_t a, std::size_t b) {
    return items[a].key < items[b].key;
  };
  if (std::is_sorted(order.begin(), order.end(), by_key)) return NextInOrder(prompt, items);
  std::stable_sort(order.begin(), order.end(), by_key);
  std::vector<Item> sorted;
  sorted.reserve(items.size());
  for (const std::size_t i : order) sorted.push_back(items[i]);
  Plan plan = NextInOrder(prompt, sorted);
  for (std::size_t& target : plan.targets) target = order[target];
  return plan;
}

Plan Planner::NextInOrder(std::string_view prompt, const std::vector<Item>& items) {
  rng_ = ChanceFor(prompt, items);
  const base::Duration latency = behaviour_.latency.Draw(rng_);
  auto chosen = TakeStep(prompt, items);
  Plan plan;
  if (chosen) {
    plan.fault = chosen->step.fault;
    plan.targets = PickTargets(plan.fault.kind, items, chosen->text);
    plan.retry_after_seconds = chosen->step.retry_after_seconds;
    plan.answer = std::move(chosen->step.answer);
  } else {
    plan = PlanByChance(items);
  }
  if (NeedsTargets(plan.fault.kind) && plan.targets.empty()) plan.fault = Fault{};
  plan.latency = chosen && chosen->step.latency_ms ? FromMillis(*chosen->step.latency_ms) : latency;
  return plan;
}

base::Rng Planner::ChanceFor(std::string_view prompt, const std::vector<Item>& items) {
  std::uint64_t hash = HashText({}, behaviour_.seed);
  for (const Item& item : items) hash = HashText(item.key, hash);
  if (items.empty()) hash = HashText(prompt, hash);
  if (times_asked_.size() >= kMostQuestionsKept) times_asked_.clear();
  const std::uint64_t times = ++times_asked_[hash];
  return base::Rng(HashText(std::to_string(times), hash));
}

std::optional<Planner::Chosen> Planner::TakeStep(std::string_view prompt,
                                                 const std::vector<Item>& items) {
  while (!next_.empty()) {
    Step& step = next_.front();
    if (step.times > 0) {
      --step.times;
      return Chosen{.step = step, .text = {}};
    }
    next_.pop_front();
  }
  auto& rules = behaviour_.match;
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [&](const Rule& one) { return Matches(one, prompt, items); });
  if (rule == rules.end()) return std::nullopt;
  Chosen chosen{.step = rule->step, .text = rule->text_contains};
  if (rule->step.times == 1) {
    rules.erase(rule);
  } else if (rule->step.times > 1) {
    --rule->step.times;
  }
  return chosen;
}

Plan Planner::PlanByChance(const std::vector<Item>& items) {
  Plan plan;
  plan.fault = behaviour_.error_rate.Draw(rng_);
  if (plan.fault.kind == FaultKind::kNone) plan.fault = behaviour_.answer_fault.Draw(rng_);
  if (plan.fault.kind != FaultKind::kNone) {
    plan.targets = PickTargets(plan.fault.kind, items, {});
    return plan;
  }
  const double missing_rate = behaviour_.answer_fault.missing_rate();
  for (std::size_t i = 0; missing_rate > 0 && i < items.size(); ++i) {
    if (rng_.Chance(missing_rate)) plan.targets.push_back(i);
  }
  if (!plan.targets.empty()) plan.fault = Fault{.kind = FaultKind::kMissing};
  return plan;
}

std::vector<std::size_t> Planner::PickTargets(FaultKind kind, const std::vector<Item>& items,
                                              std::string_view text) {
  if (!NeedsTargets(kind) || items.empty()) return {};
  std::vector<std::size_t> targets;
  for (std::size_t i = 0; !text.empty() && i < items.size(); ++i) {
    if (Contains(items[i].text, text)) targets.push_back(i);
  }
  if (targets.empty()) targets.push_back(rng_.Below(items.size()));
  if (kind != FaultKind::kSwapped && kind != FaultKind::kMerged) return targets;
  if (items.size() < 2) return {};
  targets.resize(1);
  targets.push_back((targets.front() + 1 + rng_.Below(items.size() - 1)) % items.size());
  return targets;
}

}  // namespace llmbatch::twin
