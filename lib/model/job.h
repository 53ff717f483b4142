// Job: a named group of items of one user, with a status, progress and a summary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/item.h"
#include "model/result.h"

namespace llmbatch::model {

enum class JobStatus { kQueued, kProcessing, kCompleted, kFailed, kCancelled };
std::string_view ToString(JobStatus status);

// A job as it was asked for, workflow `map`: its items stand in the same message.
struct Job {
  std::string job_id;
  std::string workflow;
  std::string task;
  std::string user_id;
  int priority = kDefaultPriority;
  std::optional<base::WallTime> deadline;
  std::optional<NanoUsd> max_cost;
  std::vector<Item> items;  // each with the job's task, user, priority and deadline filled in

  friend bool operator==(const Job&, const Job&) = default;
};

struct ItemCounts {
  std::int64_t total = 0;
  std::int64_t done = 0;    // answered or failed: done == total ends the job
  std::int64_t failed = 0;  // the part of done that ended in an error
  std::int64_t cached = 0;  // the part of done that cost nothing

  friend bool operator==(const ItemCounts&, const ItemCounts&) = default;
};

struct Progress {
  std::string job_id;
  std::string user_id;
  std::string workflow;
  JobStatus status = JobStatus::kQueued;
  std::int64_t sequence = 0;  // 1, 2, 3 … without a gap
  std::string step;
  int percent = 0;  // never goes down
  std::string message;
  ItemCounts items;
  Usage usage;
  std::optional<NanoUsd> cost;  // nullopt: a model without a price was used
  std::optional<std::int64_t> eta_seconds;
  std::string waiting_for;  // empty: nothing
  base::WallTime at;
};

struct JobResult {
  std::string job_id;
  std::string workflow;
  std::string task;
  std::string user_id;
  JobStatus status = JobStatus::kCompleted;
  bool partial = false;             // some items ended in an error
  std::vector<ItemResult> results;  // in the order asked
  ItemCounts items;
  Usage usage;
  std::optional<NanoUsd> cost;
  std::int64_t calls = 0;
  base::Duration total_time{};
  double efficiency = 0;  // items answered by calls ÷ calls
  std::optional<ItemError> error;
};

}  // namespace llmbatch::model
