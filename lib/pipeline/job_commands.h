// JobCommands: what users ask of jobs on the control topic, from the command to what follows from
// it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/origin.h"
#include "model/result.h"
#include "pipeline/options.h"
#include "pipeline/partitions.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "wire/command.h"

namespace llmbatch::pipeline {

// Belongs to one thread.
class JobCommands {
 public:
  // Both must outlive it.
  JobCommands(const Options& options, base::IdSequence<model::JobRecordId>& ids)
      : options_(options), ids_(ids) {}

  // Asks the job's record. `origin` is the command's record in Kafka.
  void Ask(wire::JobCommand command, RecordId record, const model::Origin& origin, base::Now now,
           ports::Commands& out);
  // Asks again what could not be answered.
  void AskAgain(base::Now now, ports::Commands& out);
  std::optional<base::Timestamp> Deadline() const;

  // What follows from the command's record: a retry of the job, why there is none, or that the job
  // is cancelled.
  struct Answer {
    RecordId record;
    std::optional<ports::Message> message;  // nullopt: the job is to be cancelled
    std::string job_id;
  };
  // nullopt: nothing yet, or the command's record is not ours any more.
  std::optional<Answer> OnCommanded(const ports::JobCommanded& event, const Partitions& partitions,
                                    base::Timestamp now);

 private:
  struct Pending {
    wire::JobCommand command;
    RecordId record;
    std::string identity;
    base::Timestamp arrived;
  };

  void Send(Pending pending, base::Now now, ports::Commands& out);
  Answer Refuse(const Pending& pending, model::ErrorCode code, std::string_view message) const;
  Answer Retry(const Pending& pending, const ports::CommandedJob& job) const;

  const Options& options_;
  base::IdSequence<model::JobRecordId>& ids_;
  std::map<model::JobRecordId, Pending> asked_;
  std::multimap<base::Timestamp, Pending> later_;
};

}  // namespace llmbatch::pipeline
