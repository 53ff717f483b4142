// What runs on the consumer's thread: takes part in the group, carries out commands, posts events.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kafka/consumer.h"
#include "kafka/group_client.h"
#include "kafka/handles.h"
#include "kafka/pulse.h"
#include "kafka/reporter.h"
#include "model/ids.h"
#include "model/origin.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

class ConsumerLoop {
 public:
  static base::Result<std::unique_ptr<ConsumerLoop>> Create(ConsumerOptions options,
                                                            runtime::Inbox& inbox);

  // From any thread.
  void Execute(std::vector<ConsumerCommand> commands);
  void RequestEnd();
  Health health() const { return pulse_.Read(); }
  std::vector<PartitionLag> Lag() const;
  std::shared_ptr<const rd_kafka_consumer_group_metadata_s> Membership(
      std::int64_t assignment) const;

  // Until StopConsuming is carried out or RequestEnd() called; then every commit has been answered.
  void Run();

 private:
  // Partitions that the group gave us and whose committed offsets are not read yet.
  struct Arrival {
    std::vector<model::TopicPartition> partitions;
    base::Timestamp next_try;
  };

  ConsumerLoop(ConsumerOptions options, runtime::Inbox& inbox);

  void TakeCommands();
  void Apply(ports::CommitOffsets& commit);
  void Apply(ports::PausePartitions& pause);
  void Apply(ports::ResumePartitions& resume);
  void Apply(ports::RevokeDone& done);
  void Apply(ports::StopConsuming& stop);

  // Does what is due.
  void Advance(base::Timestamp now);
  void ReadLag(base::Timestamp now);
  void AskForEnds(base::Timestamp now);
  base::Duration TimeToNextDeadline(base::Timestamp now) const;

  void Gather();
  std::size_t WaitForRoom();
  bool InboxIsFull();
  void Post();
  void OnEvent(EventHandle event);
  void OnMessages(EventHandle event);
  void OnRebalance(EventHandle event);
  void OnCommitResult(EventHandle event);
  void OnError(EventHandle event);

  void Arrive(base::Timestamp now);
  std::vector<model::TopicPartition> AllAssigned() const;
  void BeginRevoke(std::vector<model::TopicPartition> partitions, bool lost);
  void LetGo();
  // Returns the number of the assignment that begins, or of the time without one.
  std::int64_t NextAssignment();
  std::int64_t CurrentAssignment() const;
  void Break(base::Timestamp now);
  void Rebuild(base::Timestamp now);
  void Answer(model::CommitId commit, base::Result<void> outcome);
  void End();
  bool IsLeaving(const model::TopicPartition& partition) const;
  bool Owns(const model::TopicPartition& partition) const;

  const ConsumerOptions options_;
  runtime::Inbox& inbox_;
  const std::shared_ptr<Reporter> reporter_;  // shared with a client that is slow to end
  Pulse pulse_;

  std::vector<ports::AssignedPartition> assigned_;  // told to the core; empty metadata
  std::optional<Arrival> arriving_;
  std::vector<model::TopicPartition> leaving_;  // of assigned_: the core finishes with them
  std::optional<base::Timestamp> let_go_by_;    // set while it does
  std::int64_t open_revokes_ = 0;               // PartitionsRevoked without their RevokeDone
  std::set<model::TopicPartition> paused_;
  std::unordered_set<model::CommitId> commits_;  // under way
  std::optional<base::Timestamp> rebuild_at_;    // set while the client is broken
  base::Duration rebuild_delay_;
  std::optional<base::Timestamp> close_by_;  // set by StopConsuming
  bool finished_ = false;

  std::vector<ports::Event> events_;  // gathered, not posted yet
  std::int64_t unread_bytes_ = 0;     // of records posted since the main loop last took any
  std::int64_t gathered_bytes_ = 0;   // of records in events_
  std::size_t inbox_size_ = 0;        // when it was last looked at, with what was posted since
  base::Timestamp next_lag_;
  base::Timestamp next_ends_;
  std::map<model::TopicPartition, std::int64_t> paused_ends_;

  mutable std::mutex mutex_;
  std::unique_ptr<GroupClient> client_;       // replaced under mutex_, otherwise the thread's own
  std::vector<ConsumerCommand> handed_over_;  // guarded by mutex_
  bool end_requested_ = false;                // guarded by mutex_
  bool ended_ = false;                        // guarded by mutex_
  std::vector<PartitionLag> lag_;             // guarded by mutex_
  std::int64_t assignment_ = 0;               // guarded by mutex_
};

}  // namespace llmbatch::kafka
