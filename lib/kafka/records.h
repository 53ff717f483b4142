// From librdkafka's messages to records.
#pragma once

#include <cstdint>

#include "ports/record.h"

struct rd_kafka_message_s;

namespace llmbatch::kafka {

ports::Record ToRecord(const rd_kafka_message_s& message);

// What it takes in memory, roughly.
std::int64_t SizeOf(const ports::Record& record);

}  // namespace llmbatch::kafka
