// Pipeline, the part of jobs that outlives this process: their records, and commands for them.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/check.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "wire/command.h"
#include "wire/request.h"
#include "wire/result.h"

namespace llmbatch::pipeline {
namespace {

// Longer than it takes a replica that goes on after a pause to notice what it has lost.
constexpr base::Duration kBeginAgainAfter = std::chrono::seconds(5);
constexpr int kMaxDoublings = 6;

}  // namespace

// ── the record is taken, then the job begins ─────────────────────────────────

void Pipeline::On(ports::JobRecordTaken& event) {
  const auto node = job_takes_.extract(event.take);
  if (node.empty()) return;
  const model::RequestId id = node.mapped();
  const auto found = open_jobs_.find(id);
  if (found == open_jobs_.end() || phase_ != Phase::kRunning) return;
  OpenJob& job = found->second;
  SetDegraded("jobs", !event.outcome.ok());
  // What has become of its items stands nowhere else, so it can't begin without.
  if (!event.outcome && job.collection) return RecordLater(id);
  if (!event.outcome) {
    // Without a record the job can't be looked up, and its story may be told anew from the start.
    jobs_.Reset(id);
    return StartJob(id);
  }
  ports::TakenJob& taken = *event.outcome;
  using State = ports::TakenJob::State;
  switch (taken.state) {
    case State::kOtherUser:
      return RefuseTaken(id, model::ErrorCode::kForbidden,
                         "the job_id belongs to a job of another user");
    case State::kOtherContent:
      return RefuseTaken(id, model::ErrorCode::kInvalidMessage,
                         "there is a job with this job_id and other content");
    case State::kEnded:
      return RepeatEnd(id, taken);
    case State::kNew:
    case State::kInterrupted:
      break;
  }
  job.epoch = taken.epoch;
  if (job.collection && taken.state == State::kInterrupted) job.collection->lost = false;
  if (!taken.event.empty()) {
    // It was kept before it was published, so perhaps nobody has seen it.
    partitions_.Expect(job.envelope->record, 1);
    telling_.insert_or_assign(
        Publish(job.envelope->record, ProgressMessage(job, taken.sequence, taken.event),
                Transactions::Company::kNone),
        id);
    jobs_.Resume(id, taken.sequence, taken.percent);
  }
  StartJob(id, taken.members);
  if (taken.cancel_requested) CancelJob(id);
}

void Pipeline::RefuseTaken(model::RequestId id, model::ErrorCode code, std::string message) {
  const auto node = open_jobs_.extract(id);
  jobs_.Drop(id);
  RefuseJob(node.mapped().head, node.mapped(), code, std::move(message));
  AskForItemsOf(node.mapped().head.job_id);
}

void Pipeline::RepeatEnd(model::RequestId id, ports::TakenJob& taken) {
  OpenJob& job = open_jobs_.at(id);
  if (taken.identity != job.steps_identity || taken.result.empty()) {
    // The same job was asked for once more, in a message of its own.
    partitions_.Acknowledge(job.envelope->record);
    jobs_.Drop(id);
    AskForItemsOf(open_jobs_.extract(id).mapped().head.job_id);
    return;
  }
  job.kept_end = KeptEnd{.sequence = taken.sequence,
                         .event = std::move(taken.event),
                         .result = std::move(taken.result),
                         .cancelled = taken.status == model::JobStatus::kCancelled};
  if (job.workflow->publishes_steps()) {
    AskSteps(id, job.workflow->Begin());
    // One that ended before it had its items has none to tell of.
    if (wire::ItemsTold(job.kept_end->event) > 0) FetchDocuments(id);
  }
  if (job.open_steps == 0 && !job.documents) PublishKeptEnd(id);
}

void Pipeline::PublishKeptEnd(model::RequestId id) {
  auto node = open_jobs_.extract(id);
  jobs_.Drop(id);
  const OpenJob& job = node.mapped();
  const RecordId record = job.envelope->record;
  KeptEnd end = *std::move(node.mapped().kept_end);
  partitions_.Expect(record, 1);
  Publish(record, ProgressMessage(job, end.sequence, std::move(end.event)),
          Transactions::Company::kNone);
  PublishJobResult(record, JobResultMessages(job, std::move(end.result)));
  AskForItemsOf(job.head.job_id);
}

const OpenJob* Pipeline::EndedJobOf(const Request& request) const {
  if (!request.job) return nullptr;
  const auto found = open_jobs_.find(request.job->job);
  return found == open_jobs_.end() || !found->second.kept_end ? nullptr : &found->second;
}

// ── what is told of it is kept first ─────────────────────────────────────────

void Pipeline::KeepAndPublish(model::RequestId id, const model::Progress& progress,
                              std::string result) {
  OpenJob& job = open_jobs_.at(id);
  const RecordId record = job.envelope->record;
  if (!partitions_.Owns(record)) return;
  std::string event = wire::EncodeProgress(progress);
  JobSave save = SaveFor(id);
  save.event = ProgressMessage(job, progress.sequence, event);
  partitions_.Expect(record, 1);
  if (!result.empty()) save.result = JobResultMessages(job, result);
  if (job.epoch == 0) return PublishKept(std::move(save));
  ports::SaveJobRecord command;
  command.status = progress.status;
  command.sequence = progress.sequence;
  command.percent = progress.percent;
  command.event = std::move(event);
  command.result = std::move(result);
  for (auto& [batch_id, json] : job.batches.TakeChanged())
    command.batches.push_back({.id = batch_id, .value = std::move(json)});
  Keep(std::move(save), std::move(command));
}

void Pipeline::Keep(JobSave save, ports::SaveJobRecord command) {
  const OpenJob& job = open_jobs_.at(save.job);
  command.save = job_record_ids_.Next();
  command.job_id = job.head.job_id;
  command.epoch = job.epoch;
  command.now = now_.wall;
  command.ttl = options_.job_ttl;
  job_saves_.emplace(command.save, std::move(save));
  Emit(std::move(command));
}

JobSave Pipeline::SaveFor(model::RequestId id) const {
  const OpenJob& job = open_jobs_.at(id);
  return {.job = id,
          .job_id = job.head.job_id,
          .message = {.record = job.message,
                      .envelope = job.envelope,
                      .identity = job.steps_identity,
                      .refusals = job.refusals},
          .event = {},
          .result = {},
          .members = {}};
}

void Pipeline::PublishKept(JobSave save) {
  const RecordId record = save.message.envelope->record;
  if (!partitions_.Owns(record)) return;
  if (save.event) {
    const auto* published = Publish(record, *std::move(save.event), Transactions::Company::kNone);
    if (open_jobs_.contains(save.job)) telling_.insert_or_assign(published, save.job);
  }
  PublishJobResult(record, std::move(save.result));
  for (Settled& settled : save.members) PublishResult(std::move(settled));
}

void Pipeline::OnToldToAll(const ports::Message* message) {
  const auto node = telling_.extract(message);
  if (node.empty()) return;
  const model::RequestId id = node.mapped();
  jobs_.Told(id);
  const auto job = open_jobs_.find(id);
  if (job != open_jobs_.end() && job->second.ending) EndJob(id);
}

void Pipeline::On(ports::JobRecordSaved& event) {
  auto node = job_saves_.extract(event.save);
  if (node.empty()) return;
  SetDegraded("jobs", !event.outcome.ok());
  const model::RequestId id = node.mapped().job;
  using State = ports::JobRecordSaved::State;
  if (event.outcome && *event.outcome == State::kRefused)
    return BeginAgainLater(std::move(node.mapped()));
  if (!event.outcome && !node.mapped().members.empty())
    return KeepAgainLater(std::move(node.mapped()));
  const auto job = open_jobs_.find(id);
  if (!event.outcome && job != open_jobs_.end()) job->second.batches.TellAll();
  const std::string job_id = node.mapped().job_id;
  PublishKept(std::move(node.mapped()));
  if (!open_jobs_.contains(id)) AskForItemsOf(job_id);
  if (event.outcome && *event.outcome == State::kCancelRequested) CancelJob(id);
}

void Pipeline::BeginAgainLater(JobSave save) {
  LetGoOf(save.job);
  GiveUpSave(save);
  // The others will be refused, too.
  for (auto it = job_saves_.begin(); it != job_saves_.end();) {
    if (it->second.job != save.job) {
      ++it;
      continue;
    }
    GiveUpSave(it->second);
    it = job_saves_.erase(it);
  }
  JobMessage& message = save.message;
  const RecordId record = message.envelope->record;
  if (!partitions_.Owns(record)) return;
  const std::int64_t held = transactions_ ? transactions_->DropHeld(record) : 0;
  for (std::int64_t i = 0; i < held; ++i) partitions_.Acknowledge(record);
  // The same job in two messages would go to and fro between them.
  const base::Duration wait = kBeginAgainAfter * (1 << std::min(message.refusals, kMaxDoublings));
  ++message.refusals;
  jobs_later_.emplace(now_.steady + wait, std::move(message));
}

void Pipeline::GiveUpSave(JobSave& save) {
  // What was to be told, and what was held back for the end, is made anew if the job is.
  if (save.event) partitions_.Acknowledge(save.message.envelope->record);
  for (Settled& settled : save.members) ReturnItem(std::move(settled.request));
}

void Pipeline::BeginJobsAgain() {
  while (!jobs_later_.empty() && jobs_later_.begin()->first <= now_.steady) {
    JobMessage message = std::move(jobs_later_.extract(jobs_later_.begin()).mapped());
    if (phase_ != Phase::kRunning || !partitions_.Owns(message.envelope->record)) continue;
    auto decoded = wire::DecodeRequest(*message.record, options_.limits.max_message_bytes);
    auto* job = std::get_if<model::Job>(&decoded);
    LLMBATCH_CHECK(job != nullptr);
    AcceptJob(std::move(*job), message);
  }
}

void Pipeline::LetGoOf(model::RequestId id) {
  auto node = open_jobs_.extract(id);
  if (node.empty()) return;
  jobs_.Drop(id);
  if (node.mapped().collection) {
    for (Settled& settled : node.mapped().collection->to_keep)
      ReturnItem(std::move(settled.request));
  }
  std::vector<model::RequestId> gone;
  for (auto& [step, request] : requests_) {
    if (!request.job || request.job->job != id) continue;
    request.abandoned = true;
    const bool under_way = request.stage == Stage::kInFlight || request.stage == Stage::kLookingUp;
    if (!under_way) gone.push_back(step);
  }
  for (const model::RequestId step : gone) Abandon(step);
  calls_.NoticeAbandoned();
}

// ── commands ─────────────────────────────────────────────────────────────────

void Pipeline::AcceptCommand(const ports::Record& record, RecordId id) {
  auto decoded = wire::DecodeCommand(record, options_.limits.max_message_bytes);
  if (const auto* malformed = std::get_if<wire::Malformed>(&decoded)) {
    Emit(Observed(ports::Metric::kRecords, 1, {"malformed"}));
    return DeadLetter(record, id, wire::ToString(malformed->reason), malformed->detail);
  }
  Emit(Observed(ports::Metric::kRecords, 1, {"command"}));
  commands_.Ask(std::get<wire::JobCommand>(std::move(decoded)), id,
                {.partition = record.partition, .offset = record.offset, .index = {}}, now_, out_);
}

void Pipeline::On(ports::JobCommanded& event) {
  auto answer = commands_.OnCommanded(event, partitions_, now_.steady);
  if (!answer) return;
  if (answer->message) {
    Publish(answer->record, *std::move(answer->message));
    return;
  }
  partitions_.Acknowledge(answer->record);
  if (const auto job = jobs_.Find(answer->job_id)) CancelJob(*job);
}

// ── a job is cancelled ───────────────────────────────────────────────────────

void Pipeline::On(ports::JobCancelRequested& event) {
  if (const auto job = jobs_.Find(event.job_id)) CancelJob(*job);
}

void Pipeline::CancelJob(model::RequestId id) {
  const auto found = open_jobs_.find(id);
  if (found == open_jobs_.end() || found->second.cancelled || found->second.ending) return;
  OpenJob& job = found->second;
  // One that has not begun yet is told of it when its record is taken.
  if (!job.started) return;
  job.cancelled = true;
  job.percent_at_cancel = job.workflow->standing().percent;
  std::vector<model::RequestId> steps;
  for (const auto& [step, request] : requests_) {
    if (request.job && request.job->job == id) steps.push_back(step);
  }
  std::sort(steps.begin(), steps.end());
  calls_.DoubtCallsOf(id);
  for (const model::RequestId step : steps) GiveUpStep(step);
  calls_.AbortOrphans(out_);
  // Steps whose outcome is on its way to the ledger end the job when it is there.
  const auto still = open_jobs_.find(id);
  if (still != open_jobs_.end() && still->second.open_steps == 0) EndJob(id);
}

void Pipeline::GiveUpStep(model::RequestId step) {
  auto node = requests_.extract(step);
  if (node.empty()) return;
  Request& request = node.mapped();
  GiveUp(request);
  model::ItemOutcome outcome =
      model::NeverAsked(model::ErrorCode::kCancelled, "the job was cancelled");
  outcome.usage = request.usage;
  outcome.cost = request.cost;
  outcome.cost_in_doubt = request.cost_in_doubt;
  PublishOutcome(
      Settled{.request = std::move(request), .outcome = std::move(outcome), .queued = {}});
}

}  // namespace llmbatch::pipeline
