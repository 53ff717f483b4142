#include "sim/sim_coordinator.h"

#include <algorithm>
#include <utility>

namespace llmbatch::sim {
namespace {

base::Error Away() {
  return base::MakeError(base::ErrorKind::kUnavailable, "simulated Redis outage");
}

}  // namespace

void SimCoordinator::Reply(int replica, ports::Event event) {
  base::Timestamp& last = last_reply_[replica];
  last = std::max(last,
                  schedule_.now() + base::Duration(std::chrono::microseconds(rng_.Below(3'000))));
  schedule_.At(last, [this, replica, event = std::move(event)] { deliver_(replica, event); });
}

void SimCoordinator::Execute(int replica, ports::Command& command) {
  const bool carried_out = !away_ || rng_.Chance(0.3);
  if (auto* sync = std::get_if<ports::SyncPermits>(&command)) {
    ports::PermitsSynced event{.sync = sync->sync, .outcome = Away()};
    if (carried_out) {
      const ports::PermitState state = Sync(replica, *sync);
      if (!away_) event.outcome = state;
    }
    Reply(replica, std::move(event));
  } else if (auto* reserve = std::get_if<ports::ReserveCalls>(&command)) {
    ports::CallsReserved event{.reserve = reserve->reserve, .outcome = Away()};
    if (carried_out) {
      auto state = limits_.Reserve(std::to_string(replica), *reserve, schedule_.now());
      if (!away_) event.outcome = std::move(state);
    }
    Reply(replica, std::move(event));
  } else if (auto* hold = std::get_if<ports::HoldRoute>(&command)) {
    if (carried_out) Hold(hold->hold);
  } else if (auto* look_up = std::get_if<ports::LookUpOutcomes>(&command)) {
    ports::OutcomesLookedUp event{.lookup = look_up->lookup, .entries = Away()};
    if (carried_out) {
      std::vector<ports::LedgerEntry> entries;
      for (const std::string& key : look_up->keys) entries.push_back(LookUp(replica, key));
      if (!away_) event.entries = std::move(entries);
    }
    Reply(replica, std::move(event));
  } else if (auto* mark = std::get_if<ports::MarkSent>(&command)) {
    for (const std::string& key : mark->keys) {
      if (carried_out && Claims(replica, key)) ledger_[key].call = mark->call;
    }
  } else if (auto* release = std::get_if<ports::ReleaseClaims>(&command)) {
    for (const std::string& key : release->keys) {
      if (carried_out && Claims(replica, key)) ledger_.erase(key);
    }
    ports::ClaimsReleased event{.release = release->release, .outcome = {}};
    if (away_) event.outcome = Away();
    Reply(replica, std::move(event));
  } else if (auto* store = std::get_if<ports::StoreOutcomes>(&command)) {
    if (carried_out) {
      for (const ports::StoredOutcome& each : store->outcomes) Keep(replica, each);
    }
    ports::OutcomesStored event{.store = store->store, .outcome = {}};
    if (away_) event.outcome = Away();
    Reply(replica, std::move(event));
  } else if (auto* take = std::get_if<ports::TakeJobRecord>(&command)) {
    ports::JobRecordTaken event{.take = take->take, .outcome = Away()};
    if (carried_out) {
      const ports::TakenJob taken = jobs_.Take(*take);
      if (!away_) event.outcome = taken;
    }
    Reply(replica, std::move(event));
  } else if (auto* save = std::get_if<ports::SaveJobRecord>(&command)) {
    ports::JobRecordSaved event{.save = save->save, .outcome = Away()};
    if (carried_out) {
      const auto saved = jobs_.Save(*save);
      if (!away_) event.outcome = saved;
    }
    Reply(replica, std::move(event));
  }
}

bool SimCoordinator::Claims(int replica, const std::string& key) const {
  const auto found = ledger_.find(key);
  return found != ledger_.end() && !found->second.outcome && found->second.owner == replica;
}

ports::LedgerEntry SimCoordinator::LookUp(int replica, const std::string& key) {
  using State = ports::LedgerEntry::State;
  Expire();
  Entry& entry = ledger_[key];
  if (entry.outcome) return {.state = State::kDone, .outcome = *entry.outcome, .in_doubt = {}};
  if (entry.owner != replica && rows_.contains(entry.owner)) {
    return {.state = State::kOthers, .outcome = {}, .in_doubt = {}};
  }
  std::string in_doubt = entry.owner == replica ? std::string() : entry.call;
  if (entry.owner != replica) entry = Entry{.outcome = {}, .owner = replica, .call = {}};
  return {.state = State::kOurs, .outcome = {}, .in_doubt = std::move(in_doubt)};
}

void SimCoordinator::Keep(int replica, const ports::StoredOutcome& stored) {
  Expire();
  Entry& entry = ledger_[stored.key];
  const bool of_another = entry.owner != replica && rows_.contains(entry.owner);
  if ((entry.outcome || of_another) && !stored.replaces) return;
  entry = Entry{.outcome = stored.value, .owner = 0, .call = {}};
}

void SimCoordinator::Hold(const ports::RouteHold& hold) {
  HeldRoute& held = holds_[{hold.provider, hold.model}];
  held.until = std::max(held.until, schedule_.now() + hold.left);
  held.bursts = std::max(held.bursts, hold.bursts);
  for (const auto& [replica, row] : rows_) {
    if (!away_ && !gone_.contains(replica)) Reply(replica, ports::RouteHeld{hold});
  }
}

std::vector<ports::RouteHold> SimCoordinator::Holds() const {
  std::vector<ports::RouteHold> holds;
  for (const auto& [route, held] : holds_) {
    if (held.until <= schedule_.now()) continue;
    holds.push_back({.provider = route.first,
                     .model = route.second,
                     .left = held.until - schedule_.now(),
                     .bursts = held.bursts});
  }
  return holds;
}

void SimCoordinator::Expire() {
  std::erase_if(rows_, [this](const auto& each) {
    const bool renewed = keep_rows_ && !gone_.contains(each.first);
    return !renewed && each.second.expires <= schedule_.now();
  });
}

std::int64_t SimCoordinator::Used() {
  Expire();
  std::int64_t used = 0;
  for (const auto& [replica, row] : rows_) used += row.granted - row.released;
  return used;
}

ports::PermitState SimCoordinator::Sync(int replica, const ports::SyncPermits& command) {
  Expire();
  Row& row = rows_[replica];
  row.granted = std::max(row.granted, command.granted_known);
  row.released = std::max(row.released, command.released_total);
  row.expires = schedule_.now() + command.lease;
  if (command.want > 0 && row.ticket == 0) row.ticket = ++last_ticket_;
  if (command.want == 0) row.ticket = 0;
  row.want = command.want;
  Grant(command.limit, replica);

  ports::PermitState state{.granted_total = row.granted,
                           .released_total = row.released,
                           .limit = command.limit,
                           .used = Used(),
                           .live_replicas = static_cast<std::int64_t>(rows_.size()),
                           .waiting_replicas = 0,
                           .learning_left = {},
                           .holds = Holds()};
  for (const auto& [id, other] : rows_)
    state.waiting_replicas += id != replica && other.want > 0 ? 1 : 0;
  return state;
}

void SimCoordinator::Grant(std::int64_t limit, int caller) {
  while (Used() < limit) {
    auto pick = rows_.end();
    for (auto it = rows_.begin(); it != rows_.end(); ++it) {
      if (it->second.want > 0 && (pick == rows_.end() || it->second.ticket < pick->second.ticket))
        pick = it;
    }
    if (pick == rows_.end()) return;
    Row& row = pick->second;
    ++row.granted;
    --row.want;
    row.ticket = row.want > 0 ? ++last_ticket_ : 0;
    if (pick->first != caller) Reply(pick->first, ports::PermitsOffered{});
  }
}

}  // namespace llmbatch::sim
