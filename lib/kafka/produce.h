// librdkafka's producer: made, and handed messages.
#pragma once

#include <string>

#include "base/result.h"
#include "kafka/connection.h"
#include "kafka/handles.h"
#include "kafka/reporter.h"
#include "ports/record.h"

namespace llmbatch::kafka {

// Delivery reports and errors come as events of its main queue. `what` names it in errors. The
// reporter must outlive it.
base::Result<ClientHandle> MakeProducer(const Connection& connection, const Settings& settings,
                                        const std::string& what, Reporter& reporter);

enum class Copying {
  kNothing,  // the value must stay where it is until the delivery report
  kValue
};

// Returns a rd_kafka_resp_err_t; 0: librdkafka has it, and its delivery report carries `opaque`.
int Produce(rd_kafka_s& producer, const ports::Message& message, void* opaque, Copying copying);

}  // namespace llmbatch::kafka
