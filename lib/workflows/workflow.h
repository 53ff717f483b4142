// Workflow: how a job becomes questions to a model, and their outcomes its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "jobs/standing.h"
#include "model/company.h"
#include "model/document_place.h"
#include "model/item.h"
#include "model/result.h"
#include "model/turn.h"

namespace llmbatch::workflows {

// One question: an item for the job's task, or for one that the job's task names for such steps.
struct Step {
  // Names the step's outcome in the ledger: "fields/3". Must differ from all others of the job, and
  // be the same whenever the job is run again; what is asked may depend on earlier outcomes, the
  // path may not depend on anything else.
  std::string path;
  std::string id;  // as results name it
  model::ItemInput input;
  std::string metadata_json;  // echoed where outcomes are published as they come; empty: none
  // What the model is told was said before; only with `alone`.
  std::vector<model::Turn> history;
  bool alone = false;  // shares its prompt with no other step, and waits for none
  // The steps that it shares its prompt with; all of one company are asked together. nullptr: with
  // whatever else is for the task.
  std::shared_ptr<const model::Company> company;
  std::string kind;  // one of KindsOf() the workflow, asked with that task; empty: the job's task
  // What is asked was made of these, by their places in references(): if one of them reads
  // differently when the job is run again, the step is asked anew.
  std::vector<std::size_t> references;
};
using Steps = std::vector<Step>;

// A document that a job names and doesn't have in its message.
struct Reference {
  std::string field;        // that names it: "documents[2].ref"
  std::string document_id;  // as the job calls it; empty: it has no name
  model::DocumentPlace place;
};
// What came of one: a text that isn't empty, or why there is none.
struct Fetched {
  std::string text;
  std::optional<model::ItemError> error{};
};

// One job. Pure: the same outcomes in the same order give the same steps and the same end. After a
// crash the job is run again from its message, and the steps that have been answered get their
// outcomes from the ledger, in any order.
//
// Belongs to one thread. Steps are numbered from 0, in the order in which they were returned.
class Workflow {
 public:
  virtual ~Workflow() = default;

  // What is to be asked first; may be nothing. Called once, before everything else.
  virtual Steps Begin() = 0;
  // What it needs before it asks anything; with any, Begin() returns no steps.
  virtual std::vector<Reference> references() const { return {}; }
  // The reference in that place was fetched, or can't be. Called in their order, once for each
  // until done() or until the job is ended from outside. Returns what is to be asked next.
  virtual Steps OnFetched(std::size_t reference, Fetched&& fetched);
  // Step number `step` has ended, in whatever way. Returns what is to be asked next, which is
  // dropped if the job is being ended from outside. Called once for each step.
  virtual Steps OnOutcome(std::size_t step, model::ItemResult result) = 0;

  virtual jobs::Standing standing() const = 0;
  // Nothing is left to ask, and no step is open.
  virtual bool done() const = 0;
  // The result. Called once, when no step is open: either done(), or the job was ended from outside
  // and its open steps got errors as their outcomes. What was never asked gets `unfinished` as its
  // error; what is awaited and never came has none, then that is the job's.
  virtual jobs::Ending End(const jobs::Totals& totals, const model::ItemError& unfinished) = 0;

  // Steps that may be in calls at the same time; 0: as many as there are permits.
  virtual std::int64_t max_parallel() const { return 0; }
  // Its steps go before others and wait for none to share a prompt with.
  virtual bool real_time() const { return false; }
  // So many items come to the job in messages of their own. Each is a step that is asked as it
  // comes, numbered in that order; such a workflow returns no steps itself.
  virtual std::int64_t awaited_items() const { return 0; }
  // Each step's outcome is published as an item result, too.
  virtual bool publishes_steps() const { return false; }

 protected:
  Workflow() = default;
  Workflow(const Workflow&) = default;
  Workflow& operator=(const Workflow&) = default;
};

inline Steps Workflow::OnFetched(std::size_t, Fetched&&) { return {}; }

}  // namespace llmbatch::workflows
