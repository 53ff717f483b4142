// Publisher: writes records to Kafka with an idempotent producer, on a thread of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/connection.h"
#include "kafka/health.h"
#include "ports/commands.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

class PublisherLoop;

struct PublisherOptions {
  Connection connection;
  std::int64_t max_message_bytes = 8LL << 20;  // key and headers included
  base::Duration linger = std::chrono::milliseconds(5);
  // After that a record that was not acknowledged is given up, as kTimeout. It may be there all the
  // same.
  base::Duration delivery_timeout = std::chrono::minutes(5);
  std::string compression = "none";  // none, gzip, snappy, lz4 or zstd
  // In librdkafka; what is beyond waits in order, and not bounded by the publisher.
  std::int64_t max_queued_records = 100'000;
  std::int64_t max_queued_bytes = 64LL << 20;
};

// Answers each PublishRecord by exactly one RecordPublished: acknowledged by all in-sync replicas,
// or an error. Records of one key are written in the order they were handed over; one that failed
// and is handed over again has lost its place. The partition of a key is the one that Kafka's Java
// clients choose. After librdkafka has failed for good, records that were not acknowledged are
// written again by a new producer, so one may be there twice.
class Publisher {
 public:
  // Waits for no broker. The error names the option or property. The inbox must outlive the
  // publisher.
  static base::Result<std::unique_ptr<Publisher>> Start(PublisherOptions options,
                                                        runtime::Inbox& inbox);
  // Stops without waiting for acknowledgements.
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // From any thread; never blocks. What belongs together is best handed over together.
  void Publish(std::vector<ports::PublishRecord> records);

  // Waits for acknowledgements, for `flush_timeout` at the longest, gives up the others and ends
  // the thread: all completions are in the inbox when it returns. What is handed over later is
  // answered with kAborted at once.
  void Stop(base::Duration flush_timeout);

  // From any thread.
  Health health() const;

 private:
  explicit Publisher(std::unique_ptr<PublisherLoop> loop);

  std::unique_ptr<PublisherLoop> loop_;
  std::thread thread_;
};

}  // namespace llmbatch::kafka
