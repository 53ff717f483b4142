#include "workflows/classification/expense.h"

#include <algorithm>

#include "wire/parts.h"

namespace llmbatch::workflows {

void Expense::Add(const model::ItemOutcome& outcome) {
  usage_ += outcome.usage;
  model::Add(cost_, outcome.cost);
  model::Add(cost_in_doubt_, outcome.cost_in_doubt);
  if (outcome.batch_id.empty()) return;
  base::Duration& time = calls_[outcome.batch_id];
  time = std::max(time, outcome.duration);
}

base::Duration Expense::call_time() const {
  base::Duration sum{};
  for (const auto& [batch, time] : calls_) sum += time;
  return sum;
}

void Expense::Write(json::Writer& writer) const {
  writer.Key("calls").Int(static_cast<std::int64_t>(calls_.size()));
  wire::WriteUsage(writer, usage_);
  wire::WriteCost(writer, cost_, cost_in_doubt_);
  writer.Key("call_time_ms").Int(base::ToMillis(call_time()));
}

}  // namespace llmbatch::workflows
