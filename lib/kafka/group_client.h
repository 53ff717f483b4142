// GroupClient: librdkafka's consumer in our words. It decides nothing; see ConsumerLoop.
#pragma once

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
  base::Result<void> Assign(const std::vector<ports::AssignedPartition>& partitions);
  void Unassign();
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

 private:
  GroupClient(ClientHandle client, Reporter& reporter);

  Reporter& reporter_;
  ClientHandle client_;
  QueueHandle queue_;
};

}  // namespace llmbatch::kafka
