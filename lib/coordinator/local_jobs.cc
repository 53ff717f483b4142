#include "coordinator/local_jobs.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace llmbatch::coordinator {
namespace {

using model::IsFinal;
using ports::CommandedJob;
using ports::JobRecordSaved;
using ports::TakenJob;

constexpr std::size_t kBytesToKeepOne = 1'000;

}  // namespace

LocalJobs::Record* LocalJobs::Find(const std::string& job_id, base::WallTime now) {
  const auto found = records_.find(job_id);
  if (found == records_.end()) return nullptr;
  if (found->second.expires > now) return &found->second;
  Drop(found->second.age);
  return nullptr;
}

LocalJobs::Record& LocalJobs::Make(const std::string& job_id) {
  Record& record = records_[job_id];
  record.age = by_age_.insert(by_age_.end(), job_id);
  return record;
}

void LocalJobs::Touch(const std::string& job_id, Record& record, base::WallTime expires) {
  record.expires = expires;
  bytes_ -= record.bytes;
  record.bytes = kBytesToKeepOne + 2 * job_id.size() + record.made.request.size() +
                 record.event.size() + record.result.size() + record.members_bytes;
  bytes_ += record.bytes;
  by_age_.splice(by_age_.end(), by_age_, record.age);
  const auto changed = record.age;
  while (bytes_ > max_bytes_ && by_age_.size() > 1) {
    auto victim = std::find_if(by_age_.begin(), changed, [this](const std::string& id) {
      return IsFinal(records_.at(id).status);
    });
    Drop(victim == changed ? by_age_.begin() : victim);
  }
}

void LocalJobs::Drop(std::list<std::string>::iterator age) {
  const auto found = records_.find(*age);
  bytes_ -= found->second.bytes;
  records_.erase(found);
  by_age_.erase(age);
}

TakenJob LocalJobs::Take(const ports::TakeJobRecord& command) {
  Record* record = Find(command.job_id, command.now);
  if (record == nullptr || record->made.user_id.empty()) {
    const bool cancel = record != nullptr && record->cancel == command.user_id;
    if (record == nullptr) record = &Make(command.job_id);
    record->made = command;
    record->cancel = cancel ? "1" : "";
    Touch(command.job_id, *record, command.now + command.ttl);
    return {.state = TakenJob::State::kNew,
            .epoch = 1,
            .identity = command.identity,
            .cancel_requested = cancel};
  }
  if (record->made.user_id != command.user_id) return {.state = TakenJob::State::kOtherUser};
  if (record->made.content != command.content) return {.state = TakenJob::State::kOtherContent};
  const bool ended = IsFinal(record->status);
  std::vector<ports::JobPart> members;
  if (!ended) {
    ++record->epoch;
    for (const auto& [id, value] : record->members) members.push_back({.id = id, .value = value});
    Touch(command.job_id, *record, command.now + command.ttl);
  }
  return {.state = ended ? TakenJob::State::kEnded : TakenJob::State::kInterrupted,
          .epoch = record->epoch,
          .sequence = record->sequence,
          .percent = record->percent,
          .event = record->event,
          .members = std::move(members),
          .status = record->status,
          .result = record->result,
          .identity = record->made.identity,
          .cancel_requested = !record->cancel.empty()};
}

JobRecordSaved::State LocalJobs::Save(const ports::SaveJobRecord& command) {
  Record* record = Find(command.job_id, command.now);
  if (record == nullptr || record->made.user_id.empty() || IsFinal(record->status) ||
      record->epoch != command.epoch) {
    return JobRecordSaved::State::kRefused;
  }
  for (const ports::JobPart& member : command.members) {
    std::string& kept = record->members[member.id];
    record->members_bytes += member.id.size() + member.value.size();
    if (!kept.empty()) record->members_bytes -= member.id.size() + kept.size();
    kept = member.value;
  }
  if (command.sequence != 0) {
    record->status = command.status;
    record->sequence = command.sequence;
    record->percent = command.percent;
    record->event = command.event;
  }
  if (!command.result.empty()) record->result = command.result;
  Touch(command.job_id, *record, command.now + command.ttl);
  const bool cancel = !IsFinal(command.status) && !record->cancel.empty();
  return cancel ? JobRecordSaved::State::kCancelRequested : JobRecordSaved::State::kSaved;
}

ports::ToldMember LocalJobs::Ask(const ports::AskJobMember& command) {
  using State = ports::ToldMember::State;
  const Record* record = Find(command.job_id, command.now);
  if (record == nullptr || record->made.user_id.empty()) return {};
  const auto member = record->members.find(command.member);
  return {.state = IsFinal(record->status) ? State::kEnded : State::kOpen,
          .status = record->status,
          .value = member == record->members.end() ? std::string() : member->second};
}

CommandedJob LocalJobs::Command(const ports::CommandJobRecord& command) {
  using Kind = ports::CommandJobRecord::Kind;
  Record* record = Find(command.job_id, command.now);
  if (record == nullptr || record->made.user_id.empty()) {
    if (command.kind == Kind::kCancel) {
      if (record == nullptr) record = &Make(command.job_id);
      record->cancel = command.user_id;
      Touch(command.job_id, *record, command.now + command.ttl);
    }
    return {.state = CommandedJob::State::kUnknown};
  }
  if (record->made.user_id != command.user_id) return {.state = CommandedJob::State::kOtherUser};
  const bool cancel = command.kind == Kind::kCancel;
  const bool legal = cancel ? !IsFinal(record->status)
                            : record->status == model::JobStatus::kFailed ||
                                  record->status == model::JobStatus::kCancelled;
  if (!legal) return {.state = CommandedJob::State::kIllegal, .status = record->status};
  if (cancel) {
    record->cancel = "1";
    return {.state = CommandedJob::State::kDone, .status = record->status};
  }
  return {.state = CommandedJob::State::kDone,
          .status = record->status,
          .request = record->made.request,
          .topic = record->made.topic,
          .identity = record->made.identity};
}

}  // namespace llmbatch::coordinator
