// One message handed to librdkafka's producer.
#pragma once

#include "kafka/handles.h"
#include "ports/record.h"

namespace llmbatch::kafka {

enum class Copying {
  kNothing,  // the value must stay where it is until the delivery report
  kValue
};

// Returns a rd_kafka_resp_err_t; 0: librdkafka has it, and its delivery report carries `opaque`.
int Produce(rd_kafka_s& producer, const ports::Message& message, void* opaque, Copying copying);

}  // namespace llmbatch::kafka
