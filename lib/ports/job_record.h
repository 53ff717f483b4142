// The record of a job: what outlives the replica that works for it, and what anyone may look up.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/job.h"

namespace llmbatch::ports {

// A replica begins to work for a job. What another one writes about it from now on is refused.
// Answered by JobRecordTaken.
struct TakeJobRecord {
  model::JobRecordId take;
  std::string job_id, user_id, workflow, task;
  int priority = model::kDefaultPriority;
  std::string content;   // a hash of the message: tells requests with the same job_id apart
  std::string request;   // the message as it is, for a retry
  std::string topic;     // where it came from
  std::string identity;  // of its steps in the ledger
  std::string retry_of;  // empty: no retry
  base::WallTime now;
  base::Duration ttl{};  // of the record, from its last change
};

// A part of a job's record that is written by itself.
struct JobPart {
  std::string id;
  std::string value;

  friend bool operator==(const JobPart&, const JobPart&) = default;
};

// Writes how far a job is. Answered by JobRecordSaved.
struct SaveJobRecord {
  model::JobRecordId save;
  std::string job_id;
  std::int64_t epoch = 0;
  model::JobStatus status = model::JobStatus::kProcessing;
  std::int64_t sequence = 0;  // of the event; 0: there is none, only parts are kept
  int percent = 0;
  std::string event;   // the progress event as it is about to be published
  std::string result;  // the job's result likewise; empty: it hasn't ended
  // How items that came in messages of their own have ended, by the items' ids.
  std::vector<JobPart> members;
  // The batches that its items are in, by their ids, for those who look at the record.
  std::vector<JobPart> batches;
  base::WallTime now;
  base::Duration ttl{};
};

// What became of an item whose job nobody works for here? Answered by JobMemberTold.
struct AskJobMember {
  model::JobRecordId ask;
  std::string job_id;
  std::string member;  // the item's id
  base::WallTime now;
};

// A command of a user or operator for a job. Answered by JobCommanded.
struct CommandJobRecord {
  enum class Kind { kCancel, kRetry };
  model::JobRecordId command;
  Kind kind = Kind::kCancel;
  std::string job_id, user_id;
  base::WallTime now;
  base::Duration ttl{};  // of a cancellation for a job that isn't known yet
};

// What was known of a job when it was taken.
struct TakenJob {
  enum class State {
    kNew,
    kInterrupted,  // another replica, or this one in an earlier life, has worked for it
    kEnded,
    kOtherUser,    // the id belongs to another user's job
    kOtherContent  // the id belongs to another request
  };
  State state = State::kNew;
  std::int64_t epoch = 0;        // names this replica's turn in what it saves
  std::int64_t sequence = 0;     // of the last event; 0: none
  int percent = 0;               // of the last event
  std::string event;             // the last one; empty: none
  std::vector<JobPart> members;  // with kInterrupted: those that were kept
  // With kEnded:
  model::JobStatus status = model::JobStatus::kQueued;
  std::string result;
  std::string identity;  // of the request that the record was made for
  bool cancel_requested = false;
};

struct JobRecordTaken {
  model::JobRecordId take;
  base::Result<TakenJob> outcome;
};

struct JobRecordSaved {
  enum class State {
    kSaved,
    kCancelRequested,  // saved, and someone wants the job to end
    kRefused           // another replica has taken the job since
  };
  model::JobRecordId save;
  base::Result<State> outcome;
};

struct ToldMember {
  enum class State {
    kUnknown,  // there is no such job
    kOpen,
    kEnded
  };
  State state = State::kUnknown;
  model::JobStatus status = model::JobStatus::kQueued;  // of the job
  std::string value;                                    // as it was kept; empty: it wasn't
};

struct JobMemberTold {
  model::JobRecordId ask;
  base::Result<ToldMember> outcome;
};

struct CommandedJob {
  enum class State { kDone, kUnknown, kOtherUser, kIllegal };
  State state = State::kDone;
  model::JobStatus status = model::JobStatus::kQueued;  // with kIllegal: what the job is
  // With kDone for a retry: what TakeJobRecord said.
  std::string request, topic, identity;
};

struct JobCommanded {
  model::JobRecordId command;
  base::Result<CommandedJob> outcome;
};

// A job is to be ended, by whoever has it. Pushed, answers no command; comes also to replicas that
// don't have it.
struct JobCancelRequested {
  std::string job_id;
};

}  // namespace llmbatch::ports
