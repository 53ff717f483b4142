#include "kafka_load.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <initializer_list>
#include <memory>
#include <utility>

namespace llmbatch::bench {
namespace {

constexpr int kPollMs = 100;
constexpr int kFlushMs = 60'000;
// Ends a pass-through whose topic holds fewer records than it was told.
constexpr int kMaxIdlePolls = 200;

struct HandleDeleter {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
};
using Handle = std::unique_ptr<rd_kafka_t, HandleDeleter>;
struct MessageDeleter {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};
using Message = std::unique_ptr<rd_kafka_message_t, MessageDeleter>;

using Properties = std::initializer_list<std::pair<const char*, const char*>>;

void OnDelivered(rd_kafka_t*, const rd_kafka_message_t* message, void* failed) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) ++*static_cast<std::int64_t*>(failed);
}

Handle Make(rd_kafka_type_t type, const KafkaLoad& load, const Properties& properties,
            std::int64_t* failed) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  bool valid =
      rd_kafka_conf_set(conf, "bootstrap.servers", load.brokers.c_str(), error.data(),
                        error.size()) == RD_KAFKA_CONF_OK &&
      rd_kafka_conf_set(conf, "log_level", "3", error.data(), error.size()) == RD_KAFKA_CONF_OK;
  for (const auto& [name, value] : properties) {
    valid &= rd_kafka_conf_set(conf, name, value, error.data(), error.size()) == RD_KAFKA_CONF_OK;
  }
  if (type == RD_KAFKA_PRODUCER) {
    rd_kafka_conf_set_dr_msg_cb(conf, &OnDelivered);
    rd_kafka_conf_set_opaque(conf, failed);
  }
  rd_kafka_t* handle = valid ? rd_kafka_new(type, conf, error.data(), error.size()) : nullptr;
  if (handle == nullptr) rd_kafka_conf_destroy(conf);
  return Handle(handle);
}

Handle MakeProducer(const KafkaLoad& load, std::int64_t* failed) {
  return Make(
      RD_KAFKA_PRODUCER, load,
      {{"enable.idempotence", "true"}, {"linger.ms", "5"}, {"socket.nagle.disable", "true"}},
      failed);
}

Handle MakeConsumer(const KafkaLoad& load) {
  Handle consumer = Make(RD_KAFKA_CONSUMER, load,
                         {{"group.id", "bench-floor"},
                          {"auto.offset.reset", "earliest"},
                          {"enable.auto.commit", "false"},
                          {"socket.nagle.disable", "true"}},
                         nullptr);
  if (!consumer) return nullptr;
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, load.from_topic.c_str(), RD_KAFKA_PARTITION_UA);
  const bool subscribed = rd_kafka_subscribe(consumer.get(), topics) == RD_KAFKA_RESP_ERR_NO_ERROR;
  rd_kafka_topic_partition_list_destroy(topics);
  return subscribed ? std::move(consumer) : nullptr;
}

bool Produce(rd_kafka_t* producer, const std::string& topic, const void* value, std::size_t size) {
  while (true) {
    const rd_kafka_resp_err_t result = rd_kafka_producev(
        producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE(const_cast<void*>(value), size), RD_KAFKA_V_END);
    if (result != RD_KAFKA_RESP_ERR__QUEUE_FULL) return result == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_poll(producer, kPollMs);
  }
}

}  // namespace

std::optional<std::int64_t> Preload(const KafkaLoad& load) {
  std::int64_t failed = 0;
  const Handle producer = MakeProducer(load, &failed);
  if (!producer) return std::nullopt;
  const std::string value(load.record_bytes, 'x');
  for (std::int64_t i = 0; i < load.records; ++i) {
    if (!Produce(producer.get(), load.from_topic, value.data(), value.size())) ++failed;
    rd_kafka_poll(producer.get(), 0);
  }
  rd_kafka_flush(producer.get(), kFlushMs);
  return failed + rd_kafka_outq_len(producer.get());
}

std::optional<std::int64_t> PassThrough(const KafkaLoad& load) {
  std::int64_t failed = 0;
  const Handle producer = MakeProducer(load, &failed);
  const Handle consumer = MakeConsumer(load);
  if (!producer || !consumer) return std::nullopt;
  std::int64_t passed = 0;
  int idle_polls = 0;
  while (passed < load.records && idle_polls < kMaxIdlePolls) {
    const Message message(rd_kafka_consumer_poll(consumer.get(), kPollMs));
    rd_kafka_poll(producer.get(), 0);
    if (!message || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++idle_polls;
      continue;
    }
    idle_polls = 0;
    if (!Produce(producer.get(), load.to_topic, message->payload, message->len)) ++failed;
    ++passed;
  }
  rd_kafka_flush(producer.get(), kFlushMs);
  failed += rd_kafka_outq_len(producer.get());
  rd_kafka_commit(consumer.get(), nullptr, 0);
  rd_kafka_consumer_close(consumer.get());
  return failed + load.records - passed;
}

}  // namespace llmbatch::bench
