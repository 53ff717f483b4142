#include "kafka/handles.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

namespace llmbatch::kafka {

void Release::operator()(rd_kafka_s* client) const {
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
void Release::operator()(rd_kafka_conf_s* conf) const { rd_kafka_conf_destroy(conf); }
void Release::operator()(rd_kafka_consumer_group_metadata_s* member) const {
  rd_kafka_consumer_group_metadata_destroy(member);
}
void Release::operator()(rd_kafka_error_s* error) const { rd_kafka_error_destroy(error); }
void Release::operator()(rd_kafka_mock_cluster_s* cluster) const {
  rd_kafka_mock_cluster_destroy(cluster);
}
void Release::operator()(rd_kafka_op_s* event) const { rd_kafka_event_destroy(event); }
void Release::operator()(rd_kafka_queue_s* queue) const { rd_kafka_queue_destroy(queue); }
void Release::operator()(rd_kafka_topic_partition_list_s* list) const {
  rd_kafka_topic_partition_list_destroy(list);
}

}  // namespace llmbatch::kafka
