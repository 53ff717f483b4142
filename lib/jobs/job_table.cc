#include "jobs/job_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace llmbatch::jobs {
namespace {

// Before an item has ended there is nothing to extrapolate from.
std::optional<std::int64_t> EtaSeconds(const model::ItemCounts& items, base::Duration elapsed) {
  if (items.done == 0 || items.done == items.total) return std::nullopt;
  const double rate = base::ToSeconds(elapsed) / static_cast<double>(items.done);
  return static_cast<std::int64_t>(rate * static_cast<double>(items.total - items.done) + 0.5);
}

}  // namespace

std::optional<JobTable::Conflict> JobTable::FindConflict(const model::Job& job,
                                                         std::string_view content) const {
  const auto found = by_job_id_.find(job.job_id);
  if (found == by_job_id_.end()) return std::nullopt;
  const Entry& other = jobs_.at(found->second);
  if (other.user_id != job.user_id) return Conflict::kOtherUser;
  return other.content == content ? Conflict::kSame : Conflict::kOtherContent;
}

JobReport JobTable::Begin(model::RequestId id, const model::Job& job, std::string content,
                          base::Now now) {
  LLMBATCH_CHECK(!job.items.empty() && !by_job_id_.contains(job.job_id));
  Entry entry;
  entry.job_id = job.job_id;
  entry.workflow = job.workflow;
  entry.task = job.task;
  entry.user_id = job.user_id;
  entry.content = std::move(content);
  entry.results.resize(job.items.size());
  entry.items.total = static_cast<std::int64_t>(job.items.size());
  entry.began = now.steady;
  Entry& kept = jobs_.emplace(id, std::move(entry)).first->second;
  by_job_id_.emplace(job.job_id, id);
  return JobReport{.progress = NextProgress(kept, model::JobStatus::kProcessing, "items", now),
                   .result = {}};
}

void JobTable::Book(Entry& job, const model::ItemOutcome& outcome) {
  ++job.items.done;
  job.usage += outcome.usage;
  if (outcome.cost && job.cost) {
    *job.cost += *outcome.cost;
  } else {
    job.cost.reset();
  }
  if (outcome.status == model::ResultStatus::kError) {
    ++job.items.failed;
  } else if (outcome.source == model::ResultSource::kGenerated) {
    ++job.generated;
  } else {
    ++job.items.cached;
  }
}

JobReport JobTable::OnItemResult(model::RequestId id, std::size_t index, model::ItemResult result,
                                 base::Now now) {
  const auto found = jobs_.find(id);
  LLMBATCH_CHECK(found != jobs_.end() && index < found->second.results.size());
  Entry& job = found->second;
  LLMBATCH_CHECK(!job.results[index].has_value());
  Book(job, result.outcome);
  job.results[index] = std::move(result);

  JobReport report;
  if (job.items.done == job.items.total) {
    const bool all_failed = job.items.failed == job.items.total;
    const auto status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
    job.waiting_for.clear();
    report.progress = NextProgress(job, status, all_failed ? "failed" : "completed", now);
    report.result = Complete(job, now);
    by_job_id_.erase(job.job_id);
    jobs_.erase(found);
    return report;
  }
  job.unreported = true;
  if (now.steady >= job.last_progress + options_.progress_interval) {
    report.progress = NextProgress(job, model::JobStatus::kProcessing, "items", now);
  }
  return report;
}

void JobTable::CountCall(model::RequestId id) {
  if (const auto found = jobs_.find(id); found != jobs_.end()) ++found->second.calls;
}

void JobTable::SetWaitingFor(model::RequestId id, std::string_view reason) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end() || found->second.waiting_for == reason) return;
  found->second.waiting_for = std::string(reason);
  found->second.unreported = true;
}

std::vector<std::pair<model::RequestId, model::Progress>> JobTable::Due(base::Now now) {
  std::vector<std::pair<model::RequestId, model::Progress>> due;
  for (auto& [id, job] : jobs_) {
    if (!job.unreported || now.steady < job.last_progress + options_.progress_interval) continue;
    due.emplace_back(id, NextProgress(job, model::JobStatus::kProcessing, "items", now));
  }
  return due;
}

std::optional<base::Timestamp> JobTable::Deadline() const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [id, job] : jobs_) {
    if (!job.unreported) continue;
    const base::Timestamp due = job.last_progress + options_.progress_interval;
    deadline = deadline ? std::min(*deadline, due) : due;
  }
  return deadline;
}

void JobTable::Drop(model::RequestId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  by_job_id_.erase(found->second.job_id);
  jobs_.erase(found);
}

model::Progress JobTable::NextProgress(Entry& job, model::JobStatus status, std::string_view step,
                                       base::Now now) {
  job.unreported = false;
  job.last_progress = now.steady;
  model::Progress progress;
  progress.job_id = job.job_id;
  progress.user_id = job.user_id;
  progress.workflow = job.workflow;
  progress.status = status;
  progress.sequence = ++job.sequence;
  progress.step = std::string(step);
  progress.percent = static_cast<int>(job.items.done * 100 / job.items.total);
  progress.message =
      std::to_string(job.items.done) + " of " + std::to_string(job.items.total) + " items done";
  progress.items = job.items;
  progress.usage = job.usage;
  progress.cost = job.cost;
  progress.eta_seconds = EtaSeconds(job.items, now.steady - job.began);
  progress.waiting_for = job.waiting_for;
  progress.at = now.wall;
  return progress;
}

model::JobResult JobTable::Complete(Entry& job, base::Now now) {
  model::JobResult result;
  result.job_id = job.job_id;
  result.workflow = job.workflow;
  result.task = job.task;
  result.user_id = job.user_id;
  const bool all_failed = job.items.failed == job.items.total;
  result.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  result.partial = job.items.failed > 0 && !all_failed;
  result.items = job.items;
  result.usage = job.usage;
  result.cost = job.cost;
  result.calls = job.calls;
  result.total_time = now.steady - job.began;
  result.efficiency =
      job.calls == 0 ? 0 : static_cast<double>(job.generated) / static_cast<double>(job.calls);
  if (all_failed) result.error = job.results.front()->outcome.error;
  result.results.reserve(job.results.size());
  for (auto& each : job.results) result.results.push_back(std::move(*each));
  return result;
}

}  // namespace llmbatch::jobs
