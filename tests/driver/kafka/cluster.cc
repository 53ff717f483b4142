#include "driver/kafka/cluster.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <utility>

namespace llmbatch::kafka {

LogSink Log::sink() {
  return [this](ports::LogLine line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  };
}

std::vector<ports::LogLine> Log::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

Cluster::Cluster(int brokers) : brokers_(brokers) {
  auto cluster = EmbeddedCluster::Start(brokers);
  if (!cluster) {
    ADD_FAILURE() << cluster.error().message;
    std::abort();
  }
  cluster_ = std::move(cluster).value();
}

void Cluster::CreateTopic(const std::string& name, int partitions) {
  const auto created = cluster_->CreateTopic(name, partitions);
  ASSERT_TRUE(created.ok()) << created.error().message;
}

void Cluster::Write(const std::string& topic, int partition,
                    const std::vector<std::string>& values) {
  std::array<char, 512> reason{};
  ConfHandle conf(rd_kafka_conf_new());
  rd_kafka_conf_set(conf.get(), "bootstrap.servers", cluster_->bootstrap().c_str(), reason.data(),
                    reason.size());
  rd_kafka_conf_set(conf.get(), "enable.idempotence", "true", reason.data(), reason.size());
  const ClientHandle client(
      rd_kafka_new(RD_KAFKA_PRODUCER, conf.release(), reason.data(), reason.size()));
  ASSERT_TRUE(client) << reason.data();
  for (const std::string& value : values) {
    std::string copy = value;
    ASSERT_EQ(rd_kafka_producev(client.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
                                RD_KAFKA_V_PARTITION(partition),
                                RD_KAFKA_V_VALUE(copy.data(), copy.size()),
                                RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
              RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  ASSERT_EQ(rd_kafka_flush(client.get(), 30'000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void Cluster::FailNext(Request request, std::vector<int> codes) {
  std::vector<rd_kafka_resp_err_t> errors;
  for (const int code : codes) errors.push_back(static_cast<rd_kafka_resp_err_t>(code));
  rd_kafka_mock_push_request_errors_array(&cluster_->mock(), static_cast<std::int16_t>(request),
                                          errors.size(), errors.data());
}

void Cluster::ForgiveAll() {
  for (const Request request :
       {Request::kProduce, Request::kOffsetCommit, Request::kOffsetFetch, Request::kHeartbeat,
        Request::kInitProducerId, Request::kAddPartitionsToTransaction, Request::kEndTransaction,
        Request::kOffsetCommitInTransaction}) {
    rd_kafka_mock_clear_request_errors(&cluster_->mock(), static_cast<std::int16_t>(request));
  }
}

void Cluster::SlowDown(std::chrono::milliseconds round_trip) {
  for (int broker = 1; broker <= brokers_; ++broker) {
    rd_kafka_mock_broker_set_rtt(&cluster_->mock(), broker, static_cast<int>(round_trip.count()));
  }
}

void Cluster::MoveCoordinator(const std::string& group, int broker) {
  rd_kafka_mock_coordinator_set(&cluster_->mock(), "group", group.c_str(), broker);
}

void Cluster::MoveLeader(const std::string& topic, int partition, int broker) {
  rd_kafka_mock_partition_set_leader(&cluster_->mock(), topic.c_str(), partition, broker);
}

void Cluster::TakeDown() { rd_kafka_mock_broker_set_down(&cluster_->mock(), -1); }
void Cluster::BringUp() { rd_kafka_mock_broker_set_up(&cluster_->mock(), -1); }

ConsumerOptions Cluster::ConsumerOf(const std::vector<std::string>& topics) {
  return {.connection = {.brokers = cluster_->bootstrap(),
                         .properties = {{"heartbeat.interval.ms", "200"},
                                        {"reconnect.backoff.max.ms", "500"},
                                        {"fetch.wait.max.ms", "50"},
                                        {"topic.metadata.refresh.interval.ms", "500"},
                                        {"partition.assignment.strategy", "range,roundrobin"}},
                         .log = log_.sink()},
          .group = "group",
          .topics = topics,
          .session_timeout = std::chrono::seconds(5)};
}

PublisherOptions Cluster::PublisherOf() {
  return {.connection = {
              .brokers = cluster_->bootstrap(),
              .properties = {{"reconnect.backoff.max.ms", "500"}, {"retry.backoff.ms", "20"}},
              .log = log_.sink()}};
}

std::unique_ptr<Consumer> StartConsumer(ConsumerOptions options, Mailbox& mailbox) {
  auto consumer = Consumer::Start(std::move(options), mailbox.inbox());
  if (!consumer) {
    ADD_FAILURE() << consumer.error().message;
    std::abort();
  }
  return std::move(consumer).value();
}

std::unique_ptr<Publisher> StartPublisher(PublisherOptions options, Mailbox& mailbox) {
  auto publisher = Publisher::Start(std::move(options), mailbox.inbox());
  if (!publisher) {
    ADD_FAILURE() << publisher.error().message;
    std::abort();
  }
  return std::move(publisher).value();
}

void Leave(Consumer& consumer, Mailbox& mailbox) {
  const std::size_t revoked = mailbox.Count<ports::PartitionsRevoked>();
  consumer.Execute({ports::StopConsuming{}});
  mailbox.Until([&] {
    return mailbox.Count<ports::PartitionsRevoked>() > revoked ||
           mailbox.Count<ports::ConsumerStopped>() > 0;
  });
  consumer.Execute({ports::RevokeDone{}});
  EXPECT_EQ(mailbox.Wait<ports::ConsumerStopped>(1).size(), 1u);
}

ports::PublishRecord Publication(std::uint64_t id, std::string topic, std::string key,
                                 std::string value) {
  return {.publish = model::PublishId{id},
          .message = std::make_shared<const ports::Message>(ports::Message{
              .topic = std::move(topic), .key = std::move(key), .value = std::move(value)})};
}

ports::CommitOffsets Commit(std::uint64_t id, const std::string& topic, std::int32_t partition,
                            std::int64_t offset, std::string metadata) {
  return {.commit = model::CommitId{id},
          .offsets = {{.partition = {.topic = topic, .partition = partition},
                       .offset = offset,
                       .metadata = std::move(metadata)}},
          .assignment = 1};
}

}  // namespace llmbatch::kafka
