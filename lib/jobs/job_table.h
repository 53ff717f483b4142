// JobTable: the jobs under way, their progress and how they end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/job.h"

namespace llmbatch::jobs {

struct JobOptions {
  // At most one progress event in this time, but for changes of step and the end.
  base::Duration progress_interval = std::chrono::milliseconds(250);
};

// What a change of a job gives to publish, in this order.
struct JobReport {
  std::optional<model::Progress> progress;
  std::optional<model::JobResult> result;  // the job has ended and left the table
};

// Workflow `map`: the job is complete when each of its items has a result.
class JobTable {
 public:
  explicit JobTable(JobOptions options) : options_(options) {}

  // For jobs under way as well.
  void SetOptions(JobOptions options) { options_ = options; }

  // Why a job can't begin; nullopt: it can.
  enum class Conflict { kSame, kOtherContent, kOtherUser };
  // `content` tells requests with the same job_id apart: a hash of the message.
  std::optional<Conflict> FindConflict(const model::Job& job, std::string_view content) const;

  // REQUIRES: no conflict, at least one item
  JobReport Begin(model::RequestId id, const model::Job& job, std::string content, base::Now now);
  // One of its items has ended. REQUIRES: the job is in the table, `index` has no result yet
  JobReport OnItemResult(model::RequestId id, std::size_t index, model::ItemResult result,
                         base::Now now);
  // A call was made for items of the job.
  void CountCall(model::RequestId id);
  // What the job's calls wait for, in words; empty: nothing. Shown with the next progress event.
  void SetWaitingFor(model::RequestId id, std::string_view reason);
  // Progress events that were held back and are due now.
  std::vector<std::pair<model::RequestId, model::Progress>> Due(base::Now now);
  std::optional<base::Timestamp> Deadline() const;

  // Forgets a job without a report: its partition has another owner.
  void Drop(model::RequestId id);
  // Whether `index` is the job's last item: no other of its items follows. REQUIRES: the job is in
  // the table
  bool IsLast(model::RequestId id, std::size_t index) const {
    return index + 1 == jobs_.at(id).results.size();
  }
  bool Contains(model::RequestId id) const { return jobs_.contains(id); }
  std::size_t size() const { return jobs_.size(); }

 private:
  struct Entry {
    std::string job_id, workflow, task, user_id, content;
    std::vector<std::optional<model::ItemResult>> results;
    model::ItemCounts items;
    model::Usage usage;
    std::optional<model::NanoUsd> cost = model::NanoUsd{};
    std::int64_t calls = 0;
    std::int64_t generated = 0;
    std::int64_t sequence = 0;
    std::string waiting_for;
    bool unreported = false;
    base::Timestamp began;
    base::Timestamp last_progress;
  };

  model::Progress NextProgress(Entry& job, model::JobStatus status, std::string_view step,
                               base::Now now);
  static void Book(Entry& job, const model::ItemOutcome& outcome);
  static model::JobResult Complete(Entry& job, base::Now now);

  JobOptions options_;
  std::map<model::RequestId, Entry> jobs_;
  std::map<std::string, model::RequestId, std::less<>> by_job_id_;
};

}  // namespace llmbatch::jobs
