// PermitKeeper: this replica's side of the global semaphore.
//
// A permit is a slot of a pool shared by all replicas. The coordinator keeps, for each replica, how
// many permits it was granted and has given back since it began; both only grow, so that a lost
// answer or a repeated request does no harm. What is held is the difference, and it is ours until
// the lease ends. (The model of a lease table with cumulative counters is that of Doorman, "Global
// Distributed Client Side Rate Limiting".)
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::admission {

struct PermitOptions {
  std::int64_t limit = 5;  // over all replicas
  base::Duration lease = std::chrono::seconds(15);
};

class PermitKeeper {
 public:
  explicit PermitKeeper(PermitOptions options) : options_(options) {}

  // How many calls would start now if they had a permit. Not negative.
  void SetWanted(std::int64_t wanted) { wanted_ = wanted; }

  // While true, the coordinator is told often enough that this replica lives, also when it neither
  // holds nor wants a permit: its claims in the ledger hang on that.
  void KeepLease(bool keep) { keep_lease_ = keep; }

  // Of the pool, over all replicas; told with the next sync. What is held beyond it drains.
  void SetLimit(std::int64_t limit) { options_.limit = limit; }

  // Takes a permit for a call that starts now; false if there is none, or if the lease is too near
  // its end to begin anything.
  bool TryTake(base::Timestamp now);
  // The call has ended. The permit serves the next call here unless other replicas wait for it.
  void GiveBack(base::Timestamp now);
  // Gives everything up that isn't in use, and asks for nothing more.
  void Close() { closed_ = true; }

  // The sync to send now, if one is due. At most one is under way.
  std::optional<ports::SyncPermits> NextSync(model::SyncId id, base::Timestamp now);
  void OnSynced(const ports::PermitsSynced& event, base::Timestamp now);
  // Another replica gave back what we wait for.
  void OnOffered() { offered_ = true; }

  // When NextSync() must be asked again at the latest.
  std::optional<base::Timestamp> Deadline() const;

  std::int64_t in_use() const { return in_use_; }
  std::int64_t held() const;
  std::int64_t wanted() const { return wanted_; }
  // The pool as of the last answer; nullopt before the first one.
  const std::optional<ports::PermitState>& last_state() const { return state_; }
  // The coordinator doesn't answer: the replica goes on with its share of the last known pool.
  bool cut_off() const { return cut_off_since_.has_value(); }

 private:
  std::int64_t Usable(base::Timestamp now) const;
  std::int64_t Share() const;
  std::int64_t Idle() const;
  std::int64_t Missing() const;
  bool OthersNeedPermits() const;
  bool NeedsLease() const;
  // The coordinator should know better than it does, as soon as it can be told.
  bool HasNews() const;
  bool SyncDue(base::Timestamp now) const;

  PermitOptions options_;
  std::optional<ports::PermitState> state_;
  std::int64_t granted_ = 0;  // total as of the last answer
  std::int64_t released_ =
      0;  // total given back, including what the coordinator hasn't been told yet
  std::int64_t told_released_ = 0;
  std::int64_t in_use_ = 0;
  std::int64_t wanted_ = 0;
  std::int64_t told_want_ = 0;
  std::int64_t told_limit_ = 0;  // 0: none yet
  bool sync_under_way_ = false;
  bool offered_ = false;
  bool closed_ = false;
  bool keep_lease_ = false;
  base::Timestamp sync_sent_;
  base::Timestamp lease_from_;  // when the last answered sync was sent
  base::Timestamp retry_at_;    // no sync before: back-off after a failure, or learning
  std::optional<base::Timestamp> idle_since_;
  std::optional<base::Timestamp> cut_off_since_;
};

}  // namespace llmbatch::admission
