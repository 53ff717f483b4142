#include "kafka/transactional_producer.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "kafka/errors.h"
#include "kafka/partition_list.h"
#include "kafka/produce.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using std::chrono::milliseconds;

// Of one wait inside librdkafka, so that a deadline of ours is noticed.
constexpr int kStepMillis = 1000;
constexpr int kReportMillis = 20;

base::Timestamp SteadyNow() { return runtime::ReadClock().steady; }

Settings SettingsOf(const TransactorOptions& options) {
  const std::int64_t transaction_ms = base::ToMillis(options.transaction_timeout);
  return Settings{.defaults = {{"linger.ms", "0"},
                               {"compression.type", options.compression},
                               // A message must be given up before its transaction is.
                               {"message.timeout.ms", std::to_string(transaction_ms * 5 / 6)}},
                  .guarantees = {{"transactional.id", options.transactional_id},
                                 {"transaction.timeout.ms", std::to_string(transaction_ms)},
                                 {"enable.idempotence", "true"},
                                 {"acks", "all"},
                                 {"message.max.bytes", std::to_string(options.max_message_bytes)}}};
}

}  // namespace

base::Result<std::unique_ptr<TransactionalProducer>> TransactionalProducer::Create(
    const TransactorOptions& options, std::shared_ptr<Reporter> reporter, Pulse& pulse,
    const std::atomic<bool>& give_up) {
  auto client = MakeProducer(options.connection, SettingsOf(options), "transactions", *reporter);
  if (!client) return client.error();
  std::unique_ptr<TransactionalProducer> producer(new TransactionalProducer(
      std::move(client).value(), options, std::move(reporter), pulse, give_up));
  const ErrorHandle error = producer->Persist(
      SteadyNow() + options.init_timeout,
      [](rd_kafka_s* kafka) { return rd_kafka_init_transactions(kafka, kStepMillis); });
  if (error) return ToError(rd_kafka_error_code(error.get()), "transactions can't be begun");
  return producer;
}

TransactionalProducer::TransactionalProducer(ClientHandle client, const TransactorOptions& options,
                                             std::shared_ptr<Reporter> reporter, Pulse& pulse,
                                             const std::atomic<bool>& give_up)
    : options_(options),
      reporter_(std::move(reporter)),
      pulse_(pulse),
      give_up_(give_up),
      client_(std::move(client)),
      queue_(rd_kafka_queue_get_main(client_.get())) {}

bool TransactionalProducer::Waits(base::Timestamp until) const {
  const base::Timestamp now = SteadyNow();
  pulse_.Progress(now);
  return !give_up_ && now < until;
}

template <typename F>
ErrorHandle TransactionalProducer::Persist(base::Timestamp until, F call) const {
  while (true) {
    ErrorHandle error(call(client_.get()));
    const bool again = error && rd_kafka_error_is_retriable(error.get()) != 0;
    if (!again || !Waits(until)) return error;
  }
}

ports::TransactionEnded TransactionalProducer::Run(
    const ports::RunTransaction& transaction,
    std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member) {
  ports::TransactionEnded ended{.commit = transaction.commit, .outcome = {}, .too_large = {}};
  if (const ErrorHandle error{rd_kafka_begin_transaction(client_.get())}) {
    ended.outcome = Judge(*error, "a transaction can't be begun");
    broken_ = true;
    return ended;
  }
  Outcome written = WriteRecords(transaction.records);
  ended.too_large = std::move(written.too_large);
  ended.outcome = std::move(written.result);
  if (ended.outcome && !transaction.offsets.empty()) {
    ended.outcome = SendOffsets(transaction.offsets, std::move(member));
  }
  if (ended.outcome) ended.outcome = Commit();
  if (!ended.outcome && !broken_) Abort();
  return ended;
}

TransactionalProducer::Outcome TransactionalProducer::WriteRecords(
    const std::vector<ports::PublishRecord>& records) {
  Outcome outcome;
  std::size_t open = 0;
  const base::Timestamp until = SteadyNow() + options_.transaction_timeout;
  for (const ports::PublishRecord& record : records) {
    // The report says by it which record it is about.
    void* const opaque = const_cast<ports::PublishRecord*>(&record);
    int code = Produce(*client_, *record.message, opaque, Copying::kValue);
    while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && Waits(until)) {
      TakeReports(open, outcome);
      code = Produce(*client_, *record.message, opaque, Copying::kValue);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++open;
    } else {
      OnReport(record, code, outcome);
    }
  }
  while (open > 0 && Waits(until)) TakeReports(open, outcome);
  if (open > 0) {
    // Its reports would be about records that are gone by then.
    broken_ = true;
    outcome.result = base::MakeError(base::ErrorKind::kTimeout,
                                     "kafka: a transaction's records were not acknowledged");
  }
  return outcome;
}

void TransactionalProducer::TakeReports(std::size_t& open, Outcome& outcome) {
  const EventHandle event(rd_kafka_queue_poll(queue_.get(), kReportMillis));
  if (!event) return;
  if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_ERROR) {
    const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
    if (EndsItsClient(*event)) broken_ = true;
    return reporter_->Report(ports::LogLevel::kWarning, NameOf(code),
                             NameOf(code) + ": " + rd_kafka_event_error_string(event.get()));
  }
  if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_DR) return;
  while (const rd_kafka_message_t* report = rd_kafka_event_message_next(event.get())) {
    --open;
    OnReport(*static_cast<const ports::PublishRecord*>(report->_private), report->err, outcome);
  }
}

void TransactionalProducer::OnReport(const ports::PublishRecord& record, int code,
                                     Outcome& outcome) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  base::Error error = ToError(code, "topic '" + record.message->topic + "'");
  if (error.kind == base::ErrorKind::kTooLarge) outcome.too_large.push_back(record.publish);
  // The first one is the cause, what follows is purged.
  if (outcome.result) outcome.result = std::move(error);
}

base::Result<void> TransactionalProducer::SendOffsets(
    const std::vector<ports::PartitionOffset>& offsets,
    std::shared_ptr<const rd_kafka_consumer_group_metadata_s> member) {
  // While the group's coordinator is away librdkafka knows no time limit here, so that this thread
  // must not wait inside.
  std::packaged_task<ErrorHandle()> task([client = client_, reporter = reporter_,
                                          list = PartitionListHandle(MakeList(offsets)),
                                          kept = std::move(member)] {
    return ErrorHandle(
        rd_kafka_send_offsets_to_transaction(client.get(), list.get(), kept.get(), 10'000));
  });
  std::future<ErrorHandle> sent = task.get_future();
  try {
    std::thread(std::move(task)).detach();
  } catch (const std::system_error&) {
    return base::MakeError(base::ErrorKind::kUnavailable, "kafka: no thread can be started");
  }
  const base::Timestamp until = SteadyNow() + options_.offsets_timeout;
  while (sent.wait_for(milliseconds(kReportMillis)) != std::future_status::ready) {
    if (Waits(until)) continue;
    broken_ = true;
    return base::MakeError(base::ErrorKind::kTimeout,
                           "kafka: the group's coordinator takes no offsets");
  }
  const ErrorHandle error = sent.get();
  if (!error) return {};
  return Judge(*error, "offsets can't be committed");
}

base::Result<void> TransactionalProducer::Commit() {
  // Once the end is asked for, only its answer tells whether the transaction was committed, however
  // long the coordinator is away. Asking again is harmless; whose time is over is fenced off.
  const ErrorHandle error = Persist(base::Timestamp::max(), [](rd_kafka_s* kafka) {
    return rd_kafka_commit_transaction(kafka, kStepMillis);
  });
  if (!error) return {};
  if (rd_kafka_error_is_retriable(error.get()) != 0) broken_ = true;
  return Judge(*error, "a transaction can't be committed");
}

void TransactionalProducer::Abort() {
  const ErrorHandle error =
      Persist(SteadyNow() + options_.transaction_timeout,
              [](rd_kafka_s* kafka) { return rd_kafka_abort_transaction(kafka, kStepMillis); });
  if (error) broken_ = true;
}

base::Error TransactionalProducer::Judge(const rd_kafka_error_s& error, const std::string& what) {
  if (rd_kafka_error_is_fatal(&error) != 0) broken_ = true;
  return ToError(rd_kafka_error_code(&error), what);
}

}  // namespace llmbatch::kafka
