#include "jobs/job_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace llmbatch::jobs {
namespace {

constexpr int kWholePercent = 100;

// Before something has ended there is nothing to extrapolate from.
std::optional<std::int64_t> EtaSeconds(const Standing& standing, base::Duration elapsed) {
  const model::ItemCounts& items = standing.items;
  double left = 0;
  if (items.done > 0 && items.done < items.total) {
    left = static_cast<double>(items.total - items.done) / static_cast<double>(items.done);
  } else if (items.done == 0 && standing.percent > 0 && standing.percent < kWholePercent) {
    left = static_cast<double>(kWholePercent - standing.percent) / standing.percent;
  } else {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(base::ToSeconds(elapsed) * left + 0.5);
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

void JobTable::Begin(model::RequestId id, const model::Job& job, std::string content,
                     const Standing& standing, base::Now now) {
  LLMBATCH_CHECK(!by_job_id_.contains(job.job_id));
  Entry entry;
  entry.job_id = job.job_id;
  entry.workflow = job.workflow;
  entry.task = job.task;
  entry.user_id = job.user_id;
  entry.content = std::move(content);
  entry.standing = standing;
  entry.began = now.steady;
  jobs_.emplace(id, std::move(entry));
  by_job_id_.emplace(job.job_id, id);
}

void JobTable::Resume(model::RequestId id, std::int64_t sequence, int percent) {
  Entry& job = jobs_.at(id);
  job.sequence = sequence;
  job.standing.percent = std::max(job.standing.percent, percent);
  job.percent_told = job.standing.percent;
  job.telling = true;
}

void JobTable::Reset(model::RequestId id) { jobs_.at(id).reset = true; }

std::optional<model::Progress> JobTable::Start(model::RequestId id, const Standing& standing,
                                               base::Now now) {
  Entry& job = jobs_.at(id);
  job.started = true;
  job.facts_due = standing.facts.empty();
  Take(job, standing);
  job.unreported = job.urgent = true;
  if (job.telling) return std::nullopt;
  return NextProgress(job, model::JobStatus::kProcessing, now);
}

void JobTable::Book(model::RequestId id, const model::ItemOutcome& outcome) {
  Totals& totals = jobs_.at(id).totals;
  totals.usage += outcome.usage;
  model::Add(totals.cost, outcome.cost);
  model::Add(totals.cost_in_doubt, outcome.cost_in_doubt);
}

void JobTable::CountCall(model::RequestId id) {
  if (const auto found = jobs_.find(id); found != jobs_.end()) ++found->second.totals.calls;
}

void JobTable::Take(Entry& job, const Standing& standing) {
  const int before = job.standing.percent;
  job.standing = standing;
  job.standing.percent = std::clamp(standing.percent, before, kWholePercent);
  job.urgent = job.urgent || HasUntold(job);
}

std::optional<base::Timestamp> JobTable::DueAt(const Entry& job) const {
  if (!job.unreported || job.telling) return std::nullopt;
  return job.urgent ? job.last_progress : job.last_progress + options_.progress_interval;
}

std::optional<model::Progress> JobTable::Advance(model::RequestId id, const Standing& standing,
                                                 base::Now now) {
  Entry& job = jobs_.at(id);
  job.urgent = job.urgent || standing.step != job.standing.step;
  Take(job, standing);
  job.unreported = true;
  const auto due = DueAt(job);
  if (!due || now.steady < *due) return std::nullopt;
  return NextProgress(job, model::JobStatus::kProcessing, now);
}

void JobTable::Told(model::RequestId id) {
  if (const auto found = jobs_.find(id); found != jobs_.end()) found->second.telling = false;
}

void JobTable::SetWaitingFor(model::RequestId id, std::string_view reason) {
  Entry& job = jobs_.at(id);
  if (!job.started || job.waiting_for == reason) return;
  job.waiting_for = std::string(reason);
  job.unreported = true;
}

std::vector<std::pair<model::RequestId, model::Progress>> JobTable::Due(base::Now now) {
  std::vector<std::pair<model::RequestId, model::Progress>> due;
  for (auto& [id, job] : jobs_) {
    const auto at = DueAt(job);
    if (at && now.steady >= *at)
      due.emplace_back(id, NextProgress(job, model::JobStatus::kProcessing, now));
  }
  return due;
}

std::optional<base::Timestamp> JobTable::Deadline() const {
  std::optional<base::Timestamp> deadline;
  for (const auto& [id, job] : jobs_) {
    const auto at = DueAt(job);
    if (at) deadline = deadline ? std::min(*deadline, *at) : at;
  }
  return deadline;
}

Totals JobTable::TotalsOf(model::RequestId id, base::Now now) const {
  const Entry& job = jobs_.at(id);
  Totals totals = job.totals;
  totals.elapsed = now.steady - job.began;
  return totals;
}

FinalReport JobTable::End(model::RequestId id, const Standing& standing, Ending ending,
                          base::Now now) {
  Entry& job = jobs_.at(id);
  LLMBATCH_CHECK(!job.telling);
  Take(job, standing);
  job.standing.step = std::string(model::ToString(ending.status));
  job.waiting_for.clear();
  FinalReport report{.progress = NextProgress(job, ending.status, now), .result = {}};
  model::JobResult& result = report.result;
  result.job_id = job.job_id;
  result.workflow = job.workflow;
  result.task = job.task;
  result.user_id = job.user_id;
  result.status = ending.status;
  result.partial = ending.partial;
  result.results = std::move(ending.results);
  result.items = job.standing.items;
  result.usage = job.totals.usage;
  result.cost = job.totals.cost;
  result.cost_in_doubt = job.totals.cost_in_doubt;
  result.calls = job.totals.calls;
  result.total_time = now.steady - job.began;
  result.efficiency = ending.efficiency;
  result.summary = std::move(ending.summary);
  result.error = std::move(ending.error);
  Drop(id);
  return report;
}

std::optional<model::RequestId> JobTable::Find(std::string_view job_id) const {
  const auto found = by_job_id_.find(job_id);
  return found == by_job_id_.end() ? std::nullopt : std::optional(found->second);
}

void JobTable::Drop(model::RequestId id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  by_job_id_.erase(found->second.job_id);
  jobs_.erase(found);
}

model::Progress JobTable::NextProgress(Entry& job, model::JobStatus status, base::Now now) {
  job.telling = true;
  const jobs::Stage* stage = nullptr;
  if (status == model::JobStatus::kProcessing && HasUntold(job))
    stage = &job.standing.stages[job.stages_told++];
  // What follows a stage is told behind it.
  job.unreported = job.urgent =
      stage != nullptr && (HasUntold(job) || stage->step != job.standing.step);
  job.last_progress = now.steady;
  model::Progress progress;
  progress.job_id = job.job_id;
  progress.user_id = job.user_id;
  progress.workflow = job.workflow;
  progress.status = status;
  progress.sequence = ++job.sequence;
  progress.step = stage != nullptr ? stage->step : job.standing.step;
  job.percent_told =
      std::max(job.percent_told, stage != nullptr ? stage->percent : job.standing.percent);
  progress.percent = job.percent_told;
  progress.message = job.standing.message;
  if (progress.sequence == 1 || job.reset || job.facts_due) progress.facts = job.standing.facts;
  job.facts_due = job.facts_due && progress.facts.empty();
  progress.items = job.standing.items;
  progress.usage = job.totals.usage;
  progress.cost = job.totals.cost;
  progress.cost_in_doubt = job.totals.cost_in_doubt;
  if (status == model::JobStatus::kProcessing)
    progress.eta_seconds = EtaSeconds(job.standing, now.steady - job.began);
  progress.waiting_for = job.waiting_for;
  progress.reset = std::exchange(job.reset, false);
  progress.at = now.wall;
  return progress;
}

}  // namespace llmbatch::jobs
