// Pipeline, last part: from an outcome to messages.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/fingerprint.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "wire/headers.h"
#include "wire/result.h"
#include "wire/result_parts.h"

namespace llmbatch::pipeline {
namespace {

// What MakeMessage() adds, rounded up.
constexpr std::size_t kOwnHeadersBytes = 128;
// Beside a key that leaves less, hardly anything would be told by very many parts.
constexpr std::size_t kLeastPartBytes = 1'024;

ports::Message MakeMessage(std::string topic, const Envelope& envelope, std::string value,
                           std::string message_id) {
  ports::Message message{.topic = std::move(topic),
                         .key = envelope.key,
                         .value = std::move(value),
                         .headers = envelope.headers};
  message.headers.push_back({.name = "content-type", .value = "application/json"});
  message.headers.push_back({.name = "llmbatch-id", .value = std::move(message_id)});
  return message;
}

}  // namespace

const ports::Message* Pipeline::Publish(RecordId record, ports::Message message,
                                        Transactions::Company company) {
  if (transactions_) return transactions_->Add(partitions_, record, std::move(message), company);
  return outbox_.Publish(record, std::move(message), out_);
}

bool Pipeline::HasUnpublished() const {
  // What has finished without a message is told by a transaction, too.
  const bool unpublished =
      transactions_ ? !transactions_->empty() || partitions_.moved() : !outbox_.empty();
  return unpublished || ledger_writes_.is_storing() || !job_saves_.empty();
}

void Pipeline::PublishOutcome(Settled settled) {
  Request& request = settled.request;
  const RecordId record = request.envelope->record;
  if (request.job) LeaveJob(request);
  if (!partitions_.Owns(record)) return;
  if (request.job && request.job->collected) return KeepMember(std::move(settled));
  PublishResult(std::move(settled));
}

model::ItemResult Pipeline::ResultOf(const Settled& settled) {
  const Request& request = settled.request;
  return {.id = request.item.id,
          .task = request.item.task,
          .job_id = request.item.job_id,
          .outcome = settled.outcome,
          .queued = settled.queued,
          .origin = request.origin,
          .metadata_json = request.item.metadata_json};
}

void Pipeline::PublishResult(Settled settled) {
  const Request& request = settled.request;
  const RecordId record = request.envelope->record;
  model::ItemResult result = ResultOf(settled);
  std::string value = wire::EncodeItemResult(result);
  if (value.size() > RoomForValue(*request.envelope)) {
    result.outcome.status = model::ResultStatus::kError;
    result.outcome.output_json.clear();
    result.outcome.error =
        model::ItemError{.code = model::ErrorCode::kAnswerInvalid,
                         .message = "the result is larger than max_message_bytes",
                         .retryable = false,
                         .attempts = 1};
    value = wire::EncodeItemResult(result);
  }
  const model::ItemOutcome& outcome = result.outcome;
  Emit(Observed(
      ports::Metric::kResults, 1,
      {request.recipe ? result.task : "unknown", std::string(model::ToString(outcome.status)),
       std::string(model::ToString(outcome.source))}));
  if (outcome.error) {
    Emit(Observed(ports::Metric::kItemErrors, 1,
                  {request.recipe ? result.task : "unknown",
                   std::string(model::ToString(outcome.error->code))}));
  }
  Emit(Observed(ports::Metric::kStageSeconds, base::ToSeconds(now_.steady - request.arrived),
                {"total"}));

  if (request.job) {
    const auto job = open_jobs_.find(request.job->job);
    if (job == open_jobs_.end()) return;
    if (!job->second.workflow->publishes_steps())
      return OnStepResult(job->first, request.job->step, std::move(result));
    if (!request.job->collected) partitions_.Expect(record, 1);
  }
  const bool own_topic = request.recipe && !request.recipe->task().results_topic.empty();
  Publish(record,
          MakeMessage(own_topic ? request.recipe->task().results_topic : options_.topics.results,
                      *request.envelope, std::move(value),
                      ledger::MessageId(request.identity, "item_result", 1)));
  if (request.job) OnStepResult(request.job->job, request.job->step, std::move(result));
}

ports::Message Pipeline::ProgressMessage(const OpenJob& job, std::int64_t sequence,
                                         std::string event) const {
  Envelope keyed = *job.envelope;
  keyed.key = job.head.job_id;
  return MakeMessage(options_.topics.progress, keyed, std::move(event),
                     ledger::MessageId(job.identity, "progress", sequence));
}

std::size_t Pipeline::RoomForValue(const Envelope& envelope) const {
  const std::size_t taken =
      wire::RecordBytes(envelope.key, {}, envelope.headers) + kOwnHeadersBytes;
  return options_.limits.max_message_bytes - std::min(taken, options_.limits.max_message_bytes);
}

std::vector<ports::Message> Pipeline::JobResultMessages(const OpenJob& job,
                                                        std::string result) const {
  const auto message = [&](std::string value, std::string_view kind, std::int64_t number) {
    return MakeMessage(options_.topics.results, *job.envelope, std::move(value),
                       ledger::MessageId(job.identity, kind, number));
  };
  std::vector<ports::Message> messages;
  const std::size_t room = RoomForValue(*job.envelope);
  if (result.size() <= room || room < kLeastPartBytes) {
    messages.push_back(message(std::move(result), "job_result", 1));
    return messages;
  }
  std::int64_t number = 0;
  for (std::string& part : wire::EncodeResultParts(job.head.job_id, result, room)) {
    messages.push_back(message(std::move(part), "job_result_part", ++number));
  }
  return messages;
}

void Pipeline::PublishJobResult(RecordId record, std::vector<ports::Message> messages) {
  // One of them was expected from the beginning.
  if (messages.size() > 1) {
    partitions_.Expect(record, static_cast<std::int64_t>(messages.size()) - 1);
  }
  for (ports::Message& message : messages) Publish(record, std::move(message));
}

std::string Pipeline::EncodeResult(const model::JobResult& result) {
  Emit(Observed(ports::Metric::kJobs, 1,
                {result.workflow, std::string(model::ToString(result.status))}));
  Emit(Observed(ports::Metric::kJobSeconds, base::ToSeconds(result.total_time),
                {result.workflow, std::string(model::ToString(result.status))}));
  return wire::EncodeJobResult(result);
}

}  // namespace llmbatch::pipeline
