// SimKafka: topics, a consumer group with eager rebalancing, and published messages, in virtual
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "sim/clock.h"
#include "sim/plan.h"

namespace llmbatch::sim {

inline constexpr const char* kRequestTopic = "llm.requests";

class SimKafka {
 public:
  // Hands an event to a replica; does nothing if that incarnation is gone.
  using Deliver = std::function<void(int replica, ports::Event event)>;

  SimKafka(const Plan& plan, Schedule& schedule, base::Rng& rng, Deliver deliver);

  // Appends a record to a partition of the request topic; returns its offset.
  std::int64_t Append(std::int32_t partition, ports::Record record);

  // A replica joins the group, or leaves it without a word.
  void Join(int replica);
  void Vanish(int replica);
  // The group gives up a replica that lives, but hasn't been heard of for too long.
  void Expel(int replica);
  // Tells a replica that its partitions are lost.
  void TellLost(int replica, std::vector<model::TopicPartition> partitions);
  void Rebalance();
  // Nothing gets through until it is back. Then everything does, or was given up.
  void SetAway(bool away);
  // The replica's consumer begins anew at the committed offsets.
  void Rebuild(int replica);
  void Execute(int replica, ports::Command& command);

  // Every message that was written, also those whose acknowledgement was lost.
  const std::vector<std::shared_ptr<const ports::Message>>& written() const { return written_; }
  // Partitions whose every record is behind the committed offset.
  bool AllCommitted() const;
  std::int64_t committed(std::int32_t partition) const {
    return partitions_.at(partition).committed;
  }
  const std::vector<ports::Record>& log(std::int32_t partition) const {
    return partitions_.at(partition).log;
  }
  bool had_ambiguous_publish() const { return had_ambiguous_publish_; }
  // Set by the test: called for everything that is about to be committed.
  std::function<void(const ports::PartitionOffset& offset)> on_commit;

 private:
  struct Partition {
    std::vector<ports::Record> log;
    std::int64_t committed = -1;
    std::string metadata;  // committed with it
    std::int64_t position = 0;
    std::optional<int> owner;
    bool paused = false;
    bool fetching = false;
  };
  struct Member {
    bool leaving = false;
    bool revoking = false;
    std::int64_t assignment = 0;
  };

  void Publish(int replica, const ports::PublishRecord& command);
  void Transact(int replica, const ports::RunTransaction& command);
  bool MayCommit(int replica, std::int64_t assignment,
                 const std::vector<ports::PartitionOffset>& offsets) const;
  void Commit(const ports::PartitionOffset& offset);
  void RemoveMember(int replica);
  void Commit(int replica, ports::CommitOffsets& command);
  void SetPaused(int replica, const std::vector<model::TopicPartition>& partitions, bool paused);
  void Fetch(std::int32_t partition);
  void BeginRebalance();
  void RevokeFrom(int replica);
  void AssignWhenRevoked();
  // Reading begins at the committed offset.
  ports::AssignedPartition Rewind(std::int32_t number);
  base::Duration Latency();
  // Carries it out after that time, not while the brokers are away.
  void Later(base::Duration delay, std::function<void()> action);

  const Plan& plan_;
  Schedule& schedule_;
  base::Rng& rng_;
  Deliver deliver_;
  std::map<std::int32_t, Partition> partitions_;
  std::map<int, Member> members_;
  std::map<int, int> open_losses_;  // told, and not yet answered; nobody waits for that
  std::int64_t assignments_ = 0;
  bool rebalancing_ = false;
  bool away_ = false;
  std::vector<std::function<void()>> waiting_;  // for the brokers to be back
  std::vector<std::shared_ptr<const ports::Message>> written_;
  bool had_ambiguous_publish_ = false;
};

}  // namespace llmbatch::sim
