// Outbox: messages on their way to Kafka, kept until they are acknowledged.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "admission/backoff.h"
#include "base/rng.h"
#include "base/time.h"
#include "model/ids.h"
#include "pipeline/partitions.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::pipeline {

// For the delivery "at_least_once". Belongs to one thread.
class Outbox {
 public:
  explicit Outbox(admission::BackoffOptions backoff) : backoff_(backoff) {}

  // Publishes a message that follows from `record`. The address names it in reports.
  const ports::Message* Publish(RecordId record, ports::Message message, ports::Commands& out);

  enum class Fate {
    kAcknowledged,
    kRetrying,  // it is published again after a while
    kTooLarge   // it will never be taken
  };
  struct Report {
    Fate fate = Fate::kAcknowledged;
    RecordId record;
    std::shared_ptr<const ports::Message> message;
  };
  // nullopt for a publish that isn't known.
  std::optional<Report> OnPublished(const ports::RecordPublished& event, base::Timestamp now,
                                    base::Rng& rng);

  // Publishes again what is due.
  void Retry(base::Timestamp now, ports::Commands& out);
  std::optional<base::Timestamp> Deadline() const;
  bool empty() const { return under_way_.empty() && waiting_.empty(); }
  // Drops messages of records that are no longer ours and wait for another attempt.
  void DropForeign(const Partitions& partitions);

 private:
  struct Pending {
    RecordId record;
    std::shared_ptr<const ports::Message> message;
    int attempts = 1;
  };
  void Send(Pending pending, ports::Commands& out);

  admission::BackoffOptions backoff_;
  base::IdSequence<model::PublishId> ids_;
  std::unordered_map<model::PublishId, Pending> under_way_;
  std::multimap<base::Timestamp, Pending> waiting_;
};

}  // namespace llmbatch::pipeline
