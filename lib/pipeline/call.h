// Call: one batch on its way through permit, provider and answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admission/call_order.h"
#include "admission/cost_cap.h"
#include "admission/permit_keeper.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/money.h"
#include "model/usage.h"
#include "pipeline/recipe.h"

namespace llmbatch::pipeline {

// The states a call can be in; the same words are metric labels and stand in
// docs/life-of-a-request.md. kBackingOff is also for a call that waits until its job's max_cost_usd
// has room.
enum class CallState { kWaitingForLimit, kWaitingForPermit, kInFlight, kBackingOff };
std::string_view ToString(CallState state);

struct Call {
  model::BatchId id;
  std::string batch_name;  // the id as published: unique over replicas and restarts
  std::shared_ptr<Recipe> recipe;
  std::size_t lane = 0;         // position in the recipe's route
  std::size_t planned_for = 0;  // the lane that its requests fit into
  std::vector<model::RequestId> requests;

  CallState state = CallState::kWaitingForPermit;
  admission::PermitKeeper::ClassId permit_class = 0;  // while it waits for permits or has them
  int attempts = 0;                                   // that failed for reasons that may pass
  bool urgent = false;                                // has a real-time item
  int priority = 0;                                   // the highest of its items
  std::vector<std::string> users;                     // of its task, those of its items
  admission::FairTurns::Turn turn = 0;                // theirs
  std::uint64_t only_user = 0;        // a number for them, if all items are of one; else 0
  std::optional<base::WallTime> due;  // the earliest deadline of its items
  bool of_jobs = false;               // at least one of its items belongs to a job
  base::Timestamp created;            // max_wait counts from here, over all attempts
  base::Timestamp waiting_since;      // for its limits, then for its permits
  base::Timestamp not_before;         // kBackingOff: when it waits for a permit again

  // Of the attempt that is in flight:
  model::CallId attempt;
  base::Timestamp started;
  std::int64_t limit_version = 0;     // of its model's adaptive limit, when it was started
  bool probe = false;                 // of a breaker that is open
  bool aborted = false;               // its end is on its way
  bool uses_up_attempt = true;        // its failure told something that wasn't known
  std::vector<std::string> nonces;    // one a request, in their order
  std::int64_t estimated_tokens = 0;  // of the whole prompt, uncalibrated
  // What is reserved of the caps of its items' jobs.
  std::vector<std::pair<std::shared_ptr<admission::CostCap>, model::NanoUsd>> capped;
  bool answered = false;              // by the model, in whatever way
  std::optional<model::Usage> usage;  // as the answer told it
};

admission::CallOrder OrderOf(const Call& call);

// Where the call goes to.
inline Lane& LaneOf(const Call& call) { return call.recipe->lanes()[call.lane]; }
inline std::string ModelName(const Lane& lane) {
  return lane.route.provider + "/" + lane.route.model;
}

}  // namespace llmbatch::pipeline
