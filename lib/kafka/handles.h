// Owning pointers to librdkafka's objects, without its header.
#pragma once

#include <memory>

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_consumer_group_metadata_s;
struct rd_kafka_error_s;
struct rd_kafka_mock_cluster_s;
struct rd_kafka_op_s;
struct rd_kafka_queue_s;
struct rd_kafka_topic_partition_list_s;

namespace llmbatch::kafka {

struct Release {
  // Leaves a consumer group only if the client was closed before; what a producer has not sent is
  // gone without a report.
  void operator()(rd_kafka_s* client) const;
  void operator()(rd_kafka_conf_s* conf) const;
  void operator()(rd_kafka_consumer_group_metadata_s* member) const;
  void operator()(rd_kafka_error_s* error) const;
  void operator()(rd_kafka_mock_cluster_s* cluster) const;
  void operator()(rd_kafka_op_s* event) const;
  void operator()(rd_kafka_queue_s* queue) const;
  void operator()(rd_kafka_topic_partition_list_s* list) const;
};

// Queues and events of a client must go before it.
using ClientHandle = std::unique_ptr<rd_kafka_s, Release>;
using ConfHandle = std::unique_ptr<rd_kafka_conf_s, Release>;
using ErrorHandle = std::unique_ptr<rd_kafka_error_s, Release>;
using MockClusterHandle = std::unique_ptr<rd_kafka_mock_cluster_s, Release>;
using EventHandle = std::unique_ptr<rd_kafka_op_s, Release>;
using QueueHandle = std::unique_ptr<rd_kafka_queue_s, Release>;
using PartitionListHandle = std::unique_ptr<rd_kafka_topic_partition_list_s, Release>;

}  // namespace llmbatch::kafka
