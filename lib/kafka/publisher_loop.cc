#include "kafka/publisher_loop.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <string>
#include <utility>

#include "kafka/errors.h"
#include "kafka/produce.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using std::chrono::seconds;

constexpr base::Duration kIdlePoll = seconds(1);
constexpr base::Duration kFirstRebuildDelay = seconds(1);
constexpr base::Duration kMaxRebuildDelay = seconds(60);
constexpr std::size_t kMaxGathered = 1000;

Settings SettingsOf(const PublisherOptions& options) {
  return Settings{
      .defaults = {{"linger.ms", std::to_string(base::ToMillis(options.linger))},
                   {"compression.type", options.compression},
                   {"message.timeout.ms", std::to_string(base::ToMillis(options.delivery_timeout))},
                   {"queue.buffering.max.messages", std::to_string(options.max_queued_records)},
                   {"queue.buffering.max.kbytes",
                    std::to_string(std::max<std::int64_t>(1, options.max_queued_bytes >> 10))},
                   {"partitioner", "murmur2_random"}},
      .guarantees = {{"enable.idempotence", "true"},
                     {"acks", "all"},
                     {"message.max.bytes", std::to_string(options.max_message_bytes)}}};
}

base::Timestamp SteadyNow() { return runtime::ReadClock().steady; }

base::Error GivenUp() {
  return base::MakeError(base::ErrorKind::kAborted, "the publisher has ended");
}

}  // namespace

base::Result<std::unique_ptr<PublisherLoop>> PublisherLoop::Create(PublisherOptions options,
                                                                   runtime::Inbox& inbox) {
  std::unique_ptr<PublisherLoop> loop(new PublisherLoop(std::move(options), inbox));
  auto producer = loop->MakeProducer();
  if (!producer) return producer.error();
  loop->producer_ = std::move(producer).value();
  return loop;
}

PublisherLoop::PublisherLoop(PublisherOptions options, runtime::Inbox& inbox)
    : options_(std::move(options)),
      inbox_(inbox),
      reporter_(options_.connection.log, "publisher"),
      rebuild_delay_(kFirstRebuildDelay) {}

base::Result<PublisherLoop::Producer> PublisherLoop::MakeProducer() {
  auto client =
      kafka::MakeProducer(options_.connection, SettingsOf(options_), "publisher", reporter_);
  if (!client) return client.error();
  Producer producer{.client = std::move(client).value(), .queue = {}};
  producer.queue.reset(rd_kafka_queue_get_main(producer.client.get()));
  return producer;
}

// ── from other threads ───────────────────────────────────────────────────────

void PublisherLoop::Publish(std::vector<ports::PublishRecord> records) {
  if (records.empty()) return;
  const std::lock_guard lock(mutex_);
  if (ended_) {
    std::vector<ports::Event> events;
    for (const ports::PublishRecord& each : records) {
      events.emplace_back(ports::RecordPublished{each.publish, GivenUp()});
    }
    inbox_.PostAll(std::move(events));
    return;
  }
  if (handed_over_.empty()) rd_kafka_queue_yield(producer_.queue.get());
  handed_over_.insert(handed_over_.end(), std::make_move_iterator(records.begin()),
                      std::make_move_iterator(records.end()));
}

void PublisherLoop::RequestStop(base::Duration flush_timeout) {
  const std::lock_guard lock(mutex_);
  stop_by_ = SteadyNow() + flush_timeout;
  if (!ended_) rd_kafka_queue_yield(producer_.queue.get());
}

// ── the loop ─────────────────────────────────────────────────────────────────

void PublisherLoop::Run() {
  while (true) {
    const base::Timestamp now = SteadyNow();
    pulse_.Progress(now);
    TakeRecords();
    if (rebuild_at_ && now >= *rebuild_at_) Rebuild(now);
    SendWaiting(now);
    {
      const std::lock_guard lock(mutex_);
      const bool idle = waiting_.empty() && sent_.empty() && handed_over_.empty();
      if (stop_by_ && (idle || now >= *stop_by_)) break;
    }
    Gather(now);
    inbox_.PostAll(std::exchange(events_, {}));
  }
  End();
}

void PublisherLoop::TakeRecords() {
  std::vector<ports::PublishRecord> records;
  {
    const std::lock_guard lock(mutex_);
    records.swap(handed_over_);
  }
  for (ports::PublishRecord& each : records) {
    waiting_.push_back(Pending{.record = std::move(each), .self = {}});
    waiting_.back().self = std::prev(waiting_.end());
  }
}

void PublisherLoop::SendWaiting(base::Timestamp now) {
  while (!waiting_.empty() && !rebuild_at_) {
    Pending& pending = waiting_.front();
    const int code =
        Produce(*producer_.client, *pending.record.message, &pending, Copying::kNothing);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return;
    if (code == RD_KAFKA_RESP_ERR__FATAL) return Break(now);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      sent_.splice(sent_.end(), waiting_, pending.self);
    } else {
      Answer(pending, ToError(code, "topic '" + pending.record.message->topic + "'"));
      waiting_.pop_front();
    }
  }
}

void PublisherLoop::Gather(base::Timestamp now) {
  base::Duration timeout = kIdlePoll;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& deadline : {rebuild_at_, stop_by_}) {
      if (deadline) timeout = std::clamp(*deadline - now, base::Duration(0), timeout);
    }
  }
  // Rounded up to the next millisecond, or the last one would be spent spinning.
  int timeout_ms = static_cast<int>(base::ToMillis(timeout)) + 1;
  while (events_.size() < kMaxGathered) {
    const EventHandle event(rd_kafka_queue_poll(producer_.queue.get(), timeout_ms));
    if (!event) return;
    timeout_ms = 0;
    switch (rd_kafka_event_type(event.get())) {
      case RD_KAFKA_EVENT_DR:
        OnReports(*event, now);
        break;
      case RD_KAFKA_EVENT_ERROR:
        OnError(*event, now);
        break;
      default:
        break;
    }
  }
}

void PublisherLoop::OnReports(rd_kafka_op_s& event, base::Timestamp now) {
  while (const rd_kafka_message_t* report = rd_kafka_event_message_next(&event)) {
    auto& pending = *static_cast<Pending*>(report->_private);
    if (report->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rebuild_delay_ = kFirstRebuildDelay;
      Answer(pending, {});
    } else if (rd_kafka_fatal_error(producer_.client.get(), nullptr, 0) !=
               RD_KAFKA_RESP_ERR_NO_ERROR) {
      // The producer's end, not the record's: the next producer sends it.
      Break(now);
      continue;
    } else {
      Answer(pending, ToError(report->err, "topic '" + pending.record.message->topic + "'"));
    }
    sent_.erase(pending.self);
  }
}

void PublisherLoop::OnError(rd_kafka_op_s& event, base::Timestamp now) {
  const rd_kafka_resp_err_t code = rd_kafka_event_error(&event);
  const bool fatal = EndsItsClient(event);
  reporter_.Report(fatal ? ports::LogLevel::kError : ports::LogLevel::kWarning, NameOf(code),
                   NameOf(code) + ": " + rd_kafka_event_error_string(&event));
  if (fatal) Break(now);
}

void PublisherLoop::Answer(const Pending& pending, base::Result<void> outcome) {
  events_.emplace_back(
      ports::RecordPublished{.publish = pending.record.publish, .outcome = std::move(outcome)});
}

void PublisherLoop::Break(base::Timestamp now) {
  if (rebuild_at_) return;
  pulse_.Broken();
  rebuild_at_ = now + rebuild_delay_;
  rebuild_delay_ = std::min(rebuild_delay_ * 2, kMaxRebuildDelay);
}

void PublisherLoop::Rebuild(base::Timestamp now) {
  auto fresh = MakeProducer();
  if (!fresh) {
    reporter_.Report(ports::LogLevel::kError, "rebuild", fresh.error().message);
    rebuild_at_ = now + kMaxRebuildDelay;
    return;
  }
  Producer old;
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(producer_, std::move(fresh).value());
  }
  waiting_.splice(waiting_.begin(), sent_);
  rebuild_at_.reset();
  pulse_.Rebuilt();
}

void PublisherLoop::End() {
  Producer producer;
  std::vector<ports::PublishRecord> late;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    producer = std::exchange(producer_, {});
    late = std::move(handed_over_);
  }
  producer = {};
  for (const std::list<Pending>* pending : {&sent_, &waiting_}) {
    for (const Pending& each : *pending) Answer(each, GivenUp());
  }
  for (const ports::PublishRecord& each : late) {
    events_.emplace_back(ports::RecordPublished{each.publish, GivenUp()});
  }
  inbox_.PostAll(std::exchange(events_, {}));
}

}  // namespace llmbatch::kafka
