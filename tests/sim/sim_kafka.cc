#include "sim/sim_kafka.h"

#include <algorithm>
#include <utility>

namespace llmbatch::sim {
namespace {

base::Error Unavailable() {
  return base::MakeError(base::ErrorKind::kUnavailable, "simulated broker outage");
}

}  // namespace

SimKafka::SimKafka(const Plan& plan, Schedule& schedule, base::Rng& rng, Deliver deliver)
    : plan_(plan), schedule_(schedule), rng_(rng), deliver_(std::move(deliver)) {
  for (std::int32_t i = 0; i < plan.partitions; ++i) partitions_.try_emplace(i);
}

base::Duration SimKafka::Latency() { return std::chrono::microseconds(rng_.Below(20'000)); }

void SimKafka::Later(base::Duration delay, std::function<void()> action) {
  schedule_.After(
      delay, [this, action = std::move(action)] { away_ ? waiting_.push_back(action) : action(); });
}

void SimKafka::SetAway(bool away) {
  away_ = away;
  if (away) return;
  for (const auto& action : std::exchange(waiting_, {})) action();
  AssignWhenRevoked();
}

std::int64_t SimKafka::Append(std::int32_t partition, ports::Record record) {
  Partition& target = partitions_.at(partition);
  record.partition = {.topic = kRequestTopic, .partition = partition};
  // Offsets have gaps, as transaction markers and compaction leave them.
  const std::int64_t previous = target.log.empty() ? -1 : target.log.back().offset;
  record.offset = previous + 1 + (rng_.Chance(0.1) ? static_cast<std::int64_t>(rng_.Below(3)) : 0);
  target.log.push_back(std::move(record));
  Fetch(partition);
  return target.log.back().offset;
}

void SimKafka::Fetch(std::int32_t number) {
  Partition& partition = partitions_.at(number);
  const bool at_end = partition.position >= static_cast<std::int64_t>(partition.log.size());
  if (partition.fetching || partition.paused || !partition.owner || rebalancing_ || at_end) return;
  partition.fetching = true;
  Later(std::chrono::microseconds(rng_.Below(2'000)), [this, number] {
    Partition& source = partitions_.at(number);
    source.fetching = false;
    const bool gone = !source.owner || source.paused || rebalancing_;
    if (gone || source.position >= static_cast<std::int64_t>(source.log.size())) return;
    const ports::Record record = source.log[static_cast<std::size_t>(source.position++)];
    deliver_(*source.owner, ports::RecordReceived{.record = record});
    if (rng_.Below(1000) < plan_.repeated_events)
      deliver_(*source.owner, ports::RecordReceived{.record = record});
    Fetch(number);
  });
}

void SimKafka::Join(int replica) {
  members_.insert_or_assign(replica, Member{});
  BeginRebalance();
}

void SimKafka::RemoveMember(int replica) {
  members_.erase(replica);
  for (auto& [number, partition] : partitions_) {
    if (partition.owner == replica) partition.owner.reset();
  }
}

void SimKafka::TellLost(int replica, std::vector<model::TopicPartition> partitions) {
  ++open_losses_[replica];
  deliver_(replica, ports::PartitionsRevoked{.partitions = std::move(partitions), .lost = true});
}

void SimKafka::Expel(int replica) {
  if (members_.contains(replica) && members_.at(replica).revoking) ++open_losses_[replica];
  RemoveMember(replica);
  rebalancing_ ? AssignWhenRevoked() : BeginRebalance();
}

void SimKafka::Vanish(int replica) {
  RemoveMember(replica);
  // The group notices after the session timeout.
  schedule_.After(std::chrono::seconds(6),
                  [this] { rebalancing_ ? AssignWhenRevoked() : BeginRebalance(); });
}

void SimKafka::Rebalance() { BeginRebalance(); }

void SimKafka::BeginRebalance() {
  if (rebalancing_) return;
  rebalancing_ = true;
  for (auto& [replica, member] : members_) {
    const bool owns =
        std::any_of(partitions_.begin(), partitions_.end(),
                    [id = replica](const auto& each) { return each.second.owner == id; });
    if (owns && !member.revoking) RevokeFrom(replica);
  }
  AssignWhenRevoked();
}

void SimKafka::RevokeFrom(int replica) {
  members_.at(replica).revoking = true;
  ports::PartitionsRevoked event;
  for (auto& [number, partition] : partitions_) {
    if (partition.owner == replica)
      event.partitions.push_back({.topic = kRequestTopic, .partition = number});
  }
  schedule_.After(Latency(), [this, replica, event] { deliver_(replica, event); });
}

void SimKafka::AssignWhenRevoked() {
  if (!rebalancing_ || away_) return;
  std::vector<int> ready;
  for (auto& [replica, member] : members_) {
    if (member.revoking) return;
    if (!member.leaving) ready.push_back(replica);
  }
  rebalancing_ = false;
  std::map<int, ports::PartitionsAssigned> assignments;
  for (auto& [number, partition] : partitions_) {
    partition.owner.reset();
    partition.paused = false;
    if (ready.empty()) continue;
    partition.owner = ready[static_cast<std::size_t>(rng_.Below(ready.size()))];
    assignments[*partition.owner].partitions.push_back(Rewind(number));
  }
  for (auto& [replica, event] : assignments) {
    event.assignment = members_.at(replica).assignment = ++assignments_;
    deliver_(replica, event);
  }
  for (auto& [number, partition] : partitions_) Fetch(number);
}

ports::AssignedPartition SimKafka::Rewind(std::int32_t number) {
  Partition& partition = partitions_.at(number);
  const auto first = std::find_if(
      partition.log.begin(), partition.log.end(),
      [&partition](const auto& record) { return record.offset >= partition.committed; });
  partition.position = first - partition.log.begin();
  partition.paused = false;
  return {.partition = {.topic = kRequestTopic, .partition = number},
          .committed_offset = partition.committed,
          .metadata = partition.metadata};
}

void SimKafka::Rebuild(int replica) {
  if (rebalancing_) return;
  ports::PartitionsAssigned event;
  for (auto& [number, partition] : partitions_) {
    if (partition.owner == replica) event.partitions.push_back(Rewind(number));
  }
  if (event.partitions.empty()) return;
  event.assignment = members_.at(replica).assignment = ++assignments_;
  if (rng_.Chance(0.5)) {
    // The consumer that broke told of it, and the main loop hears of both at once.
    std::vector<model::TopicPartition> lost;
    for (const auto& each : event.partitions) lost.push_back(each.partition);
    TellLost(replica, std::move(lost));
  }
  deliver_(replica, event);
  for (auto& [number, partition] : partitions_) Fetch(number);
}

void SimKafka::Execute(int replica, ports::Command& command) {
  if (auto* publish = std::get_if<ports::PublishRecord>(&command)) {
    Publish(replica, *publish);
  } else if (const auto* transaction = std::get_if<ports::RunTransaction>(&command)) {
    Transact(replica, *transaction);
  } else if (auto* commit = std::get_if<ports::CommitOffsets>(&command)) {
    Commit(replica, *commit);
  } else if (auto* pause = std::get_if<ports::PausePartitions>(&command)) {
    SetPaused(replica, pause->partitions, true);
  } else if (auto* resume = std::get_if<ports::ResumePartitions>(&command)) {
    SetPaused(replica, resume->partitions, false);
  } else if (std::holds_alternative<ports::RevokeDone>(command)) {
    if (open_losses_[replica] > 0) {
      --open_losses_[replica];
      return;
    }
    if (!members_.contains(replica)) return;
    Member& member = members_.at(replica);
    member.revoking = false;
    member.assignment = ++assignments_;
    for (auto& [number, partition] : partitions_) {
      if (partition.owner == replica) partition.owner.reset();
    }
    AssignWhenRevoked();
  } else if (std::holds_alternative<ports::StopConsuming>(command)) {
    schedule_.After(Latency(), [this, replica] {
      for (auto& [number, partition] : partitions_) {
        if (partition.owner == replica) partition.owner.reset();
      }
      members_.erase(replica);
      deliver_(replica, ports::ConsumerStopped{});
      rebalancing_ ? AssignWhenRevoked() : BeginRebalance();
    });
  }
}

void SimKafka::SetPaused(int replica, const std::vector<model::TopicPartition>& partitions,
                         bool paused) {
  for (const model::TopicPartition& name : partitions) {
    Partition& partition = partitions_.at(name.partition);
    if (partition.owner != replica) continue;
    partition.paused = paused;
    Fetch(name.partition);
  }
}

void SimKafka::Publish(int replica, const ports::PublishRecord& command) {
  const bool fails = rng_.Below(1000) < plan_.publish_failures;
  // A failure may hide that the message was written all the same.
  const bool is_written = !fails || rng_.Chance(0.5);
  had_ambiguous_publish_ = had_ambiguous_publish_ || (fails && is_written);
  Later(Latency(), [this, replica, command, fails, is_written] {
    if (is_written) written_.push_back(command.message);
    deliver_(replica, ports::RecordPublished{.publish = command.publish,
                                             .outcome = fails ? base::Result<void>(Unavailable())
                                                              : base::Result<void>()});
  });
}

bool SimKafka::MayCommit(int replica, std::int64_t assignment,
                         const std::vector<ports::PartitionOffset>& offsets) const {
  const auto member = members_.find(replica);
  if (member == members_.end() || member->second.assignment != assignment) return false;
  return std::all_of(offsets.begin(), offsets.end(), [&](const auto& each) {
    return partitions_.at(each.partition.partition).owner == replica;
  });
}

void SimKafka::Transact(int replica, const ports::RunTransaction& command) {
  const bool fails = rng_.Below(1000) < plan_.publish_failures;
  Later(Latency() * 5, [this, replica, command, fails] {
    // What a replica that was killed has begun is never committed.
    const bool committed = !fails && !command.offsets.empty() &&
                           MayCommit(replica, command.assignment, command.offsets);
    if (committed) {
      for (const ports::PublishRecord& each : command.records) written_.push_back(each.message);
      for (const ports::PartitionOffset& each : command.offsets) Commit(each);
    }
    Later(Latency(), [this, replica, id = command.commit, committed] {
      deliver_(replica,
               ports::TransactionEnded{
                   .commit = id,
                   .outcome = committed ? base::Result<void>() : base::Result<void>(Unavailable()),
                   .too_large = {}});
    });
  });
}

void SimKafka::Commit(const ports::PartitionOffset& offset) {
  Partition& partition = partitions_.at(offset.partition.partition);
  if (on_commit) on_commit(offset);
  partition.committed = offset.offset;
  partition.metadata = offset.metadata;
}

void SimKafka::Commit(int replica, ports::CommitOffsets& command) {
  if (away_) {
    waiting_.push_back([this, replica, command]() mutable { Commit(replica, command); });
    return;
  }
  // A former owner's commit is refused, also if it has become the owner again.
  const bool fails = rng_.Below(1000) < plan_.commit_failures ||
                     !MayCommit(replica, command.assignment, command.offsets);
  if (!fails) {
    for (const ports::PartitionOffset& each : command.offsets) Commit(each);
  }
  Later(Latency(), [this, replica, id = command.commit, fails] {
    deliver_(replica, ports::OffsetsCommitted{.commit = id,
                                              .outcome = fails ? base::Result<void>(Unavailable())
                                                               : base::Result<void>()});
  });
}

bool SimKafka::AllCommitted() const {
  return std::all_of(partitions_.begin(), partitions_.end(), [](const auto& each) {
    const Partition& partition = each.second;
    return partition.log.empty() || partition.committed > partition.log.back().offset;
  });
}

}  // namespace llmbatch::sim
