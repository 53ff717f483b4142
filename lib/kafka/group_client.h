// GroupClient: librdkafka's consumer in our words. It decides nothing; see ConsumerLoop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/consumer.h"
#include "kafka/handles.h"
#include "kafka/reporter.h"
#include "model/origin.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::kafka {

// The assignors to join a group with, by rd_kafka_version(). Before 2.10 a commit during a
// cooperative rebalance loses the assignment (librdkafka #4059).
const char* AssignorsFor(int version);

// Belongs to one thread, but for Wake().
class GroupClient {
 public:
  // Configured and subscribed. The reporter must outlive it.
  static base::Result<std::unique_ptr<GroupClient>> Create(const ConsumerOptions& options,
                                                           Reporter& reporter);

  // The next record, rebalance, commit's result or error; null: none came in time, or Wake() was
  // called.
  EventHandle Poll(base::Duration timeout);
  // From any thread: Poll() returns at once, or when it is next called.
  void Wake();

  // Blocks for up to `timeout`.
  base::Result<std::vector<ports::AssignedPartition>> ReadCommitted(
      const std::vector<model::TopicPartition>& partitions, base::Duration timeout);
  // Whether a rebalance tells what changes only; otherwise everything is given back and anew.
  bool IsCooperative() const;
  // Answers to a rebalance: partitions are read from their committed offsets, not taken, or not
  // read any more; all of them if it isn't cooperative.
  base::Result<void> Take(const std::vector<ports::AssignedPartition>& partitions);
  void Refuse();
  void GiveBack(const std::vector<model::TopicPartition>& partitions);
  // Whether the group has given the assignment to others already.
  bool AssignmentLost() const;

  // As whom we are in the group now. From any thread.
  std::shared_ptr<const rd_kafka_consumer_group_metadata_s> Membership() const;

  // If it returns no error, the result comes as an event with the commit's id as its opaque.
  base::Result<void> Commit(const ports::CommitOffsets& commit);
  void Pause(const std::vector<model::TopicPartition>& partitions);
  void Resume(const std::vector<model::TopicPartition>& partitions);

  // Begins to leave the group; what has to happen before comes from Poll(), until closed(). An
  // error means that there is nothing to leave.
  base::Result<void> Close();
  bool closed() const;

  // Without a round trip.
  std::vector<PartitionLag> Lag(const std::vector<ports::AssignedPartition>& assigned) const;
  // The next offsets to be written, of at least one partition, as their leaders tell. Blocks for up
  // to `timeout`.
  base::Result<std::map<model::TopicPartition, std::int64_t>> EndOffsets(
      const std::vector<model::TopicPartition>& partitions, base::Duration timeout) const;

 private:
  GroupClient(ClientHandle client, AutoOffsetReset auto_offset_reset, Reporter& reporter);

  void GiveBackAll();

  Reporter& reporter_;
  const AutoOffsetReset auto_offset_reset_;
  ClientHandle client_;
  QueueHandle queue_;
};

}  // namespace llmbatch::kafka
