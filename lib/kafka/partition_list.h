// From our partitions to librdkafka's lists of them and back.
#pragma once

#include <cstdint>
#include <vector>

#include "kafka/handles.h"
#include "model/origin.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::kafka {

PartitionListHandle MakeList(const std::vector<model::TopicPartition>& partitions);
PartitionListHandle MakeList(const std::vector<ports::PartitionOffset>& offsets);
// Where nothing was committed, the offset is `start`.
PartitionListHandle MakeList(const std::vector<ports::AssignedPartition>& partitions,
                             std::int64_t start);

// nullptr is an empty list.
std::vector<model::TopicPartition> NamesOf(const rd_kafka_topic_partition_list_s* list);
std::vector<ports::AssignedPartition> CommittedOf(const rd_kafka_topic_partition_list_s& list);
// The first error of a partition; 0: none has one.
int FirstErrorOf(const rd_kafka_topic_partition_list_s* list);

}  // namespace llmbatch::kafka
