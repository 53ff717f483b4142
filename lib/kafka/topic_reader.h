// TopicReader: reads a topic from one place to another, for tools. It is a member of no group, so
// it commits nothing and takes no partition from anybody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/connection.h"
#include "kafka/handles.h"
#include "kafka/reporter.h"
#include "model/origin.h"
#include "ports/record.h"

struct rd_kafka_message_s;
struct rd_kafka_topic_s;

namespace llmbatch::kafka {

struct TopicReaderOptions {
  Connection connection;
  std::int64_t max_message_bytes = 8LL << 20;
  std::int64_t max_unread_bytes = 16LL << 20;  // in librdkafka
};

struct PartitionRange {
  model::TopicPartition partition;
  std::int64_t begin = 0;
  std::int64_t end = 0;  // the first offset that is not meant
};

// Where reading ends.
enum class ReadUntil {
  kEnd,      // at the ends of the ranges; what is written meanwhile is not read
  kForever,  // never: ranges only say where to begin
};

// Belongs to one thread, and blocks it for up to a deadline. Deadlines are by the steady clock.
class TopicReader {
 public:
  // Waits for no broker. The error names the option or property.
  static base::Result<std::unique_ptr<TopicReader>> Make(TopicReaderOptions options);
  ~TopicReader();
  TopicReader(const TopicReader&) = delete;
  TopicReader& operator=(const TopicReader&) = delete;

  // What the topic holds now, by partition. kNotFound: there is no such topic.
  base::Result<std::vector<PartitionRange>> Ranges(const std::string& topic,
                                                   base::Timestamp deadline);
  // The same ranges, from the first record on that was written at `since` or later.
  base::Result<std::vector<PartitionRange>> WrittenSince(std::vector<PartitionRange> ranges,
                                                         base::WallTime since,
                                                         base::Timestamp deadline);

  // Of committed transactions only. REQUIRES: it has not begun to read yet
  base::Result<void> Begin(const std::vector<PartitionRange>& ranges, ReadUntil until);
  // The next record, those of one partition in order; nullopt: all ranges are read. kTimeout: the
  // deadline came before.
  base::Result<std::optional<ports::Record>> Next(base::Timestamp deadline);

 private:
  struct ReleaseTopic {
    void operator()(rd_kafka_topic_s* topic) const;
  };
  using TopicHandle = std::unique_ptr<rd_kafka_topic_s, ReleaseTopic>;
  struct Open {
    rd_kafka_topic_s* topic;
    std::int64_t end;
  };

  explicit TopicReader(LogSink log);

  base::Result<rd_kafka_topic_s*> TopicOf(const std::string& name);
  std::optional<ports::Record> Take(const rd_kafka_message_s& message);
  void Close(const model::TopicPartition& partition);

  Reporter reporter_;
  ClientHandle client_;
  QueueHandle queue_;
  std::map<std::string, TopicHandle> topics_;
  std::map<model::TopicPartition, Open> open_;
  ReadUntil until_ = ReadUntil::kEnd;
};

}  // namespace llmbatch::kafka
