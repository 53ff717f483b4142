// Consumer: the daemon's member of a Kafka consumer group, on a thread of its own that does nothing
// but poll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/connection.h"
#include "kafka/health.h"
#include "model/origin.h"
#include "ports/commands.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

class ConsumerLoop;

// Where to begin in a partition that has no committed offset.
enum class AutoOffsetReset { kEarliest, kLatest };

struct ConsumerOptions {
  Connection connection;
  std::string group;
  std::string instance;             // for static membership; empty: none
  std::vector<std::string> topics;  // names, or "^regular expression"
  AutoOffsetReset auto_offset_reset = AutoOffsetReset::kEarliest;
  std::int64_t max_message_bytes = 8LL << 20;
  base::Duration session_timeout = std::chrono::seconds(60);
  // How long PartitionsRevoked waits for RevokeDone and for commits under way.
  base::Duration revoke_timeout = std::chrono::seconds(5);
  // How long StopConsuming may take, waiting for RevokeDone included.
  base::Duration close_timeout = std::chrono::seconds(10);
  // Fetched by librdkafka and not polled yet.
  std::int64_t max_prefetched_bytes = 8LL << 20;
  // In the inbox: beyond it, the next records wait until the main loop has taken what there is. The
  // core pauses partitions only after it has seen their records, so this is also by how much more
  // it may hold than it wants to.
  std::int64_t max_unread_bytes = 1LL << 20;
  // How often brokers are asked for the ends of paused partitions.
  base::Duration end_offsets_interval = std::chrono::seconds(5);
};

// How far a partition was read. The high watermark is that of the last fetch, or for a paused
// partition that of the last time its leader was asked.
struct PartitionLag {
  model::TopicPartition partition;
  std::int64_t position = 0;  // the next offset to read
  std::int64_t high_watermark = 0;

  std::int64_t records() const { return high_watermark - position; }
};

using ConsumerCommand =
    std::variant<ports::CommitOffsets, ports::PausePartitions, ports::ResumePartitions,
                 ports::RevokeDone, ports::StopConsuming>;

// Posts RecordReceived, PartitionsAssigned, PartitionsRevoked, OffsetsCommitted, ConsumerStopped.
// Every PartitionsRevoked must be answered by one RevokeDone, also a late one. Partitions begin
// unpaused whenever they are assigned. Commits of partitions that are not assigned are refused.
// No outage ends it: what is wrong is logged, and tried again.
class Consumer {
 public:
  // Waits for no broker. The error names the option or property. The inbox must outlive the
  // consumer.
  static base::Result<std::unique_ptr<Consumer>> Start(ConsumerOptions options,
                                                       runtime::Inbox& inbox);
  // Without StopConsuming before, it ends at once, and the group learns it by the session timeout.
  // Commits under way are answered with kAborted.
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  // From any thread; never blocks. What belongs together is best handed over together.
  void Execute(std::vector<ConsumerCommand> commands);

  // From any thread. As whom we are in the group under this assignment, for a transaction; null if
  // it is over.
  std::shared_ptr<const rd_kafka_consumer_group_metadata_s> Membership(
      std::int64_t assignment) const;

  // From any thread.
  Health health() const;
  // Of assigned partitions whose position is known; paused ones may be an interval old, others a
  // second.
  std::vector<PartitionLag> Lag() const;

 private:
  explicit Consumer(std::unique_ptr<ConsumerLoop> loop);

  std::unique_ptr<ConsumerLoop> loop_;
  std::thread thread_;
};

}  // namespace llmbatch::kafka
