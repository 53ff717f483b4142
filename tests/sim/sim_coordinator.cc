#include "sim/sim_coordinator.h"

#include <algorithm>
#include <array>
#include <utility>

#include "wire/outcome.h"

namespace llmbatch::sim {
namespace {

constexpr base::Duration kRenewal = std::chrono::seconds(15);
constexpr base::Duration kTimeout = std::chrono::seconds(1);
constexpr base::Duration kLearning = std::chrono::seconds(5);

// Of so many words, in paragraphs.
std::string TextOf(int words) {
  std::string text;
  for (int i = 0; i < words; ++i) text += i % 12 == 11 ? "end.\n\n" : "word ";
  return text;
}

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
  const bool lost = away_ || rng_.Below(1000) < plan_.lost_replies;
  // Whoever waits for a reply that was lost waits until it gives up.
  if (lost && !away_) {
    last_reply_[replica] = std::max(last_reply_[replica], schedule_.now() + kTimeout);
  }
  if (auto* sync = std::get_if<ports::SyncPermits>(&command)) {
    ports::PermitsSynced event{.sync = sync->sync, .outcome = Away()};
    if (carried_out) {
      const ports::PermitState state = Sync(replica, *sync);
      if (!lost) event.outcome = state;
    }
    Reply(replica, std::move(event));
  } else if (auto* reserve = std::get_if<ports::ReserveCalls>(&command)) {
    ports::CallsReserved event{.reserve = reserve->reserve, .outcome = Away()};
    if (carried_out) {
      auto state = limits_.Reserve(std::to_string(replica), *reserve, schedule_.now());
      if (!lost) event.outcome = std::move(state);
    }
    Reply(replica, std::move(event));
  } else if (auto* hold = std::get_if<ports::HoldRoute>(&command)) {
    if (carried_out) Hold(hold->hold);
  } else if (auto* share = std::get_if<ports::ShareRatios>(&command)) {
    ports::RatiosShared event{.share = share->share, .ratios = Away()};
    if (carried_out) {
      auto ratios = ratios_.Share(*share);
      if (!lost) event.ratios = std::move(ratios);
    }
    Reply(replica, std::move(event));
  } else if (auto* look_up = std::get_if<ports::LookUpOutcomes>(&command)) {
    ports::OutcomesLookedUp event{.lookup = look_up->lookup, .entries = Away()};
    if (carried_out) {
      std::vector<ports::LedgerEntry> entries;
      for (const std::string& key : look_up->keys) entries.push_back(LookUp(replica, key));
      if (!lost) event.entries = std::move(entries);
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
    if (lost) event.outcome = Away();
    Reply(replica, std::move(event));
  } else if (auto* store = std::get_if<ports::StoreOutcomes>(&command)) {
    if (carried_out) {
      for (const ports::StoredOutcome& each : store->outcomes) Keep(replica, each);
    }
    ports::OutcomesStored event{.store = store->store, .outcome = {}};
    if (lost) event.outcome = Away();
    Reply(replica, std::move(event));
  } else if (auto* take = std::get_if<ports::TakeJobRecord>(&command)) {
    ports::JobRecordTaken event{.take = take->take, .outcome = Away()};
    if (carried_out) {
      const ports::TakenJob taken = jobs_.Take(*take);
      if (!lost) event.outcome = taken;
    }
    Reply(replica, std::move(event));
  } else if (auto* save = std::get_if<ports::SaveJobRecord>(&command)) {
    ports::JobRecordSaved event{.save = save->save, .outcome = Away()};
    if (carried_out) {
      const auto saved = jobs_.Save(*save);
      if (!lost) event.outcome = saved;
    }
    Reply(replica, std::move(event));
  } else if (auto* ask = std::get_if<ports::AskJobMember>(&command)) {
    ports::JobMemberTold event{.ask = ask->ask, .outcome = Away()};
    if (carried_out && !lost) event.outcome = jobs_.Ask(*ask);
    Reply(replica, std::move(event));
  } else if (auto* fetch = std::get_if<ports::FetchDocument>(&command)) {
    ports::DocumentFetched event{.fetch = fetch->fetch, .text = Away()};
    if (carried_out && !lost) event.text = Fetch(*fetch);
    const bool is_kept = fetch->place.store == model::DocumentPlace::Store::kKept;
    if (is_kept) return Reply(replica, std::move(event));
    event.text = Fetch(*fetch);
    schedule_.After(std::chrono::milliseconds(rng_.Below(2'000)),
                    [this, replica, event = std::move(event)] { deliver_(replica, event); });
  }
}

// Unless it was kept, a document's name says what it is: "300 words 7".
base::Result<std::string> SimCoordinator::Fetch(const ports::FetchDocument& fetch) {
  if (rng_.Below(1000) < plan_.failed_fetches) {
    constexpr std::array kKinds{base::ErrorKind::kUnavailable, base::ErrorKind::kTimeout,
                                base::ErrorKind::kNotFound, base::ErrorKind::kDenied};
    return base::MakeError(kKinds[rng_.Below(kKinds.size())], "simulated");
  }
  const std::string& name = fetch.place.name;
  const std::size_t begin = name.find_last_of('/') + 1;
  const auto kept = texts_.find(name.substr(begin));
  std::string text = kept != texts_.end() ? kept->second : TextOf(std::stoi(name.substr(begin)));
  if (static_cast<std::int64_t>(text.size()) > fetch.max_bytes)
    return base::MakeError(base::ErrorKind::kTooLarge, "simulated");
  return text;
}

void SimCoordinator::Cancel(const std::string& job_id, const std::string& user_id) {
  if (away_) return;
  const base::WallTime now = schedule_.Now().wall;
  const auto outcome = jobs_.Command({.command = {},
                                      .kind = ports::CommandJobRecord::Kind::kCancel,
                                      .job_id = job_id,
                                      .user_id = user_id,
                                      .now = now,
                                      .ttl = std::chrono::seconds(5)});
  if (outcome.state != ports::CommandedJob::State::kDone) return;
  for (const std::string& name : permits_.Replicas(schedule_.now())) {
    const int replica = std::stoi(name);
    if (!gone_.contains(replica)) Tell(replica, ports::JobCancelRequested{.job_id = job_id});
  }
}

ports::CommandedJob SimCoordinator::Retry(const std::string& job_id, const std::string& user_id) {
  if (away_) return {.state = ports::CommandedJob::State::kUnknown};
  return jobs_.Command({.command = {},
                        .kind = ports::CommandJobRecord::Kind::kRetry,
                        .job_id = job_id,
                        .user_id = user_id,
                        .now = schedule_.Now().wall,
                        .ttl = std::chrono::seconds(5)});
}

void SimCoordinator::Tell(int replica, const ports::Event& event) {
  Reply(replica, event);
  if (rng_.Below(1000) < plan_.repeated_events) Reply(replica, event);
}

void SimCoordinator::LoseData() {
  permits_ = admission::PermitBook(schedule_.now() + kLearning);
  limits_ = {};
  holds_.clear();
  ledger_.clear();
  ratios_ = {};
  jobs_ = coordinator::LocalJobs(kJobBytes);
}

bool SimCoordinator::Claims(int replica, const std::string& key) const {
  const auto found = ledger_.find(key);
  return found != ledger_.end() && !found->second.outcome && found->second.owner == replica;
}

bool SimCoordinator::HasAnswer(const std::string& key) const {
  const auto found = ledger_.find(key);
  if (found == ledger_.end() || !found->second.outcome) return false;
  const auto outcome = wire::DecodeOutcome(*found->second.outcome);
  return outcome && outcome->status == model::ResultStatus::kOk;
}

ports::LedgerEntry SimCoordinator::LookUp(int replica, const std::string& key) {
  using State = ports::LedgerEntry::State;
  RenewRows();
  Entry& entry = ledger_[key];
  if (entry.outcome) return {.state = State::kDone, .outcome = *entry.outcome, .in_doubt = {}};
  if (entry.owner != replica && permits_.Lives(std::to_string(entry.owner), schedule_.now())) {
    return {.state = State::kOthers, .outcome = {}, .in_doubt = {}};
  }
  std::string in_doubt = entry.owner == replica ? std::string() : entry.call;
  if (entry.owner != replica) entry = Entry{.outcome = {}, .owner = replica, .call = {}};
  return {.state = State::kOurs, .outcome = {}, .in_doubt = std::move(in_doubt)};
}

void SimCoordinator::Keep(int replica, const ports::StoredOutcome& stored) {
  RenewRows();
  Entry& entry = ledger_[stored.key];
  const bool of_another =
      entry.owner != replica && permits_.Lives(std::to_string(entry.owner), schedule_.now());
  if ((entry.outcome && entry.outcome != stored.replaces) || of_another) return;
  entry = Entry{.outcome = stored.value, .owner = 0, .call = {}};
}

void SimCoordinator::Hold(const ports::RouteHold& hold) {
  if (ports::IsOver(hold)) {
    if (holds_.erase({hold.provider, hold.model}) == 0) return;
  } else {
    HeldRoute& held = holds_[{hold.provider, hold.model}];
    held.until = std::max(held.until, schedule_.now() + hold.left);
    held.bursts = std::max(held.bursts, hold.bursts);
  }
  for (const std::string& name : permits_.Replicas(schedule_.now())) {
    const int replica = std::stoi(name);
    if (!away_ && !gone_.contains(replica)) Tell(replica, ports::RouteHeld{hold});
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

void SimCoordinator::RenewRows() {
  if (!keep_rows_) return;
  const base::Timestamp now = schedule_.now();
  for (const std::string& name : permits_.Replicas(last_renewal_)) {
    if (!gone_.contains(std::stoi(name))) permits_.Renew(name, now + kRenewal, last_renewal_);
  }
  last_renewal_ = now;
}

std::int64_t SimCoordinator::Used(const std::string& pool) const {
  return permits_.Used(pool, schedule_.now());
}

ports::PermitState SimCoordinator::Sync(int replica, const ports::SyncPermits& command) {
  RenewRows();
  auto [state, woken] =
      permits_.Sync(std::to_string(replica), command, base::Duration::zero(), schedule_.now());
  for (const std::string& other : woken) Tell(std::stoi(other), ports::PermitsOffered{});
  state.holds = Holds();
  return state;
}

}  // namespace llmbatch::sim
