// Pipeline, last part: from an outcome to messages.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/fingerprint.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "wire/result.h"

namespace llmbatch::pipeline {
namespace {

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

void Pipeline::Publish(RecordId record, ports::Message message, Transactions::Company company) {
  if (transactions_) return transactions_->Add(partitions_, record, std::move(message), company);
  outbox_.Publish(record, std::move(message), out_);
}

bool Pipeline::HasUnpublished() const {
  // What has finished without a message is told by a transaction, too.
  const bool unpublished =
      transactions_ ? !transactions_->empty() || partitions_.moved() : !outbox_.empty();
  return unpublished || !stores_.empty();
}

void Pipeline::PublishOutcome(Settled settled) {
  Request& request = settled.request;
  const RecordId record = request.envelope->record;
  if (!partitions_.Owns(record)) return;

  model::ItemResult result{.id = std::move(request.item.id),
                           .task = request.item.task,
                           .job_id = request.item.job_id,
                           .outcome = std::move(settled.outcome),
                           .queued = settled.queued,
                           .origin = request.origin,
                           .metadata_json = std::move(request.item.metadata_json)};
  std::string value = wire::EncodeItemResult(result);
  if (value.size() > options_.limits.max_message_bytes) {
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

  const bool own_topic = request.recipe && !request.recipe->task().results_topic.empty();
  if (request.job) partitions_.Expect(record, 1);
  Publish(record,
          MakeMessage(own_topic ? request.recipe->task().results_topic : options_.topics.results,
                      *request.envelope, std::move(value),
                      ledger::MessageId(request.identity, "item_result", 1)));
  if (request.job && jobs_.Contains(request.job->job)) {
    PublishReport(request.job->job, jobs_.OnItemResult(request.job->job, request.job->index,
                                                       std::move(result), now_));
  }
}

void Pipeline::PublishReport(model::RequestId id, jobs::JobReport report) {
  const OpenJob& job = open_jobs_.at(id);
  if (report.progress) PublishProgress(job, *report.progress);
  if (!report.result) return;
  PublishJobResult(job, *report.result);
  open_jobs_.erase(id);
}

void Pipeline::PublishProgress(const OpenJob& job, const model::Progress& progress) {
  const RecordId record = job.envelope->record;
  if (!partitions_.Owns(record)) return;
  partitions_.Expect(record, 1);
  Envelope keyed = *job.envelope;
  keyed.key = progress.job_id;
  Publish(record, MakeMessage(options_.topics.progress, keyed, wire::EncodeProgress(progress),
                              ledger::MessageId(job.identity, "progress", progress.sequence)),
          Transactions::Company::kNone);
}

void Pipeline::PublishJobResult(const OpenJob& job, const model::JobResult& result) {
  const RecordId record = job.envelope->record;
  if (!partitions_.Owns(record)) return;
  std::string value = wire::EncodeJobResult(result);
  if (value.size() > options_.limits.max_message_bytes) {
    // The item results were published one by one already; the summary must not be lost with them.
    model::JobResult shortened = result;
    shortened.results.clear();
    shortened.error =
        model::ItemError{.code = model::ErrorCode::kInternal,
                         .message = "the results do not fit into one message; see the item results",
                         .retryable = false,
                         .attempts = 1};
    value = wire::EncodeJobResult(shortened);
  }
  Emit(Observed(ports::Metric::kJobs, 1,
                {result.workflow, std::string(model::ToString(result.status))}));
  Publish(record, MakeMessage(options_.topics.results, *job.envelope, std::move(value),
                              ledger::MessageId(job.identity, "job_result", 1)));
}

}  // namespace llmbatch::pipeline
