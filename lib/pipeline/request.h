// Request: one item on its way from its record to its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "admission/cost_cap.h"
#include "base/time.h"
#include "model/company.h"
#include "model/ids.h"
#include "model/item.h"
#include "model/money.h"
#include "model/origin.h"
#include "model/result.h"
#include "model/turn.h"
#include "model/usage.h"
#include "pipeline/partitions.h"
#include "pipeline/recipe.h"

namespace llmbatch::pipeline {

// What all items of one message share.
struct Envelope {
  RecordId record;
  std::optional<std::string> key;      // of the request; results carry it too
  std::vector<model::Header> headers;  // carried over to results
};

// A request that is a step of a job.
struct JobMembership {
  model::RequestId job;
  std::size_t step = 0;
  bool last = false;     // no other step was asked for behind it: its batch need not linger
  bool running = false;  // counts among the steps that may be in calls at the same time
  // It came in a message of its own, and has ended when its outcome stands in the job's record.
  bool collected = false;
  std::shared_ptr<admission::CostCap> cap;  // of the job; may be null
};

// Where a request is on its way; one that has an outcome has left the table.
enum class Stage {
  kLookingUp,  // the ledger is being asked
  kHeld,       // another replica works for the same outcome; the ledger is asked again
  kFollowing,  // another request of this process does
  kQueued,     // in a batch that gathers, or that waits for its call
  kInFlight
};

struct Request {
  model::RequestId id;
  model::Item item;
  model::Origin origin;
  std::string identity;  // the origin's, or the one that a replayed dead letter names
  std::shared_ptr<const Envelope> envelope;
  std::optional<JobMembership> job;
  std::shared_ptr<Recipe> recipe;
  std::string ledger_key;
  // Under which the same input's answer may serve others; empty: it may not.
  std::string content_key;
  base::Timestamp arrived;

  Stage stage = Stage::kLookingUp;
  bool held_before = false;    // another replica had the claim when the ledger was asked last
  bool asks_content = false;   // its own outcome isn't known: the ledger is asked by content_key
  bool leads_content = false;  // of this process's requests with that key, it is the one that works
  bool asks_claim = false;     // its outcome is to be replaced: the ledger is asked by ClaimKey()
  // The outcome that the ledger has, and that doesn't serve it.
  std::optional<std::string> replaces;
  // Nothing more is begun for it: its partition isn't ours any more, or we stop. What is under way
  // comes to its end.
  bool abandoned = false;
  std::vector<model::Turn> history;               // said before, in a batch of its own
  bool alone = false;                             // shares its batch with no other
  std::shared_ptr<const model::Company> company;  // may be null
  // Estimated for the model that its batch is planned for, uncalibrated.
  std::int64_t tokens = 0;
  std::int64_t context_tokens = 0;  // of the company's context, once a batch
  int answers_wanting = 0;          // answers that lacked this item or had it wrong
  // Of all calls that this item took part in, also those that gave it no answer.
  model::Usage usage;
  std::optional<model::NanoUsd> cost = model::NanoUsd{};
  std::optional<model::NanoUsd> cost_in_doubt = model::NanoUsd{};
};

// The ledger key that whoever works for the outcome has the claim of. Where there is an outcome
// already, which is to be replaced, the claim stands beside it.
inline std::string ClaimKey(const Request& request) {
  return request.replaces ? request.ledger_key + ":again" : request.ledger_key;
}

// A request leaves the table when its outcome is known.
using RequestTable = std::unordered_map<model::RequestId, Request>;

// An item whose outcome is known and not yet published.
struct Settled {
  Request request;
  model::ItemOutcome outcome;
  base::Duration queued{};
};

}  // namespace llmbatch::pipeline
