#include "admission/permit_book.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

namespace llmbatch::admission {
namespace {

constexpr base::Duration kWaitPerLevel = std::chrono::seconds(5);
constexpr base::Duration kPatience = std::chrono::seconds(30);

std::string InstanceOf(const std::string& replica) { return replica.substr(0, replica.rfind(':')); }

template <typename Amounts>
std::int64_t Of(const Amounts& amounts, const std::string& pool) {
  const auto found = amounts.find(pool);
  return found == amounts.end() ? 0 : found->second;
}

}  // namespace

void PermitBook::EndRows(const std::string& replica, bool relearn, bool fresh,
                         base::Duration learning, base::Timestamp now) {
  const auto mine = rows_.find(replica);
  const bool absent = mine == rows_.end() || mine->second.ends <= now;
  const auto holds = [](const Row& row) {
    return std::any_of(row.entries.begin(), row.entries.end(),
                       [](const auto& each) { return each.second.held() > 0; });
  };
  const auto restarted = [&](const std::string& other) {
    return fresh && InstanceOf(other) == InstanceOf(replica);
  };
  bool alone = true;
  bool silent_holder = false;
  for (const auto& [other, row] : rows_) {
    if (other == replica || restarted(other)) continue;
    alone = alone && row.ends <= now;
    silent_holder = silent_holder || (row.ends <= now && holds(row));
  }
  relearn = relearn && alone;
  for (auto& [other, row] : rows_) {
    if (!relearn || other == replica || row.ends > now || !holds(row)) continue;
    row.ends = now + 2 * learning;
    for (auto& [key, entry] : row.entries) {
      entry.want = 0;
      entry.ticket = 0;
    }
  }
  std::erase_if(rows_, [&](const auto& each) {
    return each.first != replica && (restarted(each.first) || each.second.ends <= now);
  });
  if (relearn || (silent_holder && absent && alone)) {
    learning_until_ = std::max(learning_until_, now + learning);
  }
}

void PermitBook::Enter(Row& row, const ports::SyncPermits& command, base::Timestamp now) {
  row.users = std::max<std::int64_t>(1, command.users);
  for (const ports::PermitDemand& demand : command.demands) {
    std::vector<std::string> pools;
    for (const std::size_t place : demand.pools) pools.push_back(command.pools[place].name);
    Entry& entry = row.entries[{pools, demand.weight}];
    entry.pools = std::move(pools);
    entry.weight = demand.weight;
    entry.granted = std::max(entry.granted, demand.granted_known);
    entry.released = std::min(std::max(entry.released, demand.released_total), entry.granted);
    // It may not have heard yet of a part of what it wants.
    entry.want = std::max<std::int64_t>(0, demand.want - (entry.granted - demand.granted_known));
    entry.priority = demand.priority;
    if (entry.want == 0) {
      entry.ticket = 0;
    } else if (entry.ticket == 0) {
      entry.ticket = ++last_ticket_;
      entry.since = now;
    }
  }
}

void PermitBook::Count() {
  used_.clear();
  for (const auto& [replica, row] : rows_) {
    for (const auto& [key, entry] : row.entries) {
      for (const std::string& pool : entry.pools) used_[pool] += entry.held() * entry.weight;
    }
  }
}

std::vector<PermitBook::Waiter> PermitBook::Waiting() {
  std::vector<Waiter> waiting;
  for (auto& [replica, row] : rows_) {
    for (auto& [key, entry] : row.entries) {
      if (entry.want > 0) waiting.push_back({.replica = &replica, .row = &row, .entry = &entry});
    }
  }
  return waiting;
}

PermitBook::Amounts PermitBook::UsersOfPools() const {
  Amounts users;
  for (const auto& [replica, row] : rows_) {
    std::set<std::string_view> pools;
    for (const auto& [key, entry] : row.entries) {
      if (entry.want > 0 || entry.held() > 0) pools.insert(entry.pools.begin(), entry.pools.end());
    }
    for (const std::string_view pool : pools) users[std::string(pool)] += row.users;
  }
  return users;
}

void PermitBook::Rank(std::vector<Waiter>& waiting, base::Timestamp now) {
  int top = 0;
  for (const Waiter& each : waiting) top = std::max(top, each.entry->priority);
  const Amounts users = UsersOfPools();
  for (Waiter& each : waiting) {
    const Entry& entry = *each.entry;
    each.level = static_cast<int>(
        std::min<std::int64_t>(top, entry.priority + (now - entry.since) / kWaitPerLevel));
    each.most = std::numeric_limits<std::int64_t>::max();
    for (const std::string& pool : entry.pools) {
      std::int64_t held = 0;
      for (const auto& [key, other] : each.row->entries) {
        const bool counts =
            std::find(other.pools.begin(), other.pools.end(), pool) != other.pools.end();
        if (counts) held += other.held() * other.weight;
      }
      const std::int64_t all = Of(users, pool);
      const std::int64_t share = (Of(limits_, pool) * each.row->users + all - 1) / all;
      each.most = std::min(each.most, (share - held + entry.weight - 1) / entry.weight);
    }
    each.under_share = each.most > 0;
  }
  std::sort(waiting.begin(), waiting.end(), [](const Waiter& a, const Waiter& b) {
    if (a.level != b.level) return a.level > b.level;
    if (a.under_share != b.under_share) return a.under_share;
    return a.entry->ticket < b.entry->ticket;
  });
}

std::int64_t PermitBook::RoomFor(const Entry& entry, const Amounts& reserved) const {
  std::int64_t room = std::numeric_limits<std::int64_t>::max();
  for (const std::string& pool : entry.pools) {
    const std::int64_t left = Of(limits_, pool) - Of(used_, pool) - Of(reserved, pool);
    room = std::min(room, std::max<std::int64_t>(0, left) / entry.weight);
  }
  return room;
}

void PermitBook::Reserve(const Entry& entry, bool patient, Amounts& reserved) const {
  for (const std::string& pool : entry.pools) {
    const bool lacking = Of(limits_, pool) - Of(used_, pool) < entry.weight;
    const bool narrow = patient && pool != entry.pools.front();
    if (narrow || (entry.weight > 1 && lacking)) reserved[pool] += entry.weight;
  }
}

bool PermitBook::GrantNext(std::vector<Waiter>& waiting, std::vector<std::string>& woken,
                           const std::string& caller, base::Timestamp now) {
  Rank(waiting, now);
  Amounts reserved;
  bool someone_patient = false;
  for (auto waiter = waiting.begin(); waiter != waiting.end(); ++waiter) {
    Entry& entry = *waiter->entry;
    const std::int64_t room = RoomFor(entry, reserved);
    if (room == 0) {
      const bool patient = !someone_patient && now - entry.since >= kPatience;
      someone_patient = someone_patient || patient;
      Reserve(entry, patient, reserved);
      continue;
    }
    const std::int64_t part =
        std::max<std::int64_t>(1, room / static_cast<std::int64_t>(waiting.size()));
    const std::int64_t most =
        waiter->under_share ? waiter->most : std::numeric_limits<std::int64_t>::max();
    const std::int64_t give = std::min({entry.want, part, most});
    entry.granted += give;
    entry.want -= give;
    for (const std::string& pool : entry.pools) used_[pool] += give * entry.weight;
    if (*waiter->replica != caller) woken.push_back(*waiter->replica);
    entry.ticket = entry.want > 0 ? ++last_ticket_ : 0;
    entry.since = now;
    if (entry.want == 0) waiting.erase(waiter);
    return true;
  }
  return false;
}

void PermitBook::HearReports(const ports::SyncPermits& command, std::vector<std::string>& woken,
                             base::Timestamp now) {
  for (const ports::PermitPool& pool : command.pools) {
    if (!pool.adaptive) continue;
    AdaptiveLimit& limit = adaptive_.try_emplace(pool.name, *pool.adaptive, now).first->second;
    if (limit.OnReport(*pool.adaptive, Of(used_, pool.name), now)) {
      for (const auto& [replica, row] : rows_) woken.push_back(replica);
    }
    limits_[pool.name] = limit.limit();
  }
}

bool PermitBook::IsFull(const std::string& pool, const std::vector<Waiter>& waiting) const {
  return std::any_of(waiting.begin(), waiting.end(), [&](const Waiter& waiter) {
    const Entry& entry = *waiter.entry;
    const auto has_too_little = [&](const std::string& each) {
      return Of(limits_, each) - Of(used_, each) < entry.weight;
    };
    return std::find(entry.pools.begin(), entry.pools.end(), pool) != entry.pools.end() &&
           std::all_of(entry.pools.begin(), entry.pools.end(), [&](const std::string& each) {
             return has_too_little(each) == (each == pool);
           });
  });
}

bool PermitBook::TryMore(const ports::SyncPermits& command, const std::vector<Waiter>& waiting,
                         base::Timestamp now) {
  bool more = false;
  const auto live = static_cast<std::int64_t>(rows_.size());
  for (const ports::PermitPool& pool : command.pools) {
    if (!pool.adaptive || !IsFull(pool.name, waiting)) continue;
    AdaptiveLimit& limit = adaptive_.at(pool.name);
    if (!limit.OnFull(*pool.adaptive, live, now)) continue;
    limits_[pool.name] = limit.limit();
    more = true;
  }
  return more;
}

std::int64_t PermitBook::OthersWaiting(const Entry& entry,
                                       const std::vector<Waiter>& waiting) const {
  const auto would_take = [&](const Waiter& waiter) {
    const Entry& other = *waiter.entry;
    if (&other == &entry) return false;
    return std::all_of(other.pools.begin(), other.pools.end(), [&](const std::string& pool) {
      const bool full = Of(used_, pool) + other.weight > Of(limits_, pool);
      return !full || std::find(entry.pools.begin(), entry.pools.end(), pool) != entry.pools.end();
    });
  };
  return std::count_if(waiting.begin(), waiting.end(), would_take);
}

PermitBook::Synced PermitBook::Sync(const std::string& replica, const ports::SyncPermits& command,
                                    base::Duration learning, base::Timestamp now) {
  for (const ports::PermitPool& pool : command.pools) {
    if (!pool.adaptive) limits_[pool.name] = pool.limit;
  }
  const bool fresh = !rows_.contains(replica) &&
                     std::all_of(command.demands.begin(), command.demands.end(),
                                 [](const ports::PermitDemand& demand) {
                                   return demand.granted_known == 0 && demand.released_total == 0;
                                 });
  EndRows(replica, command.relearn, fresh, learning, now);
  Row& mine = rows_[replica];
  mine.ends = now + command.lease;
  Enter(mine, command, now);
  Count();
  Synced synced;
  HearReports(command, synced.woken, now);
  std::vector<Waiter> waiting = Waiting();
  const auto grant = [&] {
    while (GrantNext(waiting, synced.woken, replica, now)) {
    }
  };
  if (now >= learning_until_) {
    grant();
    if (TryMore(command, waiting, now)) grant();
  }
  std::erase(synced.woken, replica);
  std::sort(synced.woken.begin(), synced.woken.end());
  synced.woken.erase(std::unique(synced.woken.begin(), synced.woken.end()), synced.woken.end());

  ports::PermitState& state = synced.state;
  for (const ports::PermitDemand& demand : command.demands) {
    std::vector<std::string> pools;
    for (const std::size_t place : demand.pools) pools.push_back(command.pools[place].name);
    const Entry& entry = mine.entries.at({pools, demand.weight});
    state.grants.push_back({.granted_total = entry.granted,
                            .released_total = entry.released,
                            .others_waiting = OthersWaiting(entry, waiting)});
  }
  for (const ports::PermitPool& pool : command.pools) {
    state.used.push_back(Of(used_, pool.name));
    if (pool.adaptive) state.adaptive.push_back(adaptive_.at(pool.name).state());
  }
  state.live_replicas = static_cast<std::int64_t>(rows_.size());
  state.rank = std::distance(rows_.begin(), rows_.find(replica));
  state.learning_left = std::max(base::Duration::zero(), learning_until_ - now);
  return synced;
}

void PermitBook::Renew(const std::string& replica, base::Timestamp until, base::Timestamp now) {
  const auto found = rows_.find(replica);
  if (found == rows_.end() || found->second.ends <= now) return;
  found->second.ends = std::max(found->second.ends, until);
}

bool PermitBook::Lives(const std::string& replica, base::Timestamp now) const {
  const auto found = rows_.find(replica);
  return found != rows_.end() && found->second.ends > now;
}

std::vector<std::string> PermitBook::Replicas(base::Timestamp now) const {
  std::vector<std::string> replicas;
  for (const auto& [replica, row] : rows_) {
    if (row.ends > now) replicas.push_back(replica);
  }
  return replicas;
}

std::int64_t PermitBook::Used(const std::string& pool, base::Timestamp now) const {
  std::int64_t used = 0;
  for (const auto& [replica, row] : rows_) {
    for (const auto& [key, entry] : row.entries) {
      const bool counts =
          std::find(entry.pools.begin(), entry.pools.end(), pool) != entry.pools.end();
      if (counts && row.ends > now) used += entry.held() * entry.weight;
    }
  }
  return used;
}

}  // namespace llmbatch::admission
