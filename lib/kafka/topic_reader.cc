#include "kafka/topic_reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "kafka/errors.h"
#include "kafka/records.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

struct ReleaseMetadata {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
struct ReleaseMessage {
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
};

Settings SettingsOf(const TopicReaderOptions& options) {
  const std::string kbytes =
      std::to_string(std::max<std::int64_t>(1, options.max_unread_bytes >> 10));
  return Settings{.defaults = {{"queued.max.messages.kbytes", kbytes},
                               {"fetch.wait.max.ms", "100"},
                               {"reconnect.backoff.max.ms", "1000"}},
                  .guarantees = {{"message.max.bytes", std::to_string(options.max_message_bytes)},
                                 {"enable.auto.commit", "false"},
                                 {"enable.partition.eof", "true"},
                                 {"isolation.level", "read_committed"},
                                 {"auto.offset.reset", "earliest"},
                                 {"allow.auto.create.topics", "false"}}};
}

// Rounded up, so that the last millisecond is not spent spinning.
int MillisUntil(base::Timestamp deadline) {
  const std::int64_t left = base::ToMillis(deadline - runtime::ReadClock().steady) + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

base::Error TooLate(const std::string& what) {
  return base::MakeError(base::ErrorKind::kTimeout, "kafka: " + what + ": no answer in time");
}

}  // namespace

void TopicReader::ReleaseTopic::operator()(rd_kafka_topic_s* topic) const {
  rd_kafka_topic_destroy(topic);
}

base::Result<std::unique_ptr<TopicReader>> TopicReader::Make(TopicReaderOptions options) {
  auto conf = MakeConf(options.connection, SettingsOf(options));
  if (!conf) return conf.error();
  std::unique_ptr<TopicReader> reader(new TopicReader(std::move(options.connection.log)));
  reader->reporter_.Listen(**conf);
  std::array<char, 512> reason{};
  reader->client_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf->get(), reason.data(), reason.size()));
  if (!reader->client_) return WhyNoClient("reader", reason.data());
  static_cast<void>(conf->release());  // rd_kafka_new took it
  reader->queue_.reset(rd_kafka_queue_new(reader->client_.get()));
  return reader;
}

TopicReader::TopicReader(LogSink log) : reporter_(std::move(log), "reader") {}

TopicReader::~TopicReader() {
  reporter_.Mute();
  while (!open_.empty()) Close(model::TopicPartition(open_.begin()->first));
}

base::Result<rd_kafka_topic_s*> TopicReader::TopicOf(const std::string& name) {
  TopicHandle& topic = topics_[name];
  if (!topic) topic.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
  if (topic) return topic.get();
  return ToError(rd_kafka_last_error(), "topic '" + name + "'");
}

base::Result<std::vector<PartitionRange>> TopicReader::Ranges(const std::string& topic,
                                                              base::Timestamp deadline) {
  const auto handle = TopicOf(topic);
  if (!handle) return handle.error();
  const std::string what = "topic '" + topic + "'";
  const rd_kafka_metadata_t* asked = nullptr;
  const rd_kafka_resp_err_t failed =
      rd_kafka_metadata(client_.get(), 0, *handle, &asked, MillisUntil(deadline));
  if (failed != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(failed, what);
  const std::unique_ptr<const rd_kafka_metadata_t, ReleaseMetadata> metadata(asked);
  if (metadata->topic_cnt != 1) return ToError(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, what);
  const rd_kafka_metadata_topic_t& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(found.err, what);

  std::vector<PartitionRange> ranges;
  for (int i = 0; i < found.partition_cnt; ++i) {
    PartitionRange range{.partition = {.topic = topic, .partition = found.partitions[i].id}};
    const rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(client_.get(), topic.c_str(), range.partition.partition,
                                         &range.begin, &range.end, MillisUntil(deadline));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, what);
    ranges.push_back(std::move(range));
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.partition < b.partition; });
  return ranges;
}

base::Result<std::vector<PartitionRange>> TopicReader::WrittenSince(
    std::vector<PartitionRange> ranges, base::WallTime since, base::Timestamp deadline) {
  if (ranges.empty()) return ranges;
  const PartitionListHandle list(
      rd_kafka_topic_partition_list_new(static_cast<int>(ranges.size())));
  for (const PartitionRange& range : ranges) {
    rd_kafka_topic_partition_list_add(list.get(), range.partition.topic.c_str(),
                                      range.partition.partition)
        ->offset = base::ToMillis(since.time_since_epoch());
  }
  const rd_kafka_resp_err_t code =
      rd_kafka_offsets_for_times(client_.get(), list.get(), MillisUntil(deadline));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "offsets by time");
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const rd_kafka_topic_partition_t& found = list->elems[i];
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(found.err, "offsets by time");
    // Nothing that young is in the partition: a negative offset.
    ranges[i].begin =
        found.offset < 0 ? ranges[i].end : std::min(std::int64_t{found.offset}, ranges[i].end);
  }
  return ranges;
}

base::Result<void> TopicReader::Begin(const std::vector<PartitionRange>& ranges, ReadUntil until) {
  LLMBATCH_CHECK(open_.empty());
  until_ = until;
  for (const PartitionRange& range : ranges) {
    if (until == ReadUntil::kEnd && range.begin >= range.end) continue;
    const auto topic = TopicOf(range.partition.topic);
    if (!topic) return topic.error();
    if (rd_kafka_consume_start_queue(*topic, range.partition.partition, range.begin,
                                     queue_.get()) != 0) {
      return ToError(rd_kafka_last_error(), "topic '" + range.partition.topic + "'");
    }
    open_[range.partition] = Open{.topic = *topic, .end = range.end};
  }
  return {};
}

base::Result<std::optional<ports::Record>> TopicReader::Next(base::Timestamp deadline) {
  while (!open_.empty()) {
    const int timeout_ms = MillisUntil(deadline);
    const std::unique_ptr<rd_kafka_message_t, ReleaseMessage> message(
        rd_kafka_consume_queue(queue_.get(), timeout_ms));
    if (!message) {
      if (runtime::ReadClock().steady >= deadline) return TooLate("reading");
      continue;
    }
    const rd_kafka_resp_err_t code = message->err;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      return ToError(code, "reading");
    }
    if (auto record = Take(*message)) return record;
  }
  return std::optional<ports::Record>();
}

std::optional<ports::Record> TopicReader::Take(const rd_kafka_message_s& message) {
  const model::TopicPartition partition{.topic = rd_kafka_topic_name(message.rkt),
                                        .partition = message.partition};
  const auto open = open_.find(partition);
  if (open == open_.end()) return std::nullopt;
  const bool bounded = until_ == ReadUntil::kEnd;
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    // The last offsets may hold no record that can be read: marks of transactions, compaction.
    if (bounded) Close(partition);
    return std::nullopt;
  }
  const std::int64_t end = open->second.end;
  if (bounded && message.offset + 1 >= end) Close(partition);
  if (bounded && message.offset >= end) return std::nullopt;
  return ToRecord(message);
}

void TopicReader::Close(const model::TopicPartition& partition) {
  const auto open = open_.find(partition);
  if (open == open_.end()) return;
  rd_kafka_consume_stop(open->second.topic, partition.partition);
  open_.erase(open);
}

}  // namespace llmbatch::kafka
