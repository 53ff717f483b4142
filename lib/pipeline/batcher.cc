#include "pipeline/batcher.h"

#include <algorithm>
#include <utility>

#include "pipeline/counting.h"
#include "pipeline/observations.h"

namespace llmbatch::pipeline {
namespace {

// New batches go to the first model of the route, but for items that it has no room for; Calls
// moves them on when it can't serve.
constexpr std::size_t kFirstLane = 0;

}  // namespace

Batcher::Key Batcher::KeyOf(const Request& request) const {
  const bool isolated = by_user_ || request.recipe->task().isolate_tenants;
  Key key{.task_version = request.recipe->version(),
          .selected_route = request.recipe->selected_route(),
          .tenant = isolated ? request.item.user_id : std::string(),
          .company = {}};
  if (request.company)
    key.company = std::to_string(request.job->job.value) + "/" + request.company->name;
  return key;
}

Batcher::Fit Batcher::Add(Request& request, base::Timestamp now, ports::Commands& out) {
  const Lane& lane = request.recipe->lanes()[kFirstLane];
  const model::Task& task = request.recipe->task();
  CountTokens(request, kFirstLane);
  const std::int64_t tokens = lane.calibration.Calibrated(request.tokens);
  const Key key = KeyOf(request);
  const auto found = gathering_.find(key);
  if (request.company) {
    request.context_tokens = found != gathering_.end() ? found->second.context_tokens
                                                       : ContextTokens(request, kFirstLane);
  }
  const std::int64_t common = lane.calibration.Calibrated(request.context_tokens);
  const batching::BatchBounds bounds{.max_tokens = lane.ItemTokenBound(task) - common,
                                     .max_items = request.recipe->MaxItems(lane)};
  if (tokens > bounds.max_tokens) return AddOversize(request, out);
  if (request.alone) {
    Close(request.recipe, kFirstLane,
          batching::ClosedBatch{.requests = {request.id}, .tokens = tokens}, "flush", out);
    return Fit::kTaken;
  }
  // Of another configuration, with other bounds.
  if (found != gathering_.end() && found->second.recipe != request.recipe) Flush(request, out);
  // A company is asked together, so it has gathered by the end of the round.
  const base::Duration linger = request.company ? base::Duration{} : task.linger;
  const Gathering fresh{.recipe = request.recipe,
                        .accumulator = batching::Accumulator(linger),
                        .context_tokens = request.context_tokens};
  Gathering& gathering = gathering_.try_emplace(key, fresh).first->second;
  for (batching::ClosedBatch& batch : gathering.accumulator.Add(request.id, tokens, bounds, now)) {
    const std::string_view reason = batching::ToString(batch.reason);
    Close(gathering.recipe, kFirstLane, std::move(batch), reason, out);
  }
  if (request.item.real_time) Flush(request, out);
  return Fit::kTaken;
}

Batcher::Fit Batcher::AddOversize(Request& request, ports::Commands& out) {
  const model::Task& task = request.recipe->task();
  const std::vector<Lane>& lanes = request.recipe->lanes();
  for (std::size_t i = kFirstLane; i < lanes.size(); ++i) {
    CountTokensAlone(request, i);
    const tokens::Calibration& calibration = lanes[i].calibration;
    const std::int64_t tokens = calibration.Calibrated(request.tokens);
    const std::int64_t prompt = tokens + calibration.Calibrated(request.context_tokens) +
                                calibration.Calibrated(lanes[i].planner.fixed_tokens());
    const bool over_bound = prompt > task.max_batch_tokens;
    if (over_bound && task.oversize == model::Oversize::kError) return Fit::kTooLarge;
    if (prompt > lanes[i].PromptRoom(task)) continue;
    Close(request.recipe, i, batching::ClosedBatch{.requests = {request.id}, .tokens = tokens},
          "oversize", out);
    return Fit::kTaken;
  }
  return Fit::kTooLarge;
}

void Batcher::Flush(const Request& request, ports::Commands& out) {
  const auto found = gathering_.find(KeyOf(request));
  if (found == gathering_.end()) return;
  if (auto batch = found->second.accumulator.Flush())
    Close(found->second.recipe, kFirstLane, std::move(*batch), "flush", out);
  gathering_.erase(found);
}

void Batcher::FlushAll(ports::Commands& out) {
  for (auto& [key, gathering] : std::exchange(gathering_, {})) {
    if (auto batch = gathering.accumulator.Flush())
      Close(gathering.recipe, kFirstLane, std::move(*batch), "flush", out);
  }
}

void Batcher::Expire(base::Timestamp now, ports::Commands& out) {
  for (auto it = gathering_.begin(); it != gathering_.end();) {
    Gathering& gathering = it->second;
    if (auto batch = gathering.accumulator.Expire(now))
      Close(gathering.recipe, kFirstLane, std::move(*batch), "linger", out);
    // Empty ones go, so that tenants who have left cost nothing.
    it = gathering.accumulator.empty() ? gathering_.erase(it) : std::next(it);
  }
}

void Batcher::Close(const std::shared_ptr<Recipe>& recipe, std::size_t lane_index,
                    batching::ClosedBatch batch, std::string_view reason, ports::Commands& out) {
  const model::Task& task = recipe->task();
  const auto bound = static_cast<double>(std::max<std::int64_t>(1, task.max_batch_tokens));
  const Lane& lane = recipe->lanes()[lane_index];
  const std::int64_t prompt =
      batch.tokens + lane.calibration.Calibrated(lane.planner.fixed_tokens());
  out.emplace_back(Observed(ports::Metric::kBatches, 1, {task.name, std::string(reason)}));
  out.emplace_back(
      Observed(ports::Metric::kBatchFillRatio, static_cast<double>(prompt) / bound, {task.name}));
  out.emplace_back(Observed(ports::Metric::kBatchItems, static_cast<double>(batch.requests.size()),
                            {task.name}));
  ready_.push_back(
      BatchPlan{.recipe = recipe, .lane = lane_index, .requests = std::move(batch.requests)});
}

std::vector<BatchPlan> Batcher::TakeReady() { return std::exchange(ready_, {}); }

std::optional<base::Timestamp> Batcher::Deadline() const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [key, gathering] : gathering_) {
    const auto due = gathering.accumulator.Deadline();
    if (due) deadline = deadline ? std::min(*deadline, *due) : due;
  }
  return deadline;
}

}  // namespace llmbatch::pipeline
