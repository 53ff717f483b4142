#include "kafka/partition_list.h"

#include <librdkafka/rdkafka.h>

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace llmbatch::kafka {
namespace {

PartitionListHandle NewList(std::size_t size) {
  return PartitionListHandle(rd_kafka_topic_partition_list_new(static_cast<int>(size)));
}

rd_kafka_topic_partition_t& Add(rd_kafka_topic_partition_list_s& list,
                                const model::TopicPartition& partition) {
  return *rd_kafka_topic_partition_list_add(&list, partition.topic.c_str(), partition.partition);
}

}  // namespace

PartitionListHandle MakeList(const std::vector<model::TopicPartition>& partitions) {
  PartitionListHandle list = NewList(partitions.size());
  for (const model::TopicPartition& each : partitions) Add(*list, each);
  return list;
}

PartitionListHandle MakeList(const std::vector<ports::PartitionOffset>& offsets) {
  PartitionListHandle list = NewList(offsets.size());
  for (const ports::PartitionOffset& each : offsets) {
    rd_kafka_topic_partition_t& element = Add(*list, each.partition);
    element.offset = each.offset;
    if (each.metadata.empty()) continue;
    // librdkafka frees it together with the list.
    element.metadata = std::malloc(each.metadata.size());
    if (element.metadata == nullptr) throw std::bad_alloc();
    std::memcpy(element.metadata, each.metadata.data(), each.metadata.size());
    element.metadata_size = each.metadata.size();
  }
  return list;
}

PartitionListHandle MakeList(const std::vector<ports::AssignedPartition>& partitions,
                             std::int64_t start) {
  PartitionListHandle list = NewList(partitions.size());
  for (const ports::AssignedPartition& each : partitions) {
    Add(*list, each.partition).offset = each.committed_offset < 0 ? start : each.committed_offset;
  }
  return list;
}

std::vector<model::TopicPartition> NamesOf(const rd_kafka_topic_partition_list_s* list) {
  std::vector<model::TopicPartition> names;
  if (list == nullptr) return names;
  for (int i = 0; i < list->cnt; ++i) {
    names.push_back({.topic = list->elems[i].topic, .partition = list->elems[i].partition});
  }
  return names;
}

std::vector<ports::AssignedPartition> CommittedOf(const rd_kafka_topic_partition_list_s& list) {
  std::vector<ports::AssignedPartition> committed;
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& element = list.elems[i];
    ports::AssignedPartition assigned{
        .partition = {.topic = element.topic, .partition = element.partition}};
    if (element.offset >= 0) assigned.committed_offset = element.offset;
    if (element.metadata != nullptr) {
      assigned.metadata.assign(static_cast<const char*>(element.metadata), element.metadata_size);
    }
    committed.push_back(std::move(assigned));
  }
  return committed;
}

int FirstErrorOf(const rd_kafka_topic_partition_list_s* list) {
  if (list == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  for (int i = 0; i < list->cnt; ++i) {
    if (list->elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list->elems[i].err;
  }
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

}  // namespace llmbatch::kafka
