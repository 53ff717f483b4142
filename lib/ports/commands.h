// Commands: everything that the core can ask for. The drivers carry them out and decide nothing.
//
// Values, handed over on the core's thread to a driver that doesn't keep that thread waiting. An id
// is the core's and is used once; the event that answers it comes at some time, in any order, with
// an error if need be.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/item.h"
#include "model/origin.h"
#include "ports/adaptive.h"
#include "ports/document.h"
#include "ports/hold.h"
#include "ports/job_record.h"
#include "ports/observe.h"
#include "ports/ratios.h"
#include "ports/record.h"
#include "ports/reserve.h"

namespace llmbatch::ports {

// ── to the Kafka consumer
// ───────────────────────────────────────────────────────────────────────────────

struct PartitionOffset {
  model::TopicPartition partition;
  std::int64_t offset = 0;  // the next one to read
  std::string metadata;     // UTF-8, at most 4,096 bytes
};

// Answered by OffsetsCommitted. `assignment` is that of the last PartitionsAssigned: under another
// one it fails, for others may have read on meanwhile.
struct CommitOffsets {
  model::CommitId commit;
  std::vector<PartitionOffset> offsets;
  std::int64_t assignment = 0;
};

// No completion; records read before may still follow. Pausing what is paused does nothing.
struct PausePartitions {
  std::vector<model::TopicPartition> partitions;
};
struct ResumePartitions {
  std::vector<model::TopicPartition> partitions;
};

// Answers PartitionsRevoked: the core has nothing more to commit for them.
struct RevokeDone {};

// Leave the group. Answered by ConsumerStopped; a PartitionsRevoked may come before it.
struct StopConsuming {};

// ── to the Kafka publisher
// ──────────────────────────────────────────────────────────────────────────────

// Answered by RecordPublished. The message is shared with the core, which keeps it for another
// attempt; nobody changes it.
struct PublishRecord {
  model::PublishId publish;
  std::shared_ptr<const Message> message;  // never null
};

// Publishes the records in order and commits the offsets, all of it or nothing. Answered by
// TransactionEnded; the core has at most one under way. `assignment` is that of the
// PartitionsAssigned by which the offsets' partitions are ours: under another one it fails.
struct RunTransaction {
  model::CommitId commit;
  std::vector<PublishRecord> records;
  std::vector<PartitionOffset> offsets;
  std::int64_t assignment = 0;
};

// ── to the coordinator
// ──────────────────────────────────────────────────────────────────────────────────

struct PermitPool {
  std::string name;        // A–Z a–z 0–9 . _ - : / % only
  std::int64_t limit = 0;  // over all replicas
  // The limit is found by trying, and what stands above is what was last told.
  std::optional<AdaptiveReport> adaptive{};
};

// Calls that need a permit of each of the same pools. They get all of them together or none.
struct PermitDemand {
  std::vector<std::size_t> pools;   // places in SyncPermits::pools, ascending; the first one is in
                                    // every demand
  std::int64_t weight = 1;          // permits of each pool that one call takes
  std::int64_t granted_known = 0;   // calls, the granted_total of the last answer, 0 at first
  std::int64_t released_total = 0;  // calls that gave their permits back since the first sync
  std::int64_t want = 0;            // calls wished for beyond those that hold permits
  int priority = 0;                 // of the next call; the higher one goes first, for a while
};

// Tells what this replica wants and has given back, and learns what it was granted. Cumulative
// totals make it safe to repeat. Answered by PermitsSynced; the core has at most one under way.
struct SyncPermits {
  model::SyncId sync;
  std::vector<PermitPool> pools;
  std::vector<PermitDemand> demands;  // no two of the same pools and weight
  base::Duration lease{};             // how long what is held stays ours without another sync
  // Whose calls wait or have permits here, each counted with its weight; a share is by them.
  std::int64_t users = 1;
  // The coordinator was out of reach for so long that it may have given up what replicas hold.
  bool relearn = false;
};

// Answered as a whole or not at all, so that a failure takes no more than these with it.
constexpr std::size_t kMaxKeysPerLookup = 32;

// Looks up what is known of each key, kMaxKeysPerLookup at the most, and claims those of which
// nothing is: a claim tells other replicas that the answer is on its way. It lives while its owner
// does, and not beyond `claim_ttl`. Answered by OutcomesLookedUp.
struct LookUpOutcomes {
  model::LookupId lookup;
  std::vector<std::string> keys;
  base::Duration claim_ttl{};
};

// A call that is to answer these keys is about to be sent. Should we die before their outcomes are
// stored, whoever claims them next learns of `call`. No completion.
struct MarkSent {
  std::vector<std::string> keys;
  std::string call;
  base::Duration claim_ttl{};
};

// Gives back those claims that are still ours. Answered by ClaimsReleased.
struct ReleaseClaims {
  model::ReleaseId release;
  std::vector<std::string> keys;
};

struct StoredOutcome {
  std::string key;
  std::string value;
  base::Duration ttl{};
  // An outcome that is there stays, unless it is this one, and so does the claim of another replica
  // that lives: what it publishes is to be what the ledger says.
  std::optional<std::string> replaces;
};

// Answered by OutcomesStored, after all are written or the first failure.
struct StoreOutcomes {
  model::StoreId store;
  std::vector<StoredOutcome> outcomes;
};

// ── to the HTTP driver
// ──────────────────────────────────────────────────────────────────────────────────

// Answered by CallCompleted. One StartCall is at most one POST: the driver never sends it twice.
struct StartCall {
  model::CallId call;
  HttpRequest request;
};

// The call's CallCompleted comes all the same, as kAborted unless it was quicker.
struct AbortCall {
  model::CallId call;
};

using Command =
    std::variant<CommitOffsets, PausePartitions, ResumePartitions, RevokeDone, StopConsuming,
                 PublishRecord, RunTransaction, SyncPermits, ReserveCalls, HoldRoute, ShareRatios,
                 LookUpOutcomes, MarkSent, ReleaseClaims, StoreOutcomes, TakeJobRecord,
                 SaveJobRecord, AskJobMember, CommandJobRecord, FetchDocument, StartCall, AbortCall,
                 Observe, LogLine>;
using Commands = std::vector<Command>;

}  // namespace llmbatch::ports
