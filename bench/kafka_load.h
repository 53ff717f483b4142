// A bare pass-through with librdkafka: what any Kafka program must spend at the least.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace llmbatch::bench {

struct KafkaLoad {
  std::string brokers;
  std::string from_topic;  // must exist and have `records` records, if they were not preloaded here
  std::string to_topic;
  std::int64_t records = 0;
  std::size_t record_bytes = 1024;
};

// Writes the records to `from_topic`. Records not acknowledged; nullopt: no producer.
std::optional<std::int64_t> Preload(const KafkaLoad& load);
// Reads them all and writes each to `to_topic`; the same figures.
std::optional<std::int64_t> PassThrough(const KafkaLoad& load);

}  // namespace llmbatch::bench
