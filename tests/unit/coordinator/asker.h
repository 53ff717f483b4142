// Gives a coordinator one command after the other and waits for the completion of each.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ports/commands.h"
#include "ports/events.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"

namespace llmbatch::coordinator {

using Outcomes = std::vector<std::optional<std::string>>;

// What one replica wants of one pool.
struct OnePool {
  std::int64_t granted_known = 0;
  std::int64_t released_total = 0;
  std::int64_t want = 0;
  std::int64_t limit = 5;
  base::Duration lease = std::chrono::seconds(15);
  std::int64_t users = 1;
  bool relearn = false;
};
struct OnePoolState {
  std::int64_t granted_total = 0;
  std::int64_t released_total = 0;
  std::int64_t limit = 0;
  std::int64_t used = 0;
  std::int64_t live_replicas = 0;
  std::int64_t rank = 0;
  std::int64_t others_waiting = 0;
  base::Duration learning_left{};
  std::vector<ports::RouteHold> holds;
};

template <typename Coordinator>
class Asker {
 public:
  Asker(Coordinator& coordinator, runtime::Inbox& inbox)
      : coordinator_(coordinator), inbox_(inbox) {}

  base::Result<OnePoolState> Sync(const OnePool& one) {
    const auto state = SyncAll({.sync = {},
                                .pools = {{.name = "all", .limit = one.limit}},
                                .demands = {{.pools = {0},
                                             .granted_known = one.granted_known,
                                             .released_total = one.released_total,
                                             .want = one.want}},
                                .lease = one.lease,
                                .users = one.users,
                                .relearn = one.relearn});
    if (!state) return state.error();
    const ports::PermitGrant& grant = state->grants.at(0);
    return OnePoolState{.granted_total = grant.granted_total,
                        .released_total = grant.released_total,
                        .limit = one.limit,
                        .used = state->used.at(0),
                        .live_replicas = state->live_replicas,
                        .rank = state->rank,
                        .others_waiting = grant.others_waiting,
                        .learning_left = state->learning_left,
                        .holds = state->holds};
  }

  base::Result<ports::PermitState> SyncAll(ports::SyncPermits command) {
    return Exchange(std::move(command), &ports::SyncPermits::sync, &ports::PermitsSynced::sync);
  }

  base::Result<ports::ReserveState> Reserve(ports::ReserveCalls command) {
    return Exchange(std::move(command), &ports::ReserveCalls::reserve,
                    &ports::CallsReserved::reserve);
  }

  using Ratios = std::vector<std::optional<std::int64_t>>;
  base::Result<Ratios> Share(std::vector<ports::RatioLesson> lessons) {
    const model::RatiosId id{++last_id_};
    coordinator_.Execute(ports::ShareRatios{
        .share = id, .lessons = std::move(lessons), .ttl = std::chrono::hours(1)});
    const auto event = Await<ports::RatiosShared>();
    EXPECT_EQ(event.share, id);
    return event.ratios;
  }

  base::Result<std::vector<ports::LedgerEntry>> Claim(
      std::vector<std::string> keys, base::Duration claim_ttl = std::chrono::hours(1)) {
    const model::LookupId id{++last_id_};
    coordinator_.Execute(
        ports::LookUpOutcomes{.lookup = id, .keys = std::move(keys), .claim_ttl = claim_ttl});
    const auto event = Await<ports::OutcomesLookedUp>();
    EXPECT_EQ(event.lookup, id);
    return event.entries;
  }

  base::Result<Outcomes> LookUp(std::vector<std::string> keys) {
    const auto entries = Claim(std::move(keys));
    if (!entries) return entries.error();
    Outcomes outcomes;
    for (const ports::LedgerEntry& entry : *entries) {
      const bool done = entry.state == ports::LedgerEntry::State::kDone;
      outcomes.push_back(done ? std::optional(entry.outcome) : std::nullopt);
    }
    return outcomes;
  }

  base::Result<void> Store(std::vector<ports::StoredOutcome> outcomes, base::Duration ttl) {
    const model::StoreId id{++last_id_};
    for (ports::StoredOutcome& outcome : outcomes) outcome.ttl = ttl;
    coordinator_.Execute(ports::StoreOutcomes{.store = id, .outcomes = std::move(outcomes)});
    const auto event = Await<ports::OutcomesStored>();
    EXPECT_EQ(event.store, id);
    return event.outcome;
  }

  base::Result<ports::TakenJob> Take(ports::TakeJobRecord command) {
    return Exchange(std::move(command), &ports::TakeJobRecord::take, &ports::JobRecordTaken::take);
  }

  base::Result<ports::JobRecordSaved::State> Save(ports::SaveJobRecord command) {
    return Exchange(std::move(command), &ports::SaveJobRecord::save, &ports::JobRecordSaved::save);
  }

  base::Result<ports::ToldMember> AskMember(ports::AskJobMember command) {
    return Exchange(std::move(command), &ports::AskJobMember::ask, &ports::JobMemberTold::ask);
  }

  base::Result<ports::CommandedJob> Command(ports::CommandJobRecord command) {
    return Exchange(std::move(command), &ports::CommandJobRecord::command,
                    &ports::JobCommanded::command);
  }

  base::Result<std::string> Fetch(ports::FetchDocument command) {
    command.fetch = model::FetchId{++last_id_};
    coordinator_.Execute(command);
    auto event = Await<ports::DocumentFetched>();
    EXPECT_EQ(event.fetch, command.fetch);
    return std::move(event.text);
  }

  // The job that the next JobCancelRequested names; "" if none comes in `most`.
  std::string AwaitCancel(base::Duration most) {
    const base::Timestamp deadline = runtime::ReadClock().steady + most;
    while (cancelled_.empty()) {
      const std::vector<ports::Event> events = inbox_.WaitUntil(deadline);
      if (events.empty()) return {};
      for (const ports::Event& event : events) Note(event);
    }
    return std::exchange(cancelled_, {});
  }

  // Waits for PermitsOffered, unless one came since the last call; false if none comes in `most`.
  bool AwaitOffer(base::Duration most) {
    const base::Timestamp deadline = runtime::ReadClock().steady + most;
    while (offers_ == 0) {
      const std::vector<ports::Event> events = inbox_.WaitUntil(deadline);
      if (events.empty()) return false;
      for (const ports::Event& event : events) {
        if (std::holds_alternative<ports::PermitsOffered>(event)) ++offers_;
      }
    }
    offers_ = 0;
    return true;
  }

 private:
  // What the completion of the command says; it has the id that the command got here.
  template <typename Command, typename Event, typename Id>
  auto Exchange(Command command, Id Command::*asked, Id Event::*told) {
    command.*asked = Id{++last_id_};
    coordinator_.Execute(command);
    Event event = Await<Event>();
    EXPECT_EQ(event.*told, command.*asked);
    return std::move(event.outcome);
  }

  template <typename Completion>
  Completion Await() {
    const base::Timestamp deadline = runtime::ReadClock().steady + std::chrono::seconds(20);
    for (;;) {
      std::vector<ports::Event> events = inbox_.WaitUntil(deadline);
      if (events.empty()) throw std::runtime_error("no completion in 20 s");
      std::optional<Completion> completion;
      for (ports::Event& event : events) {
        Note(event);
        if (auto* found = std::get_if<Completion>(&event)) completion = std::move(*found);
      }
      if (completion) return *std::move(completion);
    }
  }

  void Note(const ports::Event& event) {
    if (std::holds_alternative<ports::PermitsOffered>(event)) ++offers_;
    if (const auto* cancel = std::get_if<ports::JobCancelRequested>(&event))
      cancelled_ = cancel->job_id;
  }

  Coordinator& coordinator_;
  runtime::Inbox& inbox_;
  std::uint64_t last_id_ = 0;
  int offers_ = 0;
  std::string cancelled_;
};

}  // namespace llmbatch::coordinator
