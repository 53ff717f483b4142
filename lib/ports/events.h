// Events: everything that the core can be told. Each command with an id is answered by exactly one
// of them. Drivers make them on threads of their own; the core's thread takes them from the inbox.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/ids.h"
#include "model/origin.h"
#include "model/task.h"
#include "ports/adaptive.h"
#include "ports/document.h"
#include "ports/hold.h"
#include "ports/job_record.h"
#include "ports/ratios.h"
#include "ports/record.h"
#include "ports/reserve.h"

namespace llmbatch::ports {

// ── from the Kafka consumer
// ─────────────────────────────────────────────────────────────────────────────

struct RecordReceived {
  Record record;
};

struct AssignedPartition {
  model::TopicPartition partition;
  std::int64_t committed_offset = -1;  // the next offset to read; negative: nothing was committed
  std::string metadata;                // as it was committed; empty if none
};

// Records of these partitions follow only after this event. Other partitions that are ours stay so.
struct PartitionsAssigned {
  std::vector<AssignedPartition> partitions;
  std::int64_t assignment = 0;  // differs for each; commits of all partitions carry the last one
};

// The consumer waits (bounded) for RevokeDone before it lets go, so that a last commit can be made.
struct PartitionsRevoked {
  std::vector<model::TopicPartition> partitions;
  bool lost = false;  // they have another owner already: committing would be wrong
};

struct OffsetsCommitted {
  model::CommitId commit;
  base::Result<void> outcome;
};

// Answers StopConsuming: the group has been left; no record or assignment follows.
struct ConsumerStopped {};

// ── from the Kafka publisher
// ────────────────────────────────────────────────────────────────────────────

// Acknowledged by all in-sync replicas, or given up: with kTooLarge its topic will never take it,
// with any other error it may be published again.
struct RecordPublished {
  model::PublishId publish;
  base::Result<void> outcome;
};

// With an error nobody who reads committed records will ever see any of it.
struct TransactionEnded {
  model::CommitId commit;
  base::Result<void> outcome;
  std::vector<model::PublishId> too_large;  // with an error: records that will never be taken
};

// ── from the coordinator (Redis, or the one in the process)
// ─────────────────────────────────────────────

// What a demand was granted, as of one sync; totals count calls since this replica's first sync.
struct PermitGrant {
  std::int64_t granted_total = 0;
  std::int64_t released_total = 0;
  // Others, of this replica too, that would take what this demand gives back.
  std::int64_t others_waiting = 0;
};

struct PermitState {
  std::vector<PermitGrant> grants;  // one for each demand, in order
  std::vector<std::int64_t> used;   // of each pool, in order, over all replicas
  std::int64_t live_replicas = 1;
  std::int64_t rank = 0;           // this replica's place among the live ones, from 0
  base::Duration learning_left{};  // > 0: nothing is granted so long, because the data was lost
  std::vector<RouteHold> holds{};  // what providers have told any replica
  std::vector<AdaptiveState> adaptive{};  // of each pool that has a report, in order
};

struct PermitsSynced {
  model::SyncId sync;
  base::Result<PermitState> outcome;
};

struct CallsReserved {
  model::ReserveId reserve;
  base::Result<ReserveState> outcome;
};

// Permits may be free now: a sync is worth while. Pushed, answers no command.
struct PermitsOffered {};

// What the ledger says of one key.
struct LedgerEntry {
  enum class State {
    kOurs,    // no outcome is known, and the claim is ours
    kOthers,  // another replica, which lives, has the claim
    kDone
  };
  State state = State::kOurs;
  std::string outcome;  // with kDone
  // With kOurs: the call that an owner before us sent and that nobody knows the end of; it may have
  // been answered and billed. Empty if there was none.
  std::string in_doubt;
};

struct OutcomesLookedUp {
  model::LookupId lookup;
  base::Result<std::vector<LedgerEntry>> entries;  // one for each key asked, in order
};

struct ClaimsReleased {
  model::ReleaseId release;
  base::Result<void> outcome;
};

struct OutcomesStored {
  model::StoreId store;
  base::Result<void> outcome;
};

// ── from the HTTP driver
// ────────────────────────────────────────────────────────────────────────────────

struct CallCompleted {
  model::CallId call;
  HttpOutcome outcome;
};

// ── from the main loop
// ──────────────────────────────────────────────────────────────────────────────────

// The time that NextDeadline() named has come.
struct TimerExpired {};

struct StopRequested {
  bool at_once = false;  // don't wait for running calls
};

// What of a configuration's limits can change while the daemon runs; the configuration tells what
// they mean.
struct LiveLimits {
  std::int64_t concurrency = 5;
  std::int64_t max_pending_bytes = 32LL << 20;
  base::Duration drain_timeout = std::chrono::seconds(30);
  base::Duration max_wait = std::chrono::hours(1);
  base::Duration progress_interval = std::chrono::milliseconds(250);
  base::Duration items_timeout = std::chrono::minutes(10);
  base::Duration commit_interval = std::chrono::seconds(1);
};

// A new configuration was read and checked. What is begun from now on goes by it.
struct ConfigurationLoaded {
  std::shared_ptr<const model::Catalog> catalog;  // never null
  LiveLimits limits;
};

// A new configuration was read and can't be used; the one before goes on.
struct ConfigurationRefused {};

using Event =
    std::variant<RecordReceived, PartitionsAssigned, PartitionsRevoked, OffsetsCommitted,
                 ConsumerStopped, RecordPublished, TransactionEnded, PermitsSynced, CallsReserved,
                 RouteHeld, RatiosShared, PermitsOffered, OutcomesLookedUp, ClaimsReleased,
                 OutcomesStored, JobRecordTaken, JobRecordSaved, JobMemberTold, JobCommanded,
                 JobCancelRequested, DocumentFetched, CallCompleted, TimerExpired, StopRequested,
                 ConfigurationLoaded, ConfigurationRefused>;

}  // namespace llmbatch::ports
