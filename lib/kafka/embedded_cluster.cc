#include "kafka/embedded_cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <utility>

#include "kafka/errors.h"

namespace llmbatch::kafka {

base::Result<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::Start(int brokers) {
  if (brokers < 1) return base::Invalid("kafka: an embedded cluster needs a broker");
  std::array<char, 512> reason{};
  ConfHandle conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  ClientHandle client(rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), reason.data(), reason.size()));
  if (!client) return base::MakeError(base::ErrorKind::kInternal, "kafka: no embedded cluster");
  static_cast<void>(conf.release());
  MockClusterHandle cluster(rd_kafka_mock_cluster_new(client.get(), brokers));
  if (!cluster) return base::MakeError(base::ErrorKind::kInternal, "kafka: no embedded cluster");
  return std::unique_ptr<EmbeddedCluster>(
      new EmbeddedCluster(std::move(client), std::move(cluster)));
}

EmbeddedCluster::EmbeddedCluster(ClientHandle client, MockClusterHandle cluster)
    : client_(std::move(client)), cluster_(std::move(cluster)) {}

std::string EmbeddedCluster::bootstrap() const {
  return rd_kafka_mock_cluster_bootstraps(cluster_.get());
}

base::Result<void> EmbeddedCluster::CreateTopic(const std::string& name, int partitions) {
  const rd_kafka_resp_err_t code =
      rd_kafka_mock_topic_create(cluster_.get(), name.c_str(), partitions, 1);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "topic '" + name + "'");
  return {};
}

}  // namespace llmbatch::kafka
