// PlanReload: what of a changed configuration a daemon that is at work can take over.
#pragma once

#include <memory>
#include <vector>

#include "config/load.h"
#include "model/task.h"

namespace llmbatch::config {

struct ReloadPlan {
  // Why the changed configuration can't be used before a restart; empty: it can.
  std::vector<ConfigProblem> problems;
  // Keys that have changed and don't count before a restart. Never the values.
  std::vector<ConfigProblem> waiting;
  // What counts from now on: the changed tasks, models and routes, and providers as far as they are
  // where they were. Not null if there are no problems.
  std::shared_ptr<const model::Catalog> catalog;
  Limits limits;
};

// `running` is what the daemon was started with, `changed` what the files say now. Both must have
// been loaded without problems.
ReloadPlan PlanReload(const LoadOutcome& running, const LoadOutcome& changed);

}  // namespace llmbatch::config
