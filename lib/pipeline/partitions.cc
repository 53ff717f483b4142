#include "pipeline/partitions.h"

#include <algorithm>
#include <utility>

namespace llmbatch::pipeline {
namespace {

// A record costs memory beyond its bytes; counting that keeps many small ones within the bound too.
constexpr std::int64_t kRecordOverheadBytes = 2048;

std::int64_t SizeOf(const ports::Record& record) {
  std::size_t bytes =
      (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  for (const model::Header& header : record.headers)
    bytes += header.name.size() + header.value.size();
  return static_cast<std::int64_t>(bytes) + kRecordOverheadBytes;
}

}  // namespace

std::vector<model::TopicPartition> Partitions::Assign(
    const std::vector<ports::AssignedPartition>& partitions) {
  std::vector<model::TopicPartition> unreadable;
  for (const ports::AssignedPartition& each : partitions) {
    const auto done = offsets::DecodeDoneMap(each.committed_offset, each.metadata);
    if (!done) unreadable.push_back(each.partition);
    partitions_.emplace(each.partition,
                        Partition(++tenures_, each.committed_offset,
                                  done.value_or(offsets::DoneRanges{}), each.metadata));
  }
  return unreadable;
}

void Partitions::Revoke(const std::vector<model::TopicPartition>& partitions) {
  for (const model::TopicPartition& name : partitions) partitions_.erase(name);
  for (auto it = records_.begin(); it != records_.end();) {
    if (partitions_.contains(it->second.partition)) {
      ++it;
      continue;
    }
    pending_bytes_ -= it->second.bytes;
    it = records_.erase(it);
  }
}

bool Partitions::IsBelowStart(const ports::Record& record) const {
  const auto found = partitions_.find(record.partition);
  return found != partitions_.end() && record.offset < found->second.start;
}

void Partitions::Restart(const ports::Record& record) {
  const bool paused = partitions_.at(record.partition).paused;
  Revoke({record.partition});
  partitions_.emplace(record.partition, Partition(++tenures_, record.offset, {}, {}))
      .first->second.paused = paused;
  for (auto& [id, offsets] : commits_under_way_) {
    std::erase_if(offsets, [&](const auto& each) { return each.partition == record.partition; });
  }
}

std::optional<RecordId> Partitions::Begin(const ports::Record& record, base::Timestamp now) {
  const auto found = partitions_.find(record.partition);
  if (found == partitions_.end() || !found->second.tracker.Begin(record.offset))
    return std::nullopt;
  const RecordId id = record_ids_.Next();
  const std::int64_t bytes = SizeOf(record);
  records_.emplace_hint(records_.end(), id,
                        OpenRecord{.partition = record.partition,
                                   .offset = record.offset,
                                   .expected = 1,
                                   .bytes = bytes,
                                   .arrived = now});
  pending_bytes_ += bytes;
  found->second.bytes += bytes;
  return id;
}

void Partitions::Expect(RecordId record, std::int64_t messages) {
  const auto found = records_.find(record);
  if (found != records_.end()) found->second.expected += messages;
}

std::int64_t Partitions::Expected(RecordId record) const {
  const auto found = records_.find(record);
  return found == records_.end() ? 0 : found->second.expected;
}

void Partitions::Acknowledge(RecordId record) {
  const auto found = records_.find(record);
  if (found == records_.end() || --found->second.expected > 0) return;
  Partition& partition = partitions_.at(found->second.partition);
  partition.tracker.Finish(found->second.offset);
  partition.bytes -= found->second.bytes;
  pending_bytes_ -= found->second.bytes;
  records_.erase(found);
  moved_ = true;
}

std::optional<model::Origin> Partitions::OriginOf(RecordId record) const {
  const auto found = records_.find(record);
  if (found == records_.end()) return std::nullopt;
  return model::Origin{
      .partition = found->second.partition, .offset = found->second.offset, .index = {}};
}

std::optional<Tenure> Partitions::TenureOf(RecordId record) const {
  const auto found = records_.find(record);
  if (found == records_.end()) return std::nullopt;
  const model::TopicPartition& partition = found->second.partition;
  return Tenure{.partition = partition, .number = partitions_.at(partition).tenure};
}

bool Partitions::Lasts(const Tenure& tenure) const {
  const auto found = partitions_.find(tenure.partition);
  return found != partitions_.end() && found->second.tenure == tenure.number;
}

bool Partitions::TooFarAhead(const Partition& partition) const {
  const auto open = static_cast<std::int64_t>(partition.tracker.open());
  // Once paused, a partition goes on only when there is room for a good many records.
  const std::int64_t room = partition.paused ? 2 : 1;
  return partition.tracker.span() * room > limits_.max_span_records &&
         open * room > limits_.max_open_records;
}

bool Partitions::HasTooMuch(const Partition& partition) const {
  const std::int64_t bytes = partition.bytes * (partition.paused ? 2 : 1);
  if (partitions_.size() == 1) return bytes > limits_.max_pending_bytes;
  return bytes > limits_.max_pending_bytes - pending_bytes_;
}

std::vector<ports::Command> Partitions::FlowControl() {
  ports::PausePartitions pause;
  ports::ResumePartitions resume;
  for (auto& [name, partition] : partitions_) {
    const bool wanted = HasTooMuch(partition) || TooFarAhead(partition);
    if (wanted == partition.paused) continue;
    partition.paused = wanted;
    (wanted ? pause.partitions : resume.partitions).push_back(name);
  }
  std::vector<ports::Command> commands;
  if (!pause.partitions.empty()) commands.emplace_back(std::move(pause));
  if (!resume.partitions.empty()) commands.emplace_back(std::move(resume));
  return commands;
}

std::optional<ports::PartitionOffset> Partitions::Due(const model::TopicPartition& name,
                                                      Partition& partition, Unless unless) {
  const auto offset = partition.tracker.Committable();
  if (!offset) return std::nullopt;
  Committed due{.offset = *offset,
                .metadata = offsets::EncodeDoneMap(*offset, partition.tracker.Done())};
  const Committed& last = partition.sent ? *partition.sent : partition.committed;
  // Brokers take an offset below the last one, too.
  if (due.offset < last.offset) return std::nullopt;
  if (due == last && unless == Unless::kUnchanged) return std::nullopt;
  partition.sent = due;
  return ports::PartitionOffset{
      .partition = name, .offset = due.offset, .metadata = std::move(due.metadata)};
}

std::optional<ports::CommitOffsets> Partitions::NextCommit(model::CommitId id,
                                                           base::Timestamp now) {
  if (!moved_ || now < next_commit_ || !commits_under_way_.empty()) return std::nullopt;
  next_commit_ = now + commit_interval_;
  moved_ = false;
  return CommitNow(id, Assigned());
}

std::optional<ports::CommitOffsets> Partitions::CommitNow(
    model::CommitId id, const std::vector<model::TopicPartition>& partitions) {
  ports::CommitOffsets commit{.commit = id, .offsets = {}};
  for (const model::TopicPartition& name : partitions) {
    const auto found = partitions_.find(name);
    if (found == partitions_.end()) continue;
    if (auto offset = Due(name, found->second, Unless::kUnchanged))
      commit.offsets.push_back(std::move(*offset));
  }
  if (commit.offsets.empty()) return std::nullopt;
  commits_under_way_.emplace(id, commit.offsets);
  return commit;
}

std::vector<ports::PartitionOffset> Partitions::CommitAll(
    model::CommitId id, const model::TopicPartition* in_any_case) {
  moved_ = false;
  std::vector<ports::PartitionOffset> offsets;
  for (auto& [name, partition] : partitions_) {
    const bool wanted = in_any_case != nullptr && name == *in_any_case;
    auto offset = Due(name, partition, wanted ? Unless::kUnknown : Unless::kUnchanged);
    if (offset) offsets.push_back(*std::move(offset));
  }
  if (!offsets.empty()) commits_under_way_.emplace(id, offsets);
  return offsets;
}

void Partitions::OnCommitted(const ports::OffsetsCommitted& event) {
  const auto found = commits_under_way_.find(event.commit);
  if (found == commits_under_way_.end()) return;
  for (const ports::PartitionOffset& each : found->second) {
    const auto partition = partitions_.find(each.partition);
    if (partition == partitions_.end()) continue;
    const Committed told{.offset = each.offset, .metadata = each.metadata};
    if (event.outcome && told.offset >= partition->second.committed.offset) {
      partition->second.committed = told;
    }
    if (partition->second.sent == told) partition->second.sent.reset();
    if (!event.outcome) moved_ = true;
  }
  commits_under_way_.erase(found);
}

std::optional<base::Timestamp> Partitions::Deadline() const {
  if (!moved_ || !commits_under_way_.empty()) return std::nullopt;
  return next_commit_;
}

bool Partitions::IsPaused(const model::TopicPartition& partition) const {
  const auto found = partitions_.find(partition);
  return found != partitions_.end() && found->second.paused;
}

bool Partitions::WasReadBefore(const model::TopicPartition& partition, std::int64_t offset) const {
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return false;
  const offsets::DoneRanges done = found->second.tracker.Done();
  return !done.empty() && done.back().end > offset + 1;
}

std::vector<model::TopicPartition> Partitions::Assigned() const {
  std::vector<model::TopicPartition> names;
  names.reserve(partitions_.size());
  for (const auto& [name, partition] : partitions_) names.push_back(name);
  return names;
}

std::vector<PartitionStatus> Partitions::Status() const {
  std::vector<PartitionStatus> status;
  status.reserve(partitions_.size());
  for (const auto& [name, partition] : partitions_) {
    status.push_back(PartitionStatus{.partition = name,
                                     .committed = partition.committed.offset,
                                     .open = static_cast<std::int64_t>(partition.tracker.open()),
                                     .paused = partition.paused});
  }
  return status;
}

std::size_t Partitions::paused() const {
  return static_cast<std::size_t>(std::count_if(
      partitions_.begin(), partitions_.end(), [](const auto& each) { return each.second.paused; }));
}

std::optional<base::Timestamp> Partitions::OldestOpen() const {
  // Ids grow with arrival.
  if (records_.empty()) return std::nullopt;
  return records_.begin()->second.arrived;
}

double Partitions::DoneMapFill() const {
  std::size_t largest_bytes = 0;
  for (const auto& [name, partition] : partitions_) {
    const Committed& last = partition.sent ? *partition.sent : partition.committed;
    largest_bytes = std::max(largest_bytes, last.metadata.size());
  }
  return static_cast<double>(largest_bytes) / offsets::kMaxMetadataBytes;
}

}  // namespace llmbatch::pipeline
