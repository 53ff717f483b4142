// PermitBook: the coordinator's side of the global semaphore, in memory.
//
// Means the same as permit_script, which keeps it in Redis; there it is told how permits are dealt
// out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "admission/adaptive_limit.h"
#include "base/time.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::admission {

// Belongs to one thread.
class PermitBook {
 public:
  PermitBook() = default;
  // Of a coordinator that lost what it knew: nothing is granted before `learning_until`, while
  // replicas tell what they hold.
  explicit PermitBook(base::Timestamp learning_until) : learning_until_(learning_until) {}

  struct Synced {
    ports::PermitState state;        // without holds
    std::vector<std::string> woken;  // other replicas that were granted something
  };
  // `replica` is "<instance>:<start>". Nothing is granted for `learning` when replicas may hold
  // more than is known here.
  Synced Sync(const std::string& replica, const ports::SyncPermits& command,
              base::Duration learning, base::Timestamp now);

  // The replica's lease ends not before then, if it has one now.
  void Renew(const std::string& replica, base::Timestamp until, base::Timestamp now);
  bool Lives(const std::string& replica, base::Timestamp now) const;
  std::vector<std::string> Replicas(base::Timestamp now) const;
  // Permits of a pool that are granted and not given back.
  std::int64_t Used(const std::string& pool, base::Timestamp now) const;

 private:
  struct Entry {
    std::vector<std::string> pools;
    std::int64_t weight = 1;
    std::int64_t granted = 0;
    std::int64_t released = 0;
    std::int64_t want = 0;
    std::uint64_t ticket = 0;  // 0: waits for nothing
    int priority = 0;
    base::Timestamp since;

    std::int64_t held() const { return granted - released; }
  };
  using ClassKey = std::pair<std::vector<std::string>, std::int64_t>;
  struct Row {
    base::Timestamp ends;
    std::int64_t users = 1;
    std::map<ClassKey, Entry> entries;
  };
  struct Waiter {
    const std::string* replica = nullptr;
    Row* row = nullptr;
    Entry* entry = nullptr;
    int level = 0;
    bool under_share = false;
    std::int64_t most = 0;  // calls until it has its share
  };
  using Amounts = std::map<std::string, std::int64_t, std::less<>>;

  void EndRows(const std::string& replica, bool relearn, bool fresh, base::Duration learning,
               base::Timestamp now);
  void Enter(Row& row, const ports::SyncPermits& command, base::Timestamp now);
  void Count();
  std::vector<Waiter> Waiting();
  // Of all who want or have permits of a pool.
  Amounts UsersOfPools() const;
  void Rank(std::vector<Waiter>& waiting, base::Timestamp now);
  // Calls of that entry for which each of its pools has room.
  std::int64_t RoomFor(const Entry& entry, const Amounts& reserved) const;
  void Reserve(const Entry& entry, bool patient, Amounts& reserved) const;
  // False if nothing can be granted any more.
  bool GrantNext(std::vector<Waiter>& waiting, std::vector<std::string>& woken,
                 const std::string& caller, base::Timestamp now);
  // Puts limits down that turned out to be too large, and says so to all who hold permits.
  void HearReports(const ports::SyncPermits& command, std::vector<std::string>& woken,
                   base::Timestamp now);
  // Puts limits up that may be too small; false: none.
  bool TryMore(const ports::SyncPermits& command, const std::vector<Waiter>& waiting,
               base::Timestamp now);
  // Someone waits for what this pool alone has too little of.
  bool IsFull(const std::string& pool, const std::vector<Waiter>& waiting) const;
  std::int64_t OthersWaiting(const Entry& entry, const std::vector<Waiter>& waiting) const;

  std::map<std::string, Row> rows_;
  Amounts limits_;
  std::map<std::string, AdaptiveLimit> adaptive_;
  Amounts used_;
  std::uint64_t last_ticket_ = 0;
  base::Timestamp learning_until_;
};

}  // namespace llmbatch::admission
