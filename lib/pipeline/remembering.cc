// Pipeline, second part: what the ledger knows, what it is told, and who works for which outcome.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ledger/fingerprint.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"
#include "wire/outcome.h"

namespace llmbatch::pipeline {
namespace {

// Another replica's answer takes seconds; its result is late by this at the most.
constexpr base::Duration kHeldInterval = std::chrono::milliseconds(500);

std::string AskedKey(const Request& request) {
  if (request.asks_content) return request.content_key;
  return request.asks_claim ? ClaimKey(request) : request.ledger_key;
}

// An outcome that somebody else's call gave; nothing is paid for it again.
model::ItemOutcome Shared(model::ItemOutcome outcome, model::ResultSource source) {
  outcome.source = source;
  outcome.usage = {};
  outcome.cost = model::NanoUsd{};
  outcome.cost_in_doubt = model::NanoUsd{};
  return outcome;
}

}  // namespace

// ── what is known ────────────────────────────────────────────────────────────

std::string Pipeline::ContentKeyOf(const Request& request) const {
  const model::Task& task = request.recipe->task();
  // An answer from a prompt with others may have been swayed by them.
  const bool alone = task.max_batch_items == 1 || request.alone;
  const bool cached = task.cache_ttl > base::Duration::zero() && (alone || task.cache_batched);
  // Nor does an answer serve others that followed from what was said, or known, beside the input.
  if (!cached || !request.history.empty() || request.company) return {};
  return ledger::ContentKey(
      task.isolate_tenants ? std::string_view(request.item.user_id) : std::string_view(), task,
      request.recipe->version(), request.item.input);
}

void Pipeline::Begin(Request request) {
  // A job whose record came while its partition is being given up.
  const bool leaving =
      revocation_ && std::find(revocation_->partitions.begin(), revocation_->partitions.end(),
                               request.origin.partition) != revocation_->partitions.end();
  if (leaving) return;
  const model::RequestId id = request.id;
  requests_.emplace(id, std::move(request));
  LookUp(id);
}

void Pipeline::LookUp(model::RequestId id) {
  Request& request = requests_.at(id);
  if (!single_flight_.Enter(AskedKey(request), id)) {
    request.stage = Stage::kFollowing;
    return;
  }
  request.leads_content = request.asks_content;
  AskLedger(id);
}

void Pipeline::AskLedger(model::RequestId id) {
  requests_.at(id).stage = Stage::kLookingUp;
  to_look_up_.push_back(id);
}

void Pipeline::AskAgainForHeld() {
  while (!held_.empty() && held_.begin()->first <= now_.steady) {
    const auto found = requests_.find(held_.extract(held_.begin()).mapped());
    if (found == requests_.end()) continue;
    Request& request = found->second;
    if (request.item.deadline && *request.item.deadline <= now_.wall) {
      EndInTime(found->first);
      continue;
    }
    if (now_.steady >= request.arrived + options_.max_wait) {
      // Whoever claims it has not come to an end in all this time.
      OnMiss(found->first);
      continue;
    }
    AskLedger(found->first);
  }
}

void Pipeline::EndInTime(model::RequestId id) {
  const auto node = requests_.extract(id);
  GiveUp(node.mapped());
  PublishOutcome(Settled{.request = std::move(node.mapped()),
                         .outcome = model::NeverAsked(
                             model::ErrorCode::kDeadlineExceeded,
                             "the item's deadline passed while another replica was working for "
                             "the same answer"),
                         .queued = {}});
}

void Pipeline::LookUpPending() {
  std::erase_if(to_look_up_, [this](model::RequestId id) { return !requests_.contains(id); });
  for (std::size_t begin = 0; begin < to_look_up_.size(); begin += ports::kMaxKeysPerLookup) {
    const std::size_t end = std::min(to_look_up_.size(), begin + ports::kMaxKeysPerLookup);
    ports::LookUpOutcomes command{
        .lookup = lookup_ids_.Next(), .keys = {}, .claim_ttl = options_.ledger_ttl};
    std::vector<model::RequestId> ids(to_look_up_.begin() + static_cast<std::ptrdiff_t>(begin),
                                      to_look_up_.begin() + static_cast<std::ptrdiff_t>(end));
    command.keys.reserve(ids.size());
    for (const model::RequestId id : ids) command.keys.push_back(AskedKey(requests_.at(id)));
    lookups_.emplace(command.lookup, std::move(ids));
    Emit(std::move(command));
  }
  to_look_up_.clear();
}

void Pipeline::On(ports::OutcomesLookedUp& event) {
  auto node = lookups_.extract(event.lookup);
  if (node.empty()) return;
  const std::vector<model::RequestId>& ids = node.mapped();
  // An answer of another length would put outcomes to the wrong items.
  const bool usable = event.entries.ok() && event.entries->size() == ids.size();
  SetDegraded("ledger", !usable);
  if (!usable) {
    Emit(Observed(ports::Metric::kLedgerFailures, 1, {"look_up"}));
    if (!lookups_fail_since_) lookups_fail_since_ = now_.steady;
    for (const model::RequestId id : ids) {
      if (requests_.contains(id)) OnLookupFailed(id);
    }
    return;
  }
  lookups_fail_since_.reset();
  std::set<std::string> in_doubt;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // A step of a job that was cancelled meanwhile.
    if (!requests_.contains(ids[i])) continue;
    ports::LedgerEntry& entry = (*event.entries)[i];
    if (!entry.in_doubt.empty()) in_doubt.insert(std::move(entry.in_doubt));
    OnLedgerEntry(ids[i], entry);
  }
  if (!in_doubt.empty()) {
    Emit(Observed(ports::Metric::kCallsRepeated, static_cast<double>(in_doubt.size()),
                  {"in_doubt"}));
  }
}

void Pipeline::OnLedgerEntry(model::RequestId id, const ports::LedgerEntry& entry) {
  if (entry.state == ports::LedgerEntry::State::kOthers) return OnHeld(id);
  Request& request = requests_.at(id);
  // Whoever had the claim before us may have replaced the outcome.
  if (std::exchange(request.asks_claim, false)) return AskLedger(id);
  if (entry.state == ports::LedgerEntry::State::kDone) {
    auto outcome = wire::DecodeOutcome(entry.outcome);
    if (outcome && request.asks_content) return OnCached(id, *std::move(outcome));
    if (outcome && ServesAgain(request, *outcome)) {
      Emit(Observed(ports::Metric::kLedgerLookups, 1, {"hit"}));
      if (request.replaces) ledger_writes_.Release(ClaimKey(request));
      auto node = requests_.extract(id);
      const auto& job = node.mapped().job;
      // It was paid for in an earlier life of the job.
      if (job && job->cap && outcome->cost) job->cap->Spend(*outcome->cost);
      return Conclude(Settled{
          .request = std::move(node.mapped()), .outcome = *std::move(outcome), .queued = {}});
    }
    if (!request.asks_content && !std::exchange(request.replaces, entry.outcome)) {
      request.asks_claim = true;
      return AskLedger(id);
    }
  }
  Emit(Observed(ports::Metric::kLedgerLookups, 1, {"miss"}));
  OnMiss(id);
}

bool Pipeline::ServesAgain(const Request& request, model::ItemOutcome& outcome) const {
  const auto job = request.job ? open_jobs_.find(request.job->job) : open_jobs_.end();
  if (job == open_jobs_.end() || job->second.head.retry_of.empty()) return true;
  // At its end a failure in the ledger is its own.
  if (outcome.status != model::ResultStatus::kOk) return job->second.kept_end.has_value();
  outcome = Shared(std::move(outcome), model::ResultSource::kCached);
  return true;
}

void Pipeline::OnCached(model::RequestId id, model::ItemOutcome outcome) {
  Emit(Observed(ports::Metric::kLedgerLookups, 1, {"cached"}));
  auto node = requests_.extract(id);
  const auto source =
      node.mapped().held_before ? model::ResultSource::kCoalesced : model::ResultSource::kCached;
  ledger_writes_.Store(Settled{.request = std::move(node.mapped()),
                               .outcome = Shared(std::move(outcome), source),
                               .queued = {}});
}

void Pipeline::OnHeld(model::RequestId id) {
  Emit(Observed(ports::Metric::kLedgerLookups, 1, {"held"}));
  Request& request = requests_.at(id);
  request.stage = Stage::kHeld;
  request.held_before = true;
  if (request.abandoned || phase_ != Phase::kRunning) return Abandon(id);
  held_.emplace(now_.steady + kHeldInterval, id);
}

void Pipeline::OnLookupFailed(model::RequestId id) {
  // Another replica works for it, as far as we know: a moment without Redis is no reason to pay
  // too.
  const Request& request = requests_.at(id);
  const bool may_be_claimed =
      request.held_before && now_.steady < *lookups_fail_since_ + options_.permits.lease;
  if (may_be_claimed) return OnHeld(id);
  const bool given_up = request.abandoned || phase_ != Phase::kRunning;
  if (given_up || EndedJobOf(request) == nullptr) return OnMiss(id);
  // It had an outcome, which is what its job's result speaks of.
  held_.emplace(now_.steady + kHeldInterval, id);
}

void Pipeline::OnMiss(model::RequestId id) {
  Request& request = requests_.at(id);
  request.stage = Stage::kQueued;
  if (request.abandoned || phase_ != Phase::kRunning) return Abandon(id);
  const OpenJob* ended = EndedJobOf(request);
  if (ended != nullptr && ended->kept_end->cancelled) return GiveUpStep(id);
  if (!request.content_key.empty() && !std::exchange(request.asks_content, true)) {
    request.held_before = false;
    return LookUp(id);
  }
  if (request.job && !EnterJob(request)) return;
  const bool last_of_job = request.job && request.job->last;
  if (batcher_.Add(request, now_.steady, out_) == Batcher::Fit::kTooLarge) {
    if (last_of_job) batcher_.Flush(request, out_);
    Settled settled{.request = std::move(request),
                    .outcome = model::NeverAsked(model::ErrorCode::kItemTooLarge,
                                                 "the item alone is over max_batch_tokens, or "
                                                 "over the context of every model of its route"),
                    .queued = {}};
    requests_.erase(id);
    // Nobody has to remember what anyone finds out at once.
    Release(settled.request);
    return Conclude(std::move(settled));
  }
  if (last_of_job) batcher_.Flush(request, out_);
}

// ── what it is told ──────────────────────────────────────────────────────────

void Pipeline::Settle(Verdicts verdicts) {
  for (Verdict& verdict : verdicts) {
    auto node = requests_.extract(verdict.request);
    if (node.empty()) continue;
    if (node.mapped().job) LeaveJob(node.mapped());
    ledger_writes_.Store(Settled{.request = std::move(node.mapped()),
                                 .outcome = std::move(verdict.outcome),
                                 .queued = verdict.queued});
  }
}

void Pipeline::On(ports::OutcomesStored& event) {
  auto published = ledger_writes_.OnStored(event, now_.steady);
  if (!published) return;
  SetDegraded("ledger", !event.outcome.ok());
  if (!event.outcome) Emit(Observed(ports::Metric::kLedgerFailures, 1, {"store"}));
  for (Settled& settled : *published) Conclude(std::move(settled));
}

void Pipeline::On(ports::ClaimsReleased& event) { ledger_writes_.OnReleased(event, now_.steady); }

void Pipeline::Conclude(Settled settled) {
  if (settled.request.leads_content) {
    for (const model::RequestId follower : single_flight_.Land(settled.request.content_key)) {
      if (settled.outcome.status != model::ResultStatus::kOk) {
        AskItself(follower);
        continue;
      }
      auto node = requests_.extract(follower);
      if (node.empty()) continue;
      // Its own identity has no outcome in the ledger yet.
      ledger_writes_.Store(
          Settled{.request = std::move(node.mapped()),
                  .outcome = Shared(settled.outcome, model::ResultSource::kCoalesced),
                  .queued = {}});
    }
  }
  for (const model::RequestId follower : single_flight_.Land(settled.request.ledger_key)) {
    const auto found = requests_.find(follower);
    if (found == requests_.end()) continue;
    model::ItemOutcome outcome = settled.outcome;
    if (!ServesAgain(found->second, outcome)) {
      LookUp(follower);
      continue;
    }
    auto node = requests_.extract(found);
    PublishOutcome(Settled{.request = std::move(node.mapped()),
                           .outcome = std::move(outcome),
                           .queued = settled.queued});
  }
  PublishOutcome(std::move(settled));
}

void Pipeline::AskItself(model::RequestId id) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  found->second.content_key.clear();
  OnMiss(id);
}

// ── what is given up ─────────────────────────────────────────────────────────

void Pipeline::AbandonRequests(const std::vector<model::TopicPartition>& partitions) {
  std::vector<model::RequestId> gone;
  for (auto& [id, request] : requests_) {
    const bool concerned = std::find(partitions.begin(), partitions.end(),
                                     request.origin.partition) != partitions.end();
    if (!concerned) continue;
    // What is under way comes to its end, for the ledger alone.
    request.abandoned = true;
    const bool under_way = request.stage == Stage::kInFlight || request.stage == Stage::kLookingUp;
    if (!under_way) gone.push_back(id);
  }
  for (const model::RequestId id : gone) Abandon(id);
  calls_.NoticeAbandoned();
}

void Pipeline::Abandon(model::RequestId id) {
  auto node = requests_.extract(id);
  if (node.empty()) return;
  GiveUp(node.mapped());
  if (node.mapped().job && node.mapped().job->collected) ReturnItem(std::move(node.mapped()));
}

void Pipeline::GiveUp(const Request& request) {
  // Who follows another's outcome, not another's content, has nothing that others wait for.
  if (request.stage == Stage::kFollowing && !request.asks_content) return;
  Release(request);
  std::vector<model::RequestId> followers = single_flight_.Land(request.ledger_key);
  if (request.leads_content) {
    const auto more = single_flight_.Land(request.content_key);
    followers.insert(followers.end(), more.begin(), more.end());
  }
  for (const model::RequestId follower : followers) {
    const auto found = requests_.find(follower);
    if (found != requests_.end() && !found->second.abandoned) LookUp(follower);
  }
}

void Pipeline::Release(const Request& request) {
  // Also what another replica claimed when the ledger last answered: it may be ours by a look-up
  // whose reply was lost. Nobody gives back what isn't his.
  ledger_writes_.Release(request.ledger_key);
  if (request.replaces) ledger_writes_.Release(ClaimKey(request));
  if (request.leads_content) ledger_writes_.Release(request.content_key);
}

}  // namespace llmbatch::pipeline
