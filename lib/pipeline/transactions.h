// Transactions: for the delivery "exactly_once", messages gather here until they are published
// together with the offsets of the records that they finish. Readers of committed records see both
// or neither.
//
// A record counts as finished as soon as its last message has joined a transaction. One that fails
// hands its messages on to the next, which takes them before any others: no offset is ever
// committed without them.
//
// The results of one record go out together, or else a crash between them would repeat the first
// ones. Progress doesn't wait for that, so it may be repeated, with the same ids.
//
// Belongs to one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "admission/backoff.h"
#include "base/rng.h"
#include "base/time.h"
#include "model/ids.h"
#include "pipeline/partitions.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::pipeline {

class Transactions {
 public:
  // Two begin at least `interval` apart.
  Transactions(admission::BackoffOptions backoff, base::Duration interval)
      : backoff_(backoff), interval_(interval) {}

  enum class Company {
    kNone,   // goes with the next transaction
    kRecord  // goes with the last message that is expected to follow from its record
  };
  // A message that follows from `record`. The address names it in reports. Dropped if the record
  // isn't ours: nullptr.
  const ports::Message* Add(const Partitions& partitions, RecordId record, ports::Message message,
                            Company company);
  // Drops the record's messages that wait for its last one; returns how many.
  std::int64_t DropHeld(RecordId record);

  enum class Haste { kNone, kAtOnce };  // kAtOnce: without regard to the interval
  // The next transaction; nullopt if one is under way, if there is nothing to tell, or if it isn't
  // time yet. Messages of partitions that aren't ours any more are dropped.
  std::optional<ports::RunTransaction> Next(Partitions& partitions, model::CommitId id,
                                            base::Timestamp now, Haste haste);

  struct Refused {
    model::PublishId publish;
    model::Origin origin;  // of the record that it follows from
    std::shared_ptr<const ports::Message> message;
  };
  struct Ended {
    std::vector<std::shared_ptr<const ports::Message>> committed;
    // Will never be taken. Each must be replaced before the next transaction.
    std::vector<Refused> refused;
  };
  Ended OnEnded(const ports::TransactionEnded& event, Partitions& partitions, base::Timestamp now,
                base::Rng& rng);
  // nullopt: by nothing.
  void Replace(model::PublishId publish, std::optional<ports::Message> message);

  // Nothing waits for a transaction, none is under way.
  bool empty() const { return messages_.empty() && !under_way_; }
  std::optional<base::Timestamp> Deadline(const Partitions& partitions) const;

 private:
  struct Pending {
    model::PublishId publish;
    RecordId record;
    Tenure tenure;  // of the record's partition
    model::Origin origin;
    std::shared_ptr<const ports::Message> message;
    bool joined = false;  // has been in a transaction; its record counts as finished by it
  };

  // Messages of one record that have not joined a transaction.
  struct Group {
    std::int64_t messages = 0;
    std::vector<Pending> held;  // those of them that wait for the others
  };

  void DropForeign(const Partitions& partitions);
  std::vector<ports::PublishRecord> Join(Partitions& partitions);

  admission::BackoffOptions backoff_;
  base::Duration interval_;
  base::IdSequence<model::PublishId> ids_;
  std::deque<Pending> messages_;  // in order; those of the transaction under way come first
  std::unordered_map<RecordId, Group> groups_;
  std::size_t joined_ = 0;  // how many of them the transaction under way has
  std::optional<model::CommitId> under_way_;
  int failures_ = 0;  // in a row
  base::Timestamp next_;
  base::Timestamp not_before_;  // after a failure
};

}  // namespace llmbatch::pipeline
