// Pipeline, first part: from a record to requests.
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "ledger/fingerprint.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "wire/dead_letter.h"
#include "wire/headers.h"
#include "wire/request.h"

namespace llmbatch::pipeline {
namespace {

model::Origin OriginOf(const ports::Record& record) {
  return model::Origin{.partition = record.partition, .offset = record.offset, .index = {}};
}

}  // namespace

void Pipeline::On(ports::RecordReceived& event) {
  const ports::Record& record = event.record;
  if (phase_ != Phase::kRunning) return;
  if (partitions_.IsBelowStart(record)) BeginAnew(record);
  const auto id = partitions_.Begin(record, now_.steady);
  if (!id) return;
  if (record.partition.topic == options_.topics.control) return AcceptCommand(record, *id);
  auto envelope = std::make_shared<const Envelope>(
      Envelope{.record = *id, .key = record.key, .headers = wire::CarriedHeaders(record.headers)});
  const model::Origin origin = OriginOf(record);
  std::string identity = wire::ReadOrigin(record.headers).value_or(model::ToString(origin));

  const auto binding = options_.topics.bindings.find(record.partition.topic);
  wire::Decoded decoded =
      binding == options_.topics.bindings.end()
          ? wire::DecodeRequest(record, options_.limits.max_message_bytes)
          : wire::DecodeBound(record, binding->second, options_.limits.max_message_bytes);
  if (auto* item = std::get_if<model::Item>(&decoded)) {
    Emit(Observed(ports::Metric::kRecords, 1, {"item"}));
    ArrivedItem arrived{.item = std::move(*item),
                        .origin = origin,
                        .identity = std::move(identity),
                        .envelope = std::move(envelope),
                        .since = now_.steady};
    if (!arrived.item.job_id.empty()) return AcceptJobItem(std::move(arrived));
    AcceptItem(std::move(arrived));
  } else if (auto* job = std::get_if<model::Job>(&decoded)) {
    Emit(Observed(ports::Metric::kRecords, 1, {"job"}));
    AcceptJob(std::move(*job),
              {.record = std::make_shared<const ports::Record>(std::move(event.record)),
               .envelope = std::move(envelope),
               .identity = std::move(identity)});
  } else {
    const auto& malformed = std::get<wire::Malformed>(decoded);
    Emit(Observed(ports::Metric::kRecords, 1, {"malformed"}));
    DeadLetter(record, *id, wire::ToString(malformed.reason), malformed.detail);
  }
}

void Pipeline::BeginAnew(const ports::Record& record) {
  Emit(ports::LogLine{
      .level = ports::LogLevel::kError,
      .message = "a record lies below the committed offset: was the topic made anew? All is read",
      .fields = {{"topic", record.partition.topic},
                 {"partition", std::to_string(record.partition.partition)},
                 {"offset", std::to_string(record.offset)}}});
  AbandonRequests({record.partition});
  partitions_.Restart(record);
  ForgetStrangers();
}

void Pipeline::AcceptItem(ArrivedItem item) {
  Request request = RequestOf(std::move(item));
  if (!request.recipe) {
    PublishOutcome(Settled{
        .request = std::move(request),
        .outcome = model::NeverAsked(model::ErrorCode::kUnknownTask, "no such task is configured"),
        .queued = {}});
    return;
  }
  request.ledger_key =
      ledger::ReplayKey(request.identity, "item", request.recipe->version(), request.item.input);
  request.content_key = ContentKeyOf(request);
  Begin(std::move(request));
}

void Pipeline::DeadLetter(const ports::Record& record, RecordId id, std::string_view reason,
                          std::string_view detail) {
  Publish(id, LetterFor(record, model::ToString(OriginOf(record)), reason, detail,
                        /*keeps_value=*/true));
}

ports::Message Pipeline::LetterFor(const ports::Record& record, const std::string& identity,
                                   std::string_view reason, std::string_view detail,
                                   bool keeps_value) {
  Emit(Observed(ports::Metric::kDeadLetters, 1, {std::string(reason)}));
  const wire::DeadLetterOptions options{
      .at = now_.wall,
      .attempts = 1,
      .max_bytes = options_.limits.max_message_bytes,
      .sha256_hex = ledger::Sha256Hex(record.value.value_or(std::string())),
      .keeps_value = keeps_value};
  wire::DeadLetter letter = wire::EncodeDeadLetter(record, reason, detail, options);
  letter.headers.push_back(
      {.name = "llmbatch-id", .value = ledger::MessageId(identity, "dead_letter", 1)});
  return {.topic = options_.topics.dead_letters,
          .key = std::move(letter.key),
          .value = std::move(letter.value),
          .headers = std::move(letter.headers)};
}

}  // namespace llmbatch::pipeline
