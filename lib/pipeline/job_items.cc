// Pipeline, the part of jobs whose items come in messages of their own: items find their job, their
// outcomes its record, and a job doesn't wait for ever.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "ledger/fingerprint.h"
#include "pipeline/pipeline.h"
#include "wire/member.h"

namespace llmbatch::pipeline {
namespace {

constexpr base::Duration kRecordAgainAfter = std::chrono::seconds(1);
// In one write of a job's record.
constexpr std::ptrdiff_t kMaxMembersPerSave = 500;

}  // namespace

// ── an item finds its job ────────────────────────────────────────────────────

void Pipeline::AcceptJobItem(ArrivedItem item) {
  if (item.envelope->key != item.item.job_id) {
    // Without it an item could be with a replica that never hears of the job.
    return RefuseItem(std::move(item), model::ErrorCode::kInvalidMessage,
                      "an item of a job must have the job_id as its key");
  }
  JoinJob(std::move(item));
}

void Pipeline::JoinJob(ArrivedItem item) {
  const auto id = jobs_.Find(item.item.job_id);
  const auto job = id ? open_jobs_.find(*id) : open_jobs_.end();
  const bool here =
      job != open_jobs_.end() && job->second.origin.partition == item.origin.partition;
  if (here && job->second.started) return Collect(job->first, std::move(item));
  const RecordId record = item.envelope->record;
  item.since = now_.steady;
  item.told = false;
  waiting_items_.Add(std::move(item));
  // A job that is here looks for them itself when it begins.
  if (!here) AskForItem(record);
}

void Pipeline::Collect(model::RequestId id, ArrivedItem item) {
  OpenJob& job = open_jobs_.at(id);
  if (!job.collection) {
    return RefuseItem(std::move(item), model::ErrorCode::kInvalidMessage,
                      "the job has all it needs in its own message");
  }
  Collection& collection = *job.collection;
  const auto known = collection.items.find(item.item.id);
  if (known != collection.items.end() && known->second.identity == item.identity) {
    if (auto kept = std::exchange(known->second.kept, {}))
      return RepeatItem(std::move(item), *std::move(kept));
    // The same message once more: what it leads to is in the ledger, or on its way there.
    return AcceptItem(std::move(item));
  }
  if (auto error = WhyNotTaken(job, item)) {
    return RefuseItem(std::move(item), error->code, std::move(error->message));
  }
  collection.items.emplace(item.item.id, Collection::Known{.identity = item.identity, .kept = {}});
  collection.last_moved = now_.steady;

  Request request = RequestOf(std::move(item));
  request.item.user_id = job.head.user_id;
  request.item.priority = job.head.priority;
  if (!request.item.deadline) request.item.deadline = job.head.deadline;
  request.job = JobMembership{.job = id,
                              .step = job.steps,
                              .last = collection.items.size() == collection.awaited,
                              .collected = true,
                              .cap = job.cap};
  request.recipe = job.recipe;
  // By the job and the item's id, not by its message: what was answered is found again when the
  // item is sent once more for a retry of the job.
  request.ledger_key = ledger::ReplayKey(job.steps_identity, "item/" + request.item.id,
                                         request.recipe->version(), request.item.input);
  request.content_key = ContentKeyOf(request);
  ++job.steps;
  ++job.open_steps;
  Begin(std::move(request));
}

std::optional<model::ItemError> Pipeline::WhyNotTaken(const OpenJob& job, const ArrivedItem& item) {
  const auto error = [](model::ErrorCode code, std::string message) {
    return model::ItemError{.code = code, .message = std::move(message)};
  };
  using enum model::ErrorCode;
  const Collection& collection = *job.collection;
  if (job.cancelled) return error(kCancelled, "the job was cancelled");
  if (job.ending || collection.closed) return error(kInvalidMessage, "the job has ended");
  if (!item.item.user_id.empty() && item.item.user_id != job.head.user_id)
    return error(kForbidden, "the job_id belongs to a job of another user");
  if (item.item.task != job.head.task)
    return error(kInvalidMessage, "the item's task is not that of its job");
  if (collection.items.contains(item.item.id))
    return error(kInvalidMessage, "the job has another item with this id");
  if (collection.items.size() >= collection.awaited)
    return error(kInvalidMessage, "the job has all its items already");
  return std::nullopt;
}

Request Pipeline::RequestOf(ArrivedItem item) {
  Request request;
  request.id = request_ids_.Next();
  request.item = std::move(item.item);
  request.origin = std::move(item.origin);
  request.identity = std::move(item.identity);
  request.envelope = std::move(item.envelope);
  const auto recipe = recipes_.find({.task = request.item.task, .route = {}});
  if (recipe != recipes_.end()) request.recipe = recipe->second;
  request.arrived = now_.steady;
  return request;
}

void Pipeline::RepeatItem(ArrivedItem item, model::ItemOutcome outcome) {
  PublishOutcome(
      Settled{.request = RequestOf(std::move(item)), .outcome = std::move(outcome), .queued = {}});
}

void Pipeline::RefuseItem(ArrivedItem item, model::ErrorCode code, std::string message) {
  RepeatItem(std::move(item), model::NeverAsked(code, std::move(message)));
}

void Pipeline::CollectWaiting(model::RequestId id) {
  const OpenJob& job = open_jobs_.at(id);
  for (ArrivedItem& item : waiting_items_.TakeOf(job.head.job_id, job.origin.partition))
    JoinJob(std::move(item));
}

void Pipeline::ReturnItem(Request request) {
  // Of a job that goes on without it, or that others go on with, nothing is left to do here.
  if (phase_ != Phase::kRunning || open_jobs_.contains(request.job->job) ||
      !partitions_.Owns(request.envelope->record)) {
    return;
  }
  JoinJob({.item = std::move(request.item),
           .origin = std::move(request.origin),
           .identity = std::move(request.identity),
           .envelope = std::move(request.envelope),
           .since = {}});
}

// ── or asks for it ───────────────────────────────────────────────────────────

void Pipeline::AskForItem(RecordId record) {
  const ArrivedItem* item = waiting_items_.Find(record);
  if (item == nullptr) return;
  const model::JobRecordId ask = job_record_ids_.Next();
  member_asks_.emplace(ask, record);
  Emit(ports::AskJobMember{
      .ask = ask, .job_id = item->item.job_id, .member = item->item.id, .now = now_.wall});
}

void Pipeline::AskForItemsOf(const std::string& job_id) {
  for (const RecordId record : waiting_items_.Of(job_id)) AskForItem(record);
}

void Pipeline::On(ports::JobMemberTold& event) {
  const auto node = member_asks_.extract(event.ask);
  if (node.empty() || phase_ != Phase::kRunning) return;
  const RecordId record = node.mapped();
  ArrivedItem* item = waiting_items_.Find(record);
  if (item == nullptr) return;
  SetDegraded("jobs", !event.outcome.ok());
  if (!event.outcome) {
    asks_later_.emplace(now_.steady + kRecordAgainAfter, record);
    return;
  }
  const ports::ToldMember& told = *event.outcome;
  auto kept = wire::DecodeMember(told.value);
  if (kept && kept->identity == item->identity) {
    // It ended in an earlier life of the job.
    return RepeatItem(*waiting_items_.Take(record), std::move(kept->result.outcome));
  }
  item->told = true;
  if (told.state != ports::ToldMember::State::kEnded) return;
  const bool cancelled = told.status == model::JobStatus::kCancelled;
  RefuseItem(*waiting_items_.Take(record),
             cancelled ? model::ErrorCode::kCancelled : model::ErrorCode::kInvalidMessage,
             cancelled ? "the job was cancelled" : "the job has ended");
}

void Pipeline::ExpireWaitingItems() {
  for (ArrivedItem& item : waiting_items_.TakeSince(now_.steady - options_.items_timeout)) {
    if (!item.told || jobs_.Find(item.item.job_id)) {
      // While the records of jobs can't be reached nobody knows.
      JoinJob(std::move(item));
      continue;
    }
    RefuseItem(std::move(item), model::ErrorCode::kUnknownJob,
               "no job with this job_id came within items_timeout");
  }
}

// ── its outcome is kept before it is told ────────────────────────────────────

void Pipeline::TakeMembers(model::RequestId id, const std::vector<ports::JobPart>& members) {
  OpenJob& job = open_jobs_.at(id);
  Collection& collection = *job.collection;
  for (const ports::JobPart& part : members) {
    auto member = wire::DecodeMember(part.value);
    if (!member || member->result.id != part.id || collection.items.size() >= collection.awaited)
      continue;
    const model::ItemOutcome& outcome = member->result.outcome;
    collection.items.emplace(
        part.id, Collection::Known{.identity = std::move(member->identity), .kept = outcome});
    jobs_.Book(id, outcome);
    if (job.cap && outcome.cost) job.cap->Spend(*outcome.cost);
    job.workflow->OnOutcome(job.steps++, std::move(member->result));
  }
}

void Pipeline::KeepMember(Settled settled) {
  const auto job = open_jobs_.find(settled.request.job->job);
  if (job == open_jobs_.end()) return ReturnItem(std::move(settled.request));
  job->second.collection->to_keep.push_back(std::move(settled));
  to_keep_.insert(job->first);
}

void Pipeline::KeepMembers() {
  for (const model::RequestId id : std::exchange(to_keep_, {})) {
    const auto job = open_jobs_.find(id);
    if (job == open_jobs_.end()) continue;
    std::vector<Settled> all = std::exchange(job->second.collection->to_keep, {});
    for (auto begin = all.begin(); begin != all.end();) {
      const auto end = begin + std::min(all.end() - begin, kMaxMembersPerSave);
      SaveMembers(id, {std::make_move_iterator(begin), std::make_move_iterator(end)});
      begin = end;
    }
  }
}

void Pipeline::SaveMembers(model::RequestId id, std::vector<Settled> members) {
  ports::SaveJobRecord command;
  command.status = model::JobStatus::kProcessing;
  for (const Settled& settled : members) {
    command.members.push_back({.id = settled.request.item.id,
                               .value = wire::EncodeMember({.identity = settled.request.identity,
                                                            .result = ResultOf(settled)})});
  }
  JobSave save = SaveFor(id);
  save.members = std::move(members);
  Keep(std::move(save), std::move(command));
}

void Pipeline::KeepAgainLater(JobSave save) {
  const auto job = open_jobs_.find(save.job);
  for (Settled& settled : save.members) {
    if (job == open_jobs_.end()) {
      ReturnItem(std::move(settled.request));
    } else {
      job->second.collection->to_keep.push_back(std::move(settled));
    }
  }
  if (job != open_jobs_.end()) RecordLater(save.job);
}

void Pipeline::RecordLater(model::RequestId job) {
  records_later_.emplace(now_.steady + kRecordAgainAfter, job);
}

void Pipeline::AskRecordsAgain() {
  while (!records_later_.empty() && records_later_.begin()->first <= now_.steady) {
    const model::RequestId id = records_later_.extract(records_later_.begin()).mapped();
    const auto job = open_jobs_.find(id);
    if (job == open_jobs_.end()) continue;
    if (job->second.started) {
      to_keep_.insert(id);
    } else if (phase_ == Phase::kRunning) {
      TakeJob(id);
    }
  }
  while (!asks_later_.empty() && asks_later_.begin()->first <= now_.steady)
    AskForItem(asks_later_.extract(asks_later_.begin()).mapped());
}

// ── what never comes ─────────────────────────────────────────────────────────

void Pipeline::CloseCollections() {
  std::vector<model::RequestId> over;
  for (auto& [id, job] : open_jobs_) {
    const bool awaits = job.collection && job.started && !job.cancelled && !job.ending &&
                        job.collection->items.size() < job.collection->awaited;
    if (!awaits || job.collection->closed) continue;
    // Its items may lie behind what keeps the partition from being read.
    const base::Duration patience =
        options_.items_timeout +
        (partitions_.IsPaused(job.origin.partition) ? options_.max_wait : base::Duration{});
    const bool late = job.open_steps == 0 && now_.steady >= job.collection->last_moved + patience;
    const bool overdue = job.head.deadline && *job.head.deadline <= now_.wall;
    if (!late && !overdue) continue;
    job.collection->closed = true;
    if (job.open_steps == 0) over.push_back(id);
  }
  for (const model::RequestId id : over) EndJob(id);
}

model::ItemError Pipeline::WhyItemsAreMissing(const Collection& collection) {
  if (collection.lost) {
    return model::ErrorOf(model::ErrorCode::kJobStateLost,
                          "what had become of the other items is not known any more");
  }
  return model::ErrorOf(
      model::ErrorCode::kItemsMissing,
      std::to_string(collection.awaited - collection.items.size()) + " items never came");
}

}  // namespace llmbatch::pipeline
