#include "kafka/group_client.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "kafka/errors.h"
#include "kafka/partition_list.h"

namespace llmbatch::kafka {
namespace {

Settings SettingsOf(const ConsumerOptions& options) {
  const std::string kbytes =
      std::to_string(std::max<std::int64_t>(1, options.max_prefetched_bytes >> 10));
  Settings settings{
      .defaults = {{"session.timeout.ms", std::to_string(base::ToMillis(options.session_timeout))},
                   // How late a topic is found that was made after us.
                   {"topic.metadata.refresh.interval.ms", "10000"},
                   {"partition.assignment.strategy", AssignorsFor(rd_kafka_version())},
                   {"queued.max.messages.kbytes", kbytes}},
      .guarantees = {
          {"group.id", options.group},
          {"auto.offset.reset",
           options.auto_offset_reset == AutoOffsetReset::kLatest ? "latest" : "earliest"},
          {"message.max.bytes", std::to_string(options.max_message_bytes)},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"enable.partition.eof", "false"},
          {"isolation.level", "read_committed"},
          {"allow.auto.create.topics", "false"}}};
  if (!options.instance.empty()) settings.guarantees["group.instance.id"] = options.instance;
  return settings;
}

// An answer to a rebalance under the cooperative protocol; null: taken.
void Report(Reporter& reporter, rd_kafka_error_t* refusal, const char* what) {
  const ErrorHandle error(refusal);
  if (error) reporter.ReportError(rd_kafka_error_code(error.get()), what);
}

base::Result<void> Subscribe(rd_kafka_t& client, const std::vector<std::string>& topics) {
  const PartitionListHandle list(
      rd_kafka_topic_partition_list_new(static_cast<int>(topics.size())));
  for (const std::string& topic : topics) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const rd_kafka_resp_err_t code = rd_kafka_subscribe(&client, list.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return ToError(code, "kafka: the topics can't be subscribed to");
}

}  // namespace

const char* AssignorsFor(int version) {
  constexpr int kSoundCooperation = 0x020a00ff;  // 2.10.0
  return version >= kSoundCooperation ? "cooperative-sticky" : "range,roundrobin";
}

base::Result<std::unique_ptr<GroupClient>> GroupClient::Create(const ConsumerOptions& options,
                                                               Reporter& reporter) {
  if (options.group.empty()) return base::Invalid("kafka: no consumer group is named");
  if (options.topics.empty()) return base::Invalid("kafka: no topics to consume are named");
  auto conf = MakeConf(options.connection, SettingsOf(options));
  if (!conf) return conf.error();
  reporter.Listen(**conf);
  rd_kafka_conf_set_events(
      conf->get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_OFFSET_COMMIT | RD_KAFKA_EVENT_ERROR);
  std::array<char, 512> reason{};
  ClientHandle client(rd_kafka_new(RD_KAFKA_CONSUMER, conf->get(), reason.data(), reason.size()));
  if (!client) return WhyNoClient("consumer", reason.data());
  static_cast<void>(conf->release());  // rd_kafka_new took it
  rd_kafka_poll_set_consumer(client.get());
  auto subscribed = Subscribe(*client, options.topics);
  if (!subscribed) return subscribed.error();
  return std::unique_ptr<GroupClient>(
      new GroupClient(std::move(client), options.auto_offset_reset, reporter));
}

GroupClient::GroupClient(ClientHandle client, AutoOffsetReset auto_offset_reset, Reporter& reporter)
    : reporter_(reporter),
      auto_offset_reset_(auto_offset_reset),
      client_(std::move(client)),
      queue_(rd_kafka_queue_new(client_.get())) {
  // A queue of our own, because Close() must not be given the consumer's.
  const QueueHandle consumer_queue(rd_kafka_queue_get_consumer(client_.get()));
  rd_kafka_queue_forward(consumer_queue.get(), queue_.get());
}

EventHandle GroupClient::Poll(base::Duration timeout) {
  return EventHandle(rd_kafka_queue_poll(queue_.get(), static_cast<int>(base::ToMillis(timeout))));
}

void GroupClient::Wake() { rd_kafka_queue_yield(queue_.get()); }

base::Result<std::vector<ports::AssignedPartition>> GroupClient::ReadCommitted(
    const std::vector<model::TopicPartition>& partitions, base::Duration timeout) {
  if (partitions.empty()) return std::vector<ports::AssignedPartition>{};
  const PartitionListHandle list = MakeList(partitions);
  int code =
      rd_kafka_committed(client_.get(), list.get(), static_cast<int>(base::ToMillis(timeout)));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = FirstErrorOf(list.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return CommittedOf(*list);
  return ToError(code, "committed offsets can't be read");
}

bool GroupClient::IsCooperative() const {
  const char* const protocol = rd_kafka_rebalance_protocol(client_.get());
  return protocol != nullptr && std::string_view(protocol) == "COOPERATIVE";
}

base::Result<void> GroupClient::Take(const std::vector<ports::AssignedPartition>& partitions) {
  // Without a start librdkafka asks for the committed offsets itself, and crashes if it gets no
  // answer (#4789).
  const PartitionListHandle list = MakeList(
      partitions, auto_offset_reset_ == AutoOffsetReset::kLatest ? RD_KAFKA_OFFSET_END
                                                                 : RD_KAFKA_OFFSET_BEGINNING);
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (IsCooperative()) {
    const ErrorHandle error(rd_kafka_incremental_assign(client_.get(), list.get()));
    if (error) code = rd_kafka_error_code(error.get());
  } else {
    code = rd_kafka_assign(client_.get(), list.get());
  }
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return ToError(code, "partitions can't be taken");
}

void GroupClient::Refuse() {
  if (!IsCooperative()) return GiveBackAll();
  // It waits for an answer, and takes none but this one.
  Report(reporter_,
         rd_kafka_incremental_assign(client_.get(),
                                     MakeList(std::vector<model::TopicPartition>{}).get()),
         "partitions can't be refused");
}

void GroupClient::GiveBack(const std::vector<model::TopicPartition>& partitions) {
  if (!IsCooperative()) return GiveBackAll();
  Report(reporter_, rd_kafka_incremental_unassign(client_.get(), MakeList(partitions).get()),
         "partitions can't be given back");
}

void GroupClient::GiveBackAll() {
  const rd_kafka_resp_err_t code = rd_kafka_assign(client_.get(), nullptr);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    reporter_.ReportError(code, "partitions can't be given back");
  }
}

bool GroupClient::AssignmentLost() const { return rd_kafka_assignment_lost(client_.get()) != 0; }

std::shared_ptr<const rd_kafka_consumer_group_metadata_s> GroupClient::Membership() const {
  return {rd_kafka_consumer_group_metadata(client_.get()), Release()};
}

base::Result<void> GroupClient::Commit(const ports::CommitOffsets& commit) {
  // librdkafka only hands it back.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  void* const opaque = reinterpret_cast<void*>(static_cast<std::uintptr_t>(commit.commit.value));
  const rd_kafka_resp_err_t code = rd_kafka_commit_queue(
      client_.get(), MakeList(commit.offsets).get(), queue_.get(), nullptr, opaque);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return ToError(code, "offsets can't be committed");
}

void GroupClient::Pause(const std::vector<model::TopicPartition>& partitions) {
  const PartitionListHandle list = MakeList(partitions);
  rd_kafka_pause_partitions(client_.get(), list.get());
  const int code = FirstErrorOf(list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    reporter_.ReportError(code, "a partition can't be paused");
}

void GroupClient::Resume(const std::vector<model::TopicPartition>& partitions) {
  const PartitionListHandle list = MakeList(partitions);
  rd_kafka_resume_partitions(client_.get(), list.get());
  const int code = FirstErrorOf(list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    reporter_.ReportError(code, "a partition can't be resumed");
}

base::Result<void> GroupClient::Close() {
  const ErrorHandle error(rd_kafka_consumer_close_queue(client_.get(), queue_.get()));
  if (!error) return {};
  return ToError(rd_kafka_error_code(error.get()), "the group can't be left");
}

bool GroupClient::closed() const { return rd_kafka_consumer_closed(client_.get()) != 0; }

std::vector<PartitionLag> GroupClient::Lag(
    const std::vector<ports::AssignedPartition>& assigned) const {
  std::vector<PartitionLag> lag;
  const PartitionListHandle list = MakeList(assigned, RD_KAFKA_OFFSET_INVALID);
  rd_kafka_position(client_.get(), list.get());
  for (std::size_t i = 0; i < assigned.size(); ++i) {
    const rd_kafka_topic_partition_t& element = list->elems[i];
    const std::int64_t position =
        element.offset >= 0 ? element.offset : assigned[i].committed_offset;
    std::int64_t low = 0;
    std::int64_t high = 0;
    const bool known =
        rd_kafka_get_watermark_offsets(client_.get(), element.topic, element.partition, &low,
                                       &high) == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!known || position < 0 || high < position) continue;
    lag.push_back(
        {.partition = assigned[i].partition, .position = position, .high_watermark = high});
  }
  return lag;
}

base::Result<std::map<model::TopicPartition, std::int64_t>> GroupClient::EndOffsets(
    const std::vector<model::TopicPartition>& partitions, base::Duration timeout) const {
  std::map<model::TopicPartition, std::int64_t> ends;
  // One request for each leader, where rd_kafka_query_watermark_offsets() makes two a partition.
  const PartitionListHandle list = MakeList(partitions);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = RD_KAFKA_OFFSET_END;
  const rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(
      client_.get(), list.get(), static_cast<int>(base::ToMillis(timeout)));
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return ToError(code, "end offsets can't be read");
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& element = list->elems[i];
    if (element.err == RD_KAFKA_RESP_ERR_NO_ERROR && element.offset >= 0) {
      ends[{element.topic, element.partition}] = element.offset;
    }
  }
  return ends;
}

}  // namespace llmbatch::kafka
