// PermitKeeper: this replica's side of the global semaphore.
//
// A permit is a slot of a pool shared by all replicas. A call may need one of several pools (all
// calls, those to its provider, those of its task), and takes all of them together or none; calls
// that need the same are a class. The coordinator keeps, for each replica and class, how many calls
// it was granted permits for and how many have given them back since it began; both only grow, so
// that a lost answer or a repeated request does no harm. What is held is the difference, and it is
// ours until the lease ends. (The model of a lease table with cumulative counters is that of
// Doorman, "Global Distributed Client Side Rate Limiting".)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admission/adaptive_watch.h"
#include "base/time.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::admission {

// The pool that every call needs.
inline constexpr std::string_view kPoolOfAll = "all";

// What a replica may start while the coordinator is away, once its lease is over.
enum class WhenAway {
  kShare,   // its part of each pool, as the replicas were last counted
  kClosed,  // nothing
  kLocal    // so many calls, whatever others do
};

struct PermitOptions {
  std::int64_t limit = 5;  // of the pool of all, over all replicas
  base::Duration lease = std::chrono::seconds(15);
  WhenAway when_away = WhenAway::kShare;
  std::int64_t local_limit = 0;  // with kLocal
};

// Belongs to one thread.
class PermitKeeper {
 public:
  using ClassId = std::size_t;
  struct Wish {
    std::int64_t calls = 0;  // that would start now if they had a permit
    int priority = 0;        // of the first of them
  };
  struct PoolStatus {
    std::string name;
    std::int64_t limit = 0;
    std::int64_t used = 0;     // over all replicas, as of the last answer
    std::int64_t held = 0;     // by this replica
    std::int64_t waiting = 0;  // calls of this replica
    // Of a limit that is found by trying: what changed it last.
    std::optional<ports::AdaptiveChange> change;
  };

  explicit PermitKeeper(PermitOptions options);

  // Calls that take `weight` permits of the pool of all and of each of `pools`, which must have a
  // limit. The same for the same pools.
  ClassId ClassOf(const std::vector<std::string>& pools, std::int64_t weight = 1);

  // What each class wishes for; those that aren't named wish for nothing.
  void SetWanted(const std::map<ClassId, Wish>& wishes);
  // Whose calls wait or have permits: this replica's share is by them. Told with the next sync.
  void SetUsers(std::int64_t users) { users_ = users; }

  // While true, the coordinator is told often enough that this replica lives, also when it neither
  // holds nor wants a permit.
  void KeepLease(bool keep) { keep_lease_ = keep; }

  // Of a pool, over all replicas; told with the next sync. What is held beyond it drains.
  void SetLimit(std::string_view pool, std::int64_t limit);
  bool HasPool(std::string_view pool) const { return pool_places_.contains(pool); }
  // The pool's limit is found by trying, see AdaptiveLimit. Until the coordinator has told it, it
  // is the lower bound.
  void SetAdaptive(std::string_view pool, ports::AdaptiveBounds bounds);

  // What calls tell of the pools that are found by trying. `version` is what LimitVersion() said
  // when the call was started.
  bool IsAdaptive(ClassId id) const { return IsAdaptive(classes_.at(id)); }
  std::int64_t LimitVersion(ClassId id) const;
  void OnAnswered(ClassId id, base::Duration took, std::optional<std::int64_t> output_tokens,
                  base::Timestamp now);
  void OnRefused(ClassId id, std::int64_t version, base::Timestamp started,
                 base::Timestamp held_until);

  // Whether a call of that class may start now; not if the lease is too near its end to begin
  // anything.
  bool MayTake(ClassId id, base::Timestamp now) const;
  // Takes the permits for a call that starts now; false if there are none.
  bool TryTake(ClassId id, base::Timestamp now);
  // The call has ended. Its permits serve the next call here unless others wait for them.
  void GiveBack(ClassId id, base::Timestamp now);
  // Gives everything up that isn't in use, and asks for nothing more.
  void Close() { closed_ = true; }

  // The sync to send now, if one is due. At most one is under way.
  std::optional<ports::SyncPermits> NextSync(model::SyncId id, base::Timestamp now);
  void OnSynced(const ports::PermitsSynced& event, base::Timestamp now);
  // Another replica gave back what we wait for.
  void OnOffered() { offered_ = true; }

  // When NextSync() must be asked again at the latest.
  std::optional<base::Timestamp> Deadline() const;

  // Calls, over all classes.
  std::int64_t in_use() const;
  std::int64_t held() const;
  std::int64_t wanted() const;
  // The coordinator lost what it knew and grants nothing until holders have told it; as of the last
  // answer.
  bool learning() const { return learning_; }
  std::vector<PoolStatus> Pools() const;
  // A pool that keeps calls of that class back: it is used up, as of the last answer.
  std::string_view FullPoolOf(ClassId id) const;
  // As of the last answer; 1 before the first one.
  std::int64_t live_replicas() const { return answered_ ? live_ : 1; }
  // The coordinator doesn't answer: the replica goes on with its share of the last known pools.
  bool cut_off() const { return cut_off_since_.has_value(); }

 private:
  struct Pool {
    std::string name;
    std::int64_t limit = 0;
    std::int64_t told_limit = 0;  // 0: none yet
    std::int64_t used = 0;        // as of the last answer
    std::optional<AdaptiveWatch> watch;
  };
  struct Class {
    std::vector<std::size_t> pools;
    std::int64_t weight = 1;
    std::int64_t granted = 0;   // total as of the last answer
    std::int64_t released = 0;  // total given back, including what hasn't been told yet
    std::int64_t told_released = 0;
    std::int64_t in_use = 0;
    Wish wish;
    std::int64_t told_want = 0;
    int told_priority = 0;
    std::int64_t others_waiting = 0;
    std::optional<base::Timestamp> idle_since;

    std::int64_t held() const { return granted - released; }
    std::int64_t Idle() const;
  };

  std::size_t PlaceOf(std::string_view pool) const;
  std::int64_t Missing(const Class& each) const;
  bool LeaseIsSafe(base::Timestamp now) const;
  bool MayTakeWhileAway(const Class& each, base::Timestamp now) const;
  std::int64_t ShareOf(const Pool& pool) const;
  std::int64_t InUseOf(std::size_t pool) const;
  bool OthersNeedPermitsOf(const Class& each) const;
  // Another class of ours waits, and this one has permits that serve nobody.
  bool StandsInTheWay(const Class& each) const;
  // When what is idle goes back; nullopt: nothing is.
  std::optional<base::Timestamp> IdleUntil(const Class& each) const;
  bool NeedsLease() const;
  // The coordinator should know better than it does, as soon as it can be told.
  bool HasNews() const;
  bool SyncDue(base::Timestamp now) const;
  // Calls wait for a limit that is found by trying, and answers have come that may raise it.
  bool MayRaise(const Class& each) const;
  // One of its pools' limits is found by trying.
  bool IsAdaptive(const Class& each) const;
  std::vector<AdaptiveWatch*> WatchesOf(ClassId id);
  bool IsOverfull(const Class& each) const;
  void ReturnIdle(base::Timestamp now);

  PermitOptions options_;
  std::vector<Pool> pools_;  // the first one is the pool of all
  std::map<std::string, std::size_t, std::less<>> pool_places_;
  std::vector<Class> classes_;
  std::int64_t users_ = 1;
  std::size_t sent_classes_ = 0;  // of the sync under way: the first ones
  std::size_t sent_pools_ = 0;
  bool answered_ = false;
  std::int64_t live_ = 1;
  std::int64_t rank_ = 0;
  bool learning_ = false;  // as of the last answer
  bool sync_under_way_ = false;
  bool offered_ = false;
  bool closed_ = false;
  bool keep_lease_ = false;
  base::Timestamp sync_sent_;
  base::Timestamp lease_from_;  // when the last answered sync was sent
  base::Timestamp retry_at_;    // no sync before: back-off after a failure, or learning
  base::Duration retry_delay_{};
  std::optional<base::Timestamp> cut_off_since_;
};

}  // namespace llmbatch::admission
