// What a workflow tells of a job, and what is told to it at the end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/job.h"
#include "model/money.h"
#include "model/result.h"
#include "model/usage.h"

namespace llmbatch::jobs {

// A step that a job has been through, however quickly.
struct Stage {
  std::string step;
  int percent = 0;

  friend bool operator==(const Stage&, const Stage&) = default;
};

// How far a job is.
struct Standing {
  std::string step;
  int percent = 0;  // 0–100
  std::string message;
  model::ItemCounts items;
  std::vector<Stage> stages;  // from the beginning on, in order: each gets an event of its own
  // Told with the first event of those by which they are known.
  std::vector<model::SummaryMember> facts;

  friend bool operator==(const Standing&, const Standing&) = default;
};

// What a job has used up to now.
struct Totals {
  model::Usage usage;
  std::optional<model::NanoUsd> cost = model::NanoUsd{};  // nullopt: a model without a price
  std::optional<model::NanoUsd> cost_in_doubt = model::NanoUsd{};
  std::int64_t calls = 0;
  base::Duration elapsed{};
};

// How a job ended.
struct Ending {
  model::JobStatus status = model::JobStatus::kCompleted;
  bool partial = false;
  std::vector<std::string> results;  // JSON objects, in the order asked
  std::vector<model::SummaryMember> summary;
  double efficiency = 0;  // as the workflow means it, see schemas/job_result.schema.json
  std::optional<model::ItemError> error;  // set with kFailed, and where items never came
};

}  // namespace llmbatch::jobs
