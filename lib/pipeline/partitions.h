// Partitions: which partitions are ours, which of their records are open, when to pause and what to
// commit.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "model/origin.h"
#include "offsets/offset_tracker.h"
#include "pipeline/options.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::pipeline {

// One delivery of one record; the same record delivered again after a rebalance has another.
using RecordId = base::Id<struct RecordTag>;

// One time of owning a partition, from its assignment to its revocation.
struct Tenure {
  model::TopicPartition partition;
  std::uint64_t number = 0;
};

struct PartitionStatus {
  model::TopicPartition partition;
  std::int64_t committed = -1;
  std::int64_t open = 0;
  bool paused = false;
};

// A record is finished when every message that follows from it is acknowledged. Each of these must
// be announced by Expect() before the one before it is acknowledged. Belongs to one thread.
class Partitions {
 public:
  explicit Partitions(const Limits& limits, base::Duration commit_interval)
      : limits_(limits), commit_interval_(commit_interval) {}

  // From now on; what was read before them is kept.
  void SetLimits(const Limits& limits, base::Duration commit_interval) {
    limits_ = limits;
    commit_interval_ = commit_interval;
  }

  // One that is assigned already stays as it is. Returns those whose metadata is no done map: what
  // it may have said is done will be asked for again.
  std::vector<model::TopicPartition> Assign(
      const std::vector<ports::AssignedPartition>& partitions);
  // Forgets the partitions and their open records.
  void Revoke(const std::vector<model::TopicPartition>& partitions);

  // The record lies below where reading began: the topic was made anew or its log was cut, and what
  // was committed is about other records.
  bool IsBelowStart(const ports::Record& record) const;
  // Begins the record's partition anew, at the record. Its open records are forgotten.
  void Restart(const ports::Record& record);

  // Takes a record in, with one message expected to follow from it. nullopt: it isn't ours, or was
  // delivered before.
  std::optional<RecordId> Begin(const ports::Record& record, base::Timestamp now);
  void Expect(RecordId record, std::int64_t messages);
  // Messages that are yet to be acknowledged; 0 if the record is finished or isn't ours.
  std::int64_t Expected(RecordId record) const;
  // One message is acknowledged. Does nothing for a record that is no longer ours.
  void Acknowledge(RecordId record);
  bool Owns(RecordId record) const { return records_.contains(record); }
  // nullopt: the record is finished or isn't ours.
  std::optional<model::Origin> OriginOf(RecordId record) const;
  std::optional<Tenure> TenureOf(RecordId record) const;
  bool Lasts(const Tenure& tenure) const;

  // Pausing and resuming that the limits call for now.
  std::vector<ports::Command> FlowControl();

  // What has moved since the last commit; nullopt if nothing, if one is under way, or if it isn't
  // time yet.
  std::optional<ports::CommitOffsets> NextCommit(model::CommitId id, base::Timestamp now);
  // The same at once, for some partitions.
  std::optional<ports::CommitOffsets> CommitNow(
      model::CommitId id, const std::vector<model::TopicPartition>& partitions);
  // The same for all partitions, as part of a transaction; also that of `in_any_case`, if it isn't
  // null, when nothing in it has moved.
  std::vector<ports::PartitionOffset> CommitAll(model::CommitId id,
                                                const model::TopicPartition* in_any_case);
  void OnCommitted(const ports::OffsetsCommitted& event);
  // Something has finished since the last commit.
  bool moved() const { return moved_; }
  std::optional<base::Timestamp> Deadline() const;

  std::vector<model::TopicPartition> Assigned() const;
  bool IsPaused(const model::TopicPartition& partition) const;
  // Records behind it have been finished: whoever had the partition before has read it, too.
  bool WasReadBefore(const model::TopicPartition& partition, std::int64_t offset) const;
  std::vector<PartitionStatus> Status() const;
  std::size_t open_records() const { return records_.size(); }
  std::int64_t pending_bytes() const { return pending_bytes_; }
  std::size_t paused() const;
  std::optional<base::Timestamp> OldestOpen() const;
  // Share of the room beside an offset that the largest done map takes, 0 to 1; as last committed.
  double DoneMapFill() const;

 private:
  // What a new owner would find.
  struct Committed {
    std::int64_t offset = -1;
    std::string metadata;
    friend bool operator==(const Committed&, const Committed&) = default;
  };
  struct Partition {
    Partition(std::uint64_t tenure_number, std::int64_t next_offset,
              const offsets::DoneRanges& done, std::string metadata)
        : tenure(tenure_number),
          start(next_offset),
          tracker(next_offset, done),
          committed{.offset = next_offset, .metadata = std::move(metadata)} {}
    std::uint64_t tenure;
    std::int64_t start;  // negative: unknown
    offsets::OffsetTracker tracker;
    Committed committed;            // acknowledged by Kafka
    std::optional<Committed> sent;  // under way
    std::int64_t bytes = 0;         // of its open records
    bool paused = false;
  };
  struct OpenRecord {
    model::TopicPartition partition;
    std::int64_t offset = 0;
    std::int64_t expected = 1;
    std::int64_t bytes = 0;
    base::Timestamp arrived;
  };

  enum class Unless { kUnchanged, kUnknown };
  std::optional<ports::PartitionOffset> Due(const model::TopicPartition& name, Partition& partition,
                                            Unless unless);
  bool TooFarAhead(const Partition& partition) const;
  // It holds more than is left for others, which would have to wait for it (dynamic thresholds as
  // of Choudhury and Hahne, 1998): one full partition leaves half of the bytes, two leave a third.
  bool HasTooMuch(const Partition& partition) const;

  Limits limits_;
  base::Duration commit_interval_;
  std::uint64_t tenures_ = 0;
  base::IdSequence<RecordId> record_ids_;
  std::map<model::TopicPartition, Partition> partitions_;
  std::map<RecordId, OpenRecord> records_;
  std::map<model::CommitId, std::vector<ports::PartitionOffset>> commits_under_way_;
  std::int64_t pending_bytes_ = 0;
  bool moved_ = false;
  base::Timestamp next_commit_;
};

}  // namespace llmbatch::pipeline
