#include "pipeline/job_commands.h"

#include <chrono>
#include <cstddef>
#include <utility>

#include "base/utf8.h"
#include "ledger/fingerprint.h"
#include "wire/request.h"
#include "wire/result.h"

namespace llmbatch::pipeline {
namespace {

using Kind = wire::JobCommand::Kind;

constexpr base::Duration kAskAgainInterval = std::chrono::seconds(1);
// A cancellation for a job that isn't known yet is asked again while it is of use.
constexpr base::Duration kCancelInAdvance = std::chrono::seconds(5);
constexpr std::size_t kRetryIdDigits = 12;

ports::Message MessageFor(const std::string& identity, std::string_view kind, std::string topic,
                          std::string key, std::string value) {
  return {.topic = std::move(topic),
          .key = std::move(key),
          .value = std::move(value),
          .headers = {{.name = "content-type", .value = "application/json"},
                      {.name = "llmbatch-id", .value = ledger::MessageId(identity, kind, 1)}}};
}

}  // namespace

void JobCommands::Ask(wire::JobCommand command, RecordId record, const model::Origin& origin,
                      base::Now now, ports::Commands& out) {
  Send({.command = std::move(command),
        .record = record,
        .identity = model::ToString(origin),
        .arrived = now.steady},
       now, out);
}

void JobCommands::AskAgain(base::Now now, ports::Commands& out) {
  while (!later_.empty() && later_.begin()->first <= now.steady) {
    Send(std::move(later_.extract(later_.begin()).mapped()), now, out);
  }
}

void JobCommands::Send(Pending pending, base::Now now, ports::Commands& out) {
  const model::JobRecordId id = ids_.Next();
  const bool cancel = pending.command.kind == Kind::kCancel;
  out.emplace_back(ports::CommandJobRecord{.command = id,
                                           .kind = cancel ? ports::CommandJobRecord::Kind::kCancel
                                                          : ports::CommandJobRecord::Kind::kRetry,
                                           .job_id = pending.command.job_id,
                                           .user_id = pending.command.user_id,
                                           .now = now.wall,
                                           .ttl = kCancelInAdvance});
  asked_.emplace(id, std::move(pending));
}

std::optional<base::Timestamp> JobCommands::Deadline() const {
  if (later_.empty()) return std::nullopt;
  return later_.begin()->first;
}

std::optional<JobCommands::Answer> JobCommands::OnCommanded(const ports::JobCommanded& event,
                                                            const Partitions& partitions,
                                                            base::Timestamp now) {
  auto node = asked_.extract(event.command);
  if (node.empty() || !partitions.Owns(node.mapped().record)) return std::nullopt;
  Pending& pending = node.mapped();
  const base::Duration waited = now - pending.arrived;
  const auto later = [&] {
    later_.emplace(now + kAskAgainInterval, std::move(pending));
    return std::nullopt;
  };
  if (!event.outcome) {
    if (waited < options_.max_wait) return later();
    return Refuse(pending, model::ErrorCode::kInternal, "the job's record can't be reached");
  }
  using State = ports::CommandedJob::State;
  const bool cancel = pending.command.kind == Kind::kCancel;
  switch (event.outcome->state) {
    case State::kUnknown:
      // The job's message may be on its way.
      if (cancel && waited < options_.unknown_job_after) return later();
      return Refuse(pending, model::ErrorCode::kUnknownJob, "there is no such job");
    case State::kOtherUser:
      return Refuse(pending, model::ErrorCode::kForbidden, "the job is another user's");
    case State::kIllegal:
      return Refuse(pending, model::ErrorCode::kInvalidMessage,
                    "the job is " + std::string(model::ToString(event.outcome->status)));
    case State::kDone:
      break;
  }
  if (!cancel) return Retry(pending, *event.outcome);
  return Answer{
      .record = pending.record, .message = std::nullopt, .job_id = pending.command.job_id};
}

JobCommands::Answer JobCommands::Refuse(const Pending& pending, model::ErrorCode code,
                                        std::string_view message) const {
  const std::string& job_id = pending.command.job_id;
  return {.record = pending.record,
          .message = MessageFor(pending.identity, "command_error", options_.topics.progress, job_id,
                                wire::EncodeCommandError(pending.command, code, message)),
          .job_id = job_id};
}

JobCommands::Answer JobCommands::Retry(const Pending& pending,
                                       const ports::CommandedJob& job) const {
  const std::string id =
      pending.command.job_id + "~" + ledger::Sha256Hex(pending.identity).substr(0, kRetryIdDigits);
  if (base::CountCodePoints(id) > wire::kMaxIdCodePoints) {
    return Refuse(pending, model::ErrorCode::kInvalidMessage,
                  "the job_id is too long for that of a retry");
  }
  auto value = wire::EncodeRetry(job.request, id);
  if (!value) return Refuse(pending, model::ErrorCode::kJobStateLost, "the job's message is lost");
  ports::Message message = MessageFor(pending.identity, "retry", job.topic, id, *std::move(value));
  message.headers.insert(message.headers.begin(),
                         {.name = "llmbatch-origin", .value = job.identity});
  return {
      .record = pending.record, .message = std::move(message), .job_id = pending.command.job_id};
}

}  // namespace llmbatch::pipeline
