// EmbeddedCluster: Kafka brokers inside this process, for the demo and for tests.
//
// librdkafka's mock: it keeps everything in memory (5 MiB a partition, the oldest goes first),
// knows groups and offsets, and makes a topic when it is first asked for. It checks less than Kafka
// does: neither the size of commit metadata nor the generation of a member.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "kafka/handles.h"

namespace llmbatch::kafka {

// From one thread; the addresses may be used from any.
class EmbeddedCluster {
 public:
  static base::Result<std::unique_ptr<EmbeddedCluster>> Start(int brokers);

  // "127.0.0.1:port,…"
  std::string bootstrap() const;
  base::Result<void> CreateTopic(const std::string& name, int partitions);
  // For tests that inject faults.
  rd_kafka_mock_cluster_s& mock() { return *cluster_; }

 private:
  EmbeddedCluster(ClientHandle client, MockClusterHandle cluster);

  ClientHandle client_;
  MockClusterHandle cluster_;
};

}  // namespace llmbatch::kafka
