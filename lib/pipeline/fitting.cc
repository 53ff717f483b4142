// Calls, seventh part: batches that go on to another model than they were planned for.
#include <utility>

#include "batching/accumulator.h"
#include "pipeline/calls.h"
#include "pipeline/counting.h"

namespace llmbatch::pipeline {
namespace {

batching::BatchBounds BoundsFor(const Recipe& recipe, const Lane& lane, std::int64_t context) {
  return {.max_tokens = lane.ItemTokenBound(recipe.task()) - lane.calibration.Calibrated(context),
          .max_items = recipe.MaxItems(lane)};
}

// The place in the route of the first model from `lane` on that can take the request alone, as far
// as estimates tell; `lane` if none can. The request is counted for it.
std::size_t LaneWithRoom(Request& request, std::size_t lane) {
  const std::vector<Lane>& lanes = request.recipe->lanes();
  for (std::size_t i = lane; i < lanes.size(); ++i) {
    CountTokensAlone(request, i);
    const std::int64_t prompt = lanes[i].calibration.Calibrated(
        request.tokens + request.context_tokens + lanes[i].planner.fixed_tokens());
    if (prompt <= lanes[i].PromptRoom(request.recipe->task())) return i;
  }
  CountTokensAlone(request, lane);
  return lane;
}

}  // namespace

bool Calls::FitToLane(Call& call, base::Timestamp now) {
  if (call.requests.empty()) return true;
  const Lane& lane = LaneOf(call);
  const std::int64_t context = ContextTokens(requests_.at(call.requests.front()), call.lane);
  const batching::BatchBounds bounds = BoundsFor(*call.recipe, lane, context);
  std::vector<BatchPlan> plans;
  const auto plan = [&](std::vector<model::RequestId> requests, std::size_t lane_of_plan) {
    plans.push_back({.recipe = call.recipe, .lane = lane_of_plan, .requests = std::move(requests)});
  };
  batching::Accumulator accumulator{base::Duration{}};
  for (const model::RequestId id : call.requests) {
    Request& request = requests_.at(id);
    CountTokens(request, call.lane);
    request.context_tokens = context;
    const std::int64_t tokens = lane.calibration.Calibrated(request.tokens);
    if (tokens > bounds.max_tokens) {
      plan({id}, LaneWithRoom(request, call.lane));
      continue;
    }
    for (auto& batch : accumulator.Add(id, tokens, bounds, now)) {
      plan(std::move(batch.requests), call.lane);
    }
  }
  if (auto batch = accumulator.Flush()) plan(std::move(batch->requests), call.lane);
  if (plans.size() > 1 || plans.front().lane != call.lane) {
    divided_ = std::move(plans);
    return false;
  }
  call.planned_for = call.lane;
  return true;
}

bool Calls::MoveToRoomier(Call& call, base::Timestamp now) {
  const std::vector<Lane>& lanes = call.recipe->lanes();
  const std::int64_t window = lanes[call.lane].model.context_window_tokens;
  for (std::size_t lane = call.lane + 1; lane < lanes.size(); ++lane) {
    if (lanes[lane].model.context_window_tokens <= window) continue;
    call.lane = lane;
    call.attempts = 0;
    Enqueue(call, now);
    return true;
  }
  return false;
}

}  // namespace llmbatch::pipeline
