// Job: a named group of items of one user, with a status, progress and a summary.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/document_place.h"
#include "model/item.h"
#include "model/money.h"
#include "model/result.h"
#include "model/usage.h"

namespace llmbatch::model {

enum class JobStatus { kQueued, kProcessing, kCompleted, kFailed, kCancelled };
std::string_view ToString(JobStatus status);
std::optional<JobStatus> ParseJobStatus(std::string_view text);
// Nothing changes any more.
bool IsFinal(JobStatus status);

// A job as it was asked for.
struct Job {
  std::string job_id;
  std::string workflow;
  std::string task;
  std::string user_id;
  int priority = kDefaultPriority;
  std::optional<base::WallTime> deadline;
  std::optional<NanoUsd> max_cost;
  std::string retry_of;  // the id of the job that this one tries again; empty: none
  // The name of a route that is asked in place of its tasks' own; empty: theirs.
  std::string model_selection;
  // Workflow `map`: each with the job's task, user, priority and deadline filled in.
  std::vector<Item> items;
  // Workflow `map`: so many items come in messages of their own; 0: they are all in `items`.
  std::int64_t item_count = 0;
  // Workflow `map`: where the items are that `items` is without; nullopt: nowhere else.
  std::optional<DocumentPlace> items_place;
  // All other workflows: the members of the message that aren't common to all jobs, as a JSON
  // object.
  std::string input_json;

  friend bool operator==(const Job&, const Job&) = default;
};

struct ItemCounts {
  std::int64_t total = 0;
  std::int64_t done = 0;    // answered or failed: done == total ends the job
  std::int64_t failed = 0;  // the part of done that ended in an error
  std::int64_t cached = 0;  // the part of done that cost nothing

  friend bool operator==(const ItemCounts&, const ItemCounts&) = default;
};

// What only a job's workflow has to tell: a name and its value.
struct SummaryMember {
  std::string name;
  std::string json;

  friend bool operator==(const SummaryMember&, const SummaryMember&) = default;
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
  std::optional<NanoUsd> cost;                       // nullopt: a model without a price was used
  std::optional<NanoUsd> cost_in_doubt = NanoUsd{};  // as of its items
  std::optional<std::int64_t> eta_seconds;
  std::string waiting_for;           // empty: nothing
  std::vector<SummaryMember> facts;  // beside what all events have
  bool reset = false;  // what was told of the job before, if anything, could not be looked up
  base::WallTime at;
};

struct JobResult {
  std::string job_id;
  std::string workflow;
  std::string task;
  std::string user_id;
  JobStatus status = JobStatus::kCompleted;
  bool partial = false;              // some items ended in an error
  std::vector<std::string> results;  // JSON objects of the workflow's own form, in the order asked
  ItemCounts items;
  Usage usage;
  std::optional<NanoUsd> cost;
  std::optional<NanoUsd> cost_in_doubt = NanoUsd{};  // as of its items
  std::int64_t calls = 0;
  base::Duration total_time{};
  double efficiency = 0;               // as the workflow means it
  std::vector<SummaryMember> summary;  // beside what all summaries have
  std::optional<ItemError> error;
  std::string retry_of;  // empty: no retry
};

}  // namespace llmbatch::model
