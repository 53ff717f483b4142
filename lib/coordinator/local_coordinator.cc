#include "coordinator/local_coordinator.h"

#include <algorithm>
#include <utility>

namespace llmbatch::coordinator {

LocalCoordinator::LocalCoordinator(LocalOptions options, runtime::Inbox& inbox)
    : options_(std::move(options)),
      inbox_(inbox),
      ledger_(options_.max_ledger_bytes),
      jobs_(options_.max_job_bytes) {}

void LocalCoordinator::Execute(const ports::SyncPermits& command) {
  auto synced = permits_.Sync({}, command, base::Duration::zero(), options_.clock());
  inbox_.Post(ports::PermitsSynced{command.sync, std::move(synced.state)});
}

void LocalCoordinator::Execute(const ports::ReserveCalls& command) {
  inbox_.Post(
      ports::CallsReserved{command.reserve, limits_.Reserve({}, command, options_.clock())});
}

void LocalCoordinator::Execute(const ports::ShareRatios& command) {
  inbox_.Post(ports::RatiosShared{.share = command.share, .ratios = ratios_.Share(command)});
}

void LocalCoordinator::Execute(const ports::LookUpOutcomes& command) {
  const base::Timestamp now = options_.clock();
  std::vector<ports::LedgerEntry> entries(command.keys.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto outcome = ledger_.Find(command.keys[i], now);
    if (!outcome) continue;
    entries[i].state = ports::LedgerEntry::State::kDone;
    entries[i].outcome = *std::move(outcome);
  }
  inbox_.Post(ports::OutcomesLookedUp{command.lookup, std::move(entries)});
}

void LocalCoordinator::Execute(const ports::ReleaseClaims& command) {
  inbox_.Post(ports::ClaimsReleased{.release = command.release, .outcome = {}});
}

void LocalCoordinator::Execute(ports::StoreOutcomes command) {
  const base::Timestamp now = options_.clock();
  base::Result<void> stored;
  for (ports::StoredOutcome& outcome : command.outcomes) {
    const auto found = ledger_.Find(outcome.key, now);
    if (found && found != outcome.replaces) continue;
    stored = ledger_.Store(std::move(outcome.key), std::move(outcome.value), now + outcome.ttl);
    if (!stored) break;
  }
  inbox_.Post(ports::OutcomesStored{command.store, std::move(stored)});
}

void LocalCoordinator::Execute(const ports::TakeJobRecord& command) {
  inbox_.Post(ports::JobRecordTaken{.take = command.take, .outcome = jobs_.Take(command)});
}

void LocalCoordinator::Execute(const ports::SaveJobRecord& command) {
  inbox_.Post(ports::JobRecordSaved{.save = command.save, .outcome = jobs_.Save(command)});
}

void LocalCoordinator::Execute(const ports::AskJobMember& command) {
  inbox_.Post(ports::JobMemberTold{.ask = command.ask, .outcome = jobs_.Ask(command)});
}

void LocalCoordinator::Execute(const ports::CommandJobRecord& command) {
  ports::CommandedJob outcome = jobs_.Command(command);
  const bool cancelled = command.kind == ports::CommandJobRecord::Kind::kCancel &&
                         outcome.state == ports::CommandedJob::State::kDone;
  inbox_.Post(ports::JobCommanded{.command = command.command, .outcome = std::move(outcome)});
  if (cancelled) inbox_.Post(ports::JobCancelRequested{.job_id = command.job_id});
}

void LocalCoordinator::Execute(const ports::FetchDocument& command) {
  inbox_.Post(ports::DocumentFetched{
      .fetch = command.fetch,
      .text = base::MakeError(base::ErrorKind::kNotFound,
                              "documents are kept in Redis, and redis.url is not set")});
}

}  // namespace llmbatch::coordinator
