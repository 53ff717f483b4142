// A mock cluster with faults, and drivers that are connected to it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "driver/kafka/mailbox.h"
#include "kafka/consumer.h"
#include "kafka/embedded_cluster.h"
#include "kafka/publisher.h"
#include "ports/commands.h"

namespace llmbatch::kafka {

// Requests of the Kafka protocol.
enum class Request : std::int16_t {
  kProduce = 0,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kHeartbeat = 12,
  kInitProducerId = 22,
  kAddPartitionsToTransaction = 24,
  kEndTransaction = 26,
  kOffsetCommitInTransaction = 28,
};

// Everything that was logged. From any thread.
class Log {
 public:
  LogSink sink();
  std::vector<ports::LogLine> lines() const;

 private:
  mutable std::mutex mutex_;
  std::vector<ports::LogLine> lines_;
};

class Cluster {
 public:
  // Brokers are counted from 1. Fails the test if it doesn't start.
  explicit Cluster(int brokers = 1);

  void CreateTopic(const std::string& name, int partitions);
  // Written and acknowledged when it returns.
  void Write(const std::string& topic, int partition, const std::vector<std::string>& values);
  // The next requests of this kind are answered so: rd_kafka_resp_err_t.
  void FailNext(Request request, std::vector<int> codes);
  void ForgiveAll();
  // Every answer of every broker takes so long.
  void SlowDown(std::chrono::milliseconds round_trip);
  // To another broker than now. REQUIRES: there are several.
  void MoveCoordinator(const std::string& group, int broker);
  void MoveLeader(const std::string& topic, int partition, int broker);
  void TakeDown();
  void BringUp();

  // Quick to notice what happens in the group, which rebalances eagerly with any librdkafka.
  ConsumerOptions ConsumerOf(const std::vector<std::string>& topics);
  PublisherOptions PublisherOf();
  Log& log() { return log_; }

 private:
  Log log_;
  int brokers_;
  std::unique_ptr<EmbeddedCluster> cluster_;
};

// Fail the test if it doesn't start.
std::unique_ptr<Consumer> StartConsumer(ConsumerOptions options, Mailbox& mailbox);
std::unique_ptr<Publisher> StartPublisher(PublisherOptions options, Mailbox& mailbox);

// StopConsuming and RevokeDone; ends when the consumer has left its group.
void Leave(Consumer& consumer, Mailbox& mailbox);

ports::PublishRecord Publication(std::uint64_t id, std::string topic, std::string key,
                                 std::string value);
// As of the consumer's first assignment.
ports::CommitOffsets Commit(std::uint64_t id, const std::string& topic, std::int32_t partition,
                            std::int64_t offset, std::string metadata = "");

}  // namespace llmbatch::kafka
