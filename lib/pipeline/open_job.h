// OpenJob: a job that this replica works for, and what waits until the job's record says it.
//
// Data only. Pipeline's parts that deal with jobs (job_flow, job_items, job_record) keep it in
// order; all of it belongs to the core's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admission/cost_cap.h"
#include "base/time.h"
#include "jobs/batch_list.h"
#include "model/ids.h"
#include "model/job.h"
#include "model/origin.h"
#include "model/result.h"
#include "pipeline/recipe.h"
#include "pipeline/request.h"
#include "pipeline/retrieval.h"
#include "ports/record.h"
#include "workflows/workflow.h"

namespace llmbatch::pipeline {

// What the record has of a job that has ended.
struct KeptEnd {
  std::int64_t sequence = 0;
  std::string event;
  std::string result;
  bool cancelled = false;
};

// What a job has of its items that come in messages of their own.
struct Collection {
  struct Known {
    std::string identity;
    std::optional<model::ItemOutcome> kept;  // in an earlier life of the job; not yet told again
  };
  std::size_t awaited = 0;             // items in all
  std::map<std::string, Known> items;  // those that have come, by their ids
  base::Timestamp last_moved;          // when an item came, or ended
  bool closed = false;                 // no more items are taken
  bool lost = false;                   // its record is new, though someone had the job before
  std::vector<Settled> to_keep;        // to be written into its record
};

struct OpenJob {
  std::shared_ptr<const Envelope> envelope;
  std::shared_ptr<const ports::Record> message;
  int refusals = 0;            // times that it was taken from us before
  std::string identity;        // of its messages
  std::string steps_identity;  // of its steps in the ledger; a retry has that of the first job
  model::Origin origin;
  model::Job head;                                // without items and input
  std::int64_t items = 0;                         // that its message has, or tells of
  std::unique_ptr<workflows::Workflow> workflow;  // null for a job that is refused
  // What it began with; a changed configuration is for the jobs that come after.
  std::shared_ptr<Recipe> recipe;
  std::map<std::string, std::shared_ptr<Recipe>, std::less<>> step_recipes;  // by kind
  std::shared_ptr<admission::CostCap> cap;                                   // may be null
  std::optional<Collection> collection;
  jobs::BatchList batches;
  std::optional<KeptEnd> kept_end;  // it has ended before, and is only told again
  std::int64_t epoch = 0;           // our turn in its record; 0: it has none
  bool started = false;
  bool cancelled = false;
  bool ending = false;  // nothing is left to do but to tell so
  int percent_at_cancel = 0;
  std::string message_hash;
  std::string content;                   // hash of what the workflow was told
  std::size_t steps = 0;                 // asked for up to now
  std::size_t open_steps = 0;            // the part of them without an outcome
  std::int64_t running = 0;              // steps that have begun and not ended
  std::deque<model::RequestId> waiting;  // steps for which max_parallel leaves no room
  // What was fetched of its documents, by their references, as hashes.
  std::vector<std::string> document_hashes{};
  std::unique_ptr<Retrieval::Share> documents{};  // may be null
};

// A job's message, from which it can be begun again.
struct JobMessage {
  std::shared_ptr<const ports::Record> record;
  std::shared_ptr<const Envelope> envelope;
  std::string identity;
  int refusals = 0;  // times that the job was taken from us
};

// Messages and results of members that go out when the job's record has what they say.
struct JobSave {
  model::RequestId job;
  std::string job_id;
  JobMessage message;
  std::optional<ports::Message> event;
  std::vector<ports::Message> result;
  std::vector<Settled> members;
};

}  // namespace llmbatch::pipeline
