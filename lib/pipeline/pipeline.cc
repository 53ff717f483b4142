#include "pipeline/pipeline.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "pipeline/observations.h"

namespace llmbatch::pipeline {
namespace {

constexpr base::Duration kGaugeInterval = std::chrono::seconds(1);
constexpr base::Duration kWaitingInterval = std::chrono::milliseconds(250);
// Giving permits back is a courtesy to the other replicas: they come back by themselves after one
// lease.
constexpr base::Duration kReturnTimeout = std::chrono::seconds(2);
constexpr double kNanosPerUsd = 1e9;

double ToUsd(std::int64_t nanos) { return static_cast<double>(nanos) / kNanosPerUsd; }

constexpr std::array kCallStates{CallState::kWaitingForLimit, CallState::kWaitingForPermit,
                                 CallState::kInFlight, CallState::kBackingOff};

}  // namespace

Pipeline::Pipeline(Options options)
    : options_(std::move(options)),
      rng_(options_.seed),
      partitions_(options_.limits, options_.commit_interval),
      batcher_(options_.budgets.by_user()),
      calls_(options_, requests_, rng_),
      outbox_(options_.backoff),
      ledger_writes_(options_.ledger_ttl),
      jobs_(options_.jobs),
      retrieval_(options_.documents, options_.backoff),
      commands_(options_, job_record_ids_) {}

base::Result<std::unique_ptr<Pipeline>> Pipeline::Create(Options options) {
  LLMBATCH_CHECK(options.catalog != nullptr);
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(options)));
  if (pipeline->options_.delivery == Delivery::kExactlyOnce) {
    pipeline->transactions_.emplace(pipeline->options_.backoff,
                                    pipeline->options_.transaction_interval);
  }
  auto recipes = BuildRecipes(*pipeline->options_.catalog, pipeline->options_.bpe);
  if (!recipes) return recipes.error();
  pipeline->recipes_ = std::move(recipes).value();
  return pipeline;
}

ports::Commands Pipeline::Handle(std::vector<ports::Event> events, base::Now now) {
  now_ = now;
  calls_.SetDate(now.wall);
  for (ports::Event& event : events) {
    std::visit([this](auto& each) { On(each); }, event);
  }
  EndRound();
  const std::size_t likely_next = out_.size();
  ports::Commands commands = std::exchange(out_, {});
  out_.reserve(likely_next);
  return commands;
}

// ── a record's partition is ours ─────────────────────────────────────────────

void Pipeline::On(ports::PartitionsAssigned& event) {
  if (revocation_) {
    // The consumer didn't wait for us: what was read before can't be committed any more.
    revocation_->lost = true;
    FinishRevocation();
  }
  assignment_ = event.assignment;
  std::vector<model::TopicPartition> assigned;
  for (const ports::AssignedPartition& each : event.partitions) assigned.push_back(each.partition);
  // A consumer that was replaced after a fatal error gets them again without having given them
  // back.
  AbandonRequests(assigned);
  ForgetPartitions(assigned);
  for (const model::TopicPartition& each : partitions_.Assign(event.partitions)) {
    Emit(ports::LogLine{
        .level = ports::LogLevel::kWarning,
        .message = "the metadata of a committed offset is no done map; records are read again",
        .fields = {{"topic", each.topic}, {"partition", std::to_string(each.partition)}}});
  }
}

// ── its record has been read: see intake.cc ──────────────────────────────────

// ── the ledger knows the outcome, or the item joins a batch: see remembering.cc

// ── its batch gets a permit and is called ────────────────────────────────────

void Pipeline::On(ports::PermitsSynced& event) {
  SetDegraded("permits", !event.outcome.ok());
  if (event.outcome.ok()) {
    for (const std::string& part : degradations_.OnAnswers(now_.steady)) TellDegraded(part, false);
  }
  Emit(Observed(ports::Metric::kRedisUp, event.outcome.ok() ? 1 : 0));
  const bool was_learning = calls_.permits().learning();
  calls_.OnSynced(event, now_.steady);
  if (!was_learning && calls_.permits().learning()) {
    Emit(Observed(ports::Metric::kPermitsLearnt, 1));
  }
}

void Pipeline::On(ports::CallsReserved& event) {
  SetDegraded("limits", !event.outcome.ok());
  calls_.OnReserved(event, now_.steady);
}

void Pipeline::On(ports::RouteHeld& event) { calls_.OnHeld(event.hold, now_.steady); }

void Pipeline::On(ports::PermitsOffered&) { calls_.OnOffered(); }

void Pipeline::On(ports::RatiosShared& event) { ratios_.OnShared(event, recipes_); }

void Pipeline::On(ports::CallCompleted& event) {
  Settle(calls_.OnCompleted(event, now_, out_));
  ratios_.OnLearnt();
}

// ── its outcome goes to the ledger, see remembering.cc, then to Kafka, see publishing.cc

void Pipeline::On(ports::RecordPublished& event) {
  const auto report = outbox_.OnPublished(event, now_.steady, rng_);
  if (!report) return;
  if (report->fate != Outbox::Fate::kRetrying) OnToldToAll(report->message.get());
  if (report->fate == Outbox::Fate::kAcknowledged) {
    partitions_.Acknowledge(report->record);
    return;
  }
  Emit(Observed(ports::Metric::kPublishFailures, 1,
                {std::string(base::ToString(event.outcome.error().kind))}));
  if (report->fate == Outbox::Fate::kRetrying) {
    if (!partitions_.Owns(report->record)) outbox_.DropForeign(partitions_);
    return;
  }
  const auto origin = partitions_.OriginOf(report->record);
  if (!origin) return;
  auto letter = LetterInPlaceOf(*origin, *report->message, event.outcome.error());
  if (!letter) return partitions_.Acknowledge(report->record);
  Publish(report->record, *std::move(letter));
}

void Pipeline::On(ports::TransactionEnded& event) {
  Emit(Observed(ports::Metric::kCommits, 1, {event.outcome ? "ok" : "failed"}));
  if (!event.outcome) {
    Emit(Observed(ports::Metric::kPublishFailures, 1,
                  {std::string(base::ToString(event.outcome.error().kind))}));
  }
  const auto ended = transactions_->OnEnded(event, partitions_, now_.steady, rng_);
  for (const auto& refused : ended.refused) {
    transactions_->Replace(
        refused.publish, LetterInPlaceOf(refused.origin, *refused.message, event.outcome.error()));
  }
  for (const auto& refused : ended.refused) OnToldToAll(refused.message.get());
  for (const auto& message : ended.committed) OnToldToAll(message.get());
}

std::optional<ports::Message> Pipeline::LetterInPlaceOf(const model::Origin& origin,
                                                        const ports::Message& message,
                                                        const base::Error& error) {
  Emit(
      ports::LogLine{.level = ports::LogLevel::kError,
                     .message = "a message is larger than its topic takes; check max.message.bytes",
                     .fields = {{"topic", message.topic}, {"error", error.message}}});
  if (message.topic == options_.topics.dead_letters) return std::nullopt;
  const ports::Record refused{.partition = origin.partition,
                              .offset = origin.offset,
                              .key = message.key,
                              .value = message.value,
                              .headers = message.headers};
  std::string identity;  // of the message
  for (const model::Header& header : message.headers) {
    if (header.name == "llmbatch-id") identity = header.value;
  }
  return LetterFor(refused, identity, "result_too_large",
                   "topic '" + message.topic + "' takes no message of its size",
                   /*keeps_value=*/false);
}

// ── its offset is committed ──────────────────────────────────────────────────

void Pipeline::On(ports::OffsetsCommitted& event) {
  Emit(Observed(ports::Metric::kCommits, 1, {event.outcome ? "ok" : "failed"}));
  partitions_.OnCommitted(event);
}

void Pipeline::Commit(const std::vector<model::TopicPartition>& partitions) {
  // Offsets go with the messages that they stand for, or not at all.
  if (transactions_) return;
  Commit(partitions_.CommitNow(commit_ids_.Next(), partitions));
}

void Pipeline::Commit(std::optional<ports::CommitOffsets> commit) {
  if (!commit) return;
  commit->assignment = assignment_;
  Emit(*std::move(commit));
}

void Pipeline::Transact() {
  const bool interrupted = revocation_ || phase_ != Phase::kRunning;
  auto transaction =
      transactions_->Next(partitions_, commit_ids_.Next(), now_.steady,
                          interrupted ? Transactions::Haste::kAtOnce : Transactions::Haste::kNone);
  if (!transaction) return;
  transaction->assignment = assignment_;
  Emit(*std::move(transaction));
}

// ── interruptions ────────────────────────────────────────────────────────────

void Pipeline::On(ports::PartitionsRevoked& event) {
  FinishRevocation();
  AbandonRequests(event.partitions);
  revocation_ = Revocation{.partitions = std::move(event.partitions),
                           .lost = event.lost,
                           .deadline = now_.steady + options_.revoke_timeout};
}

void Pipeline::ForgetPartitions(const std::vector<model::TopicPartition>& partitions) {
  partitions_.Revoke(partitions);
  ForgetStrangers();
}

void Pipeline::ForgetStrangers() {
  outbox_.DropForeign(partitions_);
  waiting_items_.DropForeign(partitions_);
  for (auto it = open_jobs_.begin(); it != open_jobs_.end();) {
    if (partitions_.Owns(it->second.envelope->record)) {
      ++it;
      continue;
    }
    jobs_.Drop(it->first);
    it = open_jobs_.erase(it);
  }
  std::erase_if(telling_, [this](const auto& each) { return !open_jobs_.contains(each.second); });
}

void Pipeline::FinishRevocation() {
  if (!revocation_) return;
  if (!revocation_->lost) Commit(revocation_->partitions);
  ForgetPartitions(revocation_->partitions);
  revocation_.reset();
  Emit(ports::RevokeDone{});
}

void Pipeline::On(ports::StopRequested& event) {
  if (phase_ == Phase::kRunning) {
    phase_ = Phase::kDraining;
    phase_deadline_ = now_.steady + options_.drain_timeout;
    calls_.StopStarting();
    batcher_.Clear();
    AbandonRequests(partitions_.Assigned());
    Emit(ports::PausePartitions{.partitions = partitions_.Assigned()});
    Emit(ports::LogLine{.level = ports::LogLevel::kInfo,
                        .message = "stopping: waiting for calls in flight",
                        .fields = {{"in_flight", std::to_string(calls_.in_flight())}}});
  }
  if (!event.at_once) return;
  if (phase_ == Phase::kDraining) {
    phase_deadline_ = now_.steady;
  } else {
    phase_ = Phase::kStopped;
  }
}

void Pipeline::On(ports::ConsumerStopped&) {
  phase_ = Phase::kReturning;
  phase_deadline_ = now_.steady + kReturnTimeout;
  calls_.ReturnPermits();
}

void Pipeline::On(ports::TimerExpired&) {}

// ── the end of a round ───────────────────────────────────────────────────────

void Pipeline::EndRound() {
  TakeDocuments();
  ResumeJobs();
  batcher_.Expire(now_.steady, out_);
  for (BatchPlan& plan : batcher_.TakeReady()) calls_.Begin(std::move(plan), now_.steady);
  // What is degraded is found sound again by these questions, too.
  calls_.KeepLease(!requests_.empty() || degradations_.any());
  Settle(calls_.Advance(now_, out_));
  for (const model::RequestId request : calls_.TakeAbandoned()) Abandon(request);
  for (const model::RequestId job : calls_.TakeJobsCalled()) jobs_.CountCall(job);
  NoteBatches();
  if (now_.steady >= next_waiting_) {
    ReportWaiting();
    CloseCollections();
    ExpireWaitingItems();
  }
  ledger_writes_.SendOutcomes(now_.steady, out_);
  AskAgainForHeld();
  // What is abandoned may be wanted again by another request.
  ledger_writes_.SendReleases(out_);
  LookUpPending();
  if (auto share =
          ratios_.Next(recipes_, ratios_ids_.Next(), now_.steady, phase_ != Phase::kRunning))
    Emit(*std::move(share));
  outbox_.Retry(now_.steady, out_);
  for (const auto& [id, progress] : jobs_.Due(now_)) KeepAndPublish(id, progress, {});
  BeginJobsAgain();
  commands_.AskAgain(now_, out_);
  AskRecordsAgain();
  KeepMembers();

  if (transactions_) Transact();
  if (revocation_ &&
      (!HasUnpublished() || revocation_->lost || now_.steady >= revocation_->deadline)) {
    FinishRevocation();
  }
  if (!transactions_) Commit(partitions_.NextCommit(commit_ids_.Next(), now_.steady));
  if (phase_ == Phase::kRunning) {
    for (ports::Command& command : partitions_.FlowControl()) out_.push_back(std::move(command));
  }
  AdvanceStop();
  if (now_.steady >= next_gauges_) ReportGauges();
}

void Pipeline::AdvanceStop() {
  const bool overdue = now_.steady >= phase_deadline_;
  if (phase_ == Phase::kDraining) {
    const bool drained = calls_.in_flight() == 0 && !HasUnpublished() && lookups_.empty() &&
                         !ledger_writes_.is_releasing();
    if (!drained && !overdue) return;
    calls_.AbortAll(out_);
    Commit(partitions_.Assigned());
    Emit(ports::StopConsuming{});
    phase_ = Phase::kLeaving;
  }
  if (phase_ == Phase::kReturning &&
      (overdue || (calls_.in_flight() == 0 && calls_.permits().held() == 0))) {
    phase_ = Phase::kStopped;
  }
}

void Pipeline::SetDegraded(std::string_view part, bool degraded) {
  if (degradations_.OnAsked(part, !degraded, now_.steady)) TellDegraded(part, degraded);
}

void Pipeline::TellDegraded(std::string_view part, bool degraded) {
  Emit(Observed(ports::Metric::kDegraded, degraded ? 1 : 0, {std::string(part)}));
  Emit(ports::LogLine{
      .level = degraded ? ports::LogLevel::kWarning : ports::LogLevel::kInfo,
      .message = degraded ? "degraded: the coordinator does not answer" : "no longer degraded",
      .fields = {{"part", std::string(part)}}});
}

void Pipeline::ReportWaiting() {
  next_waiting_ = now_.steady + kWaitingInterval;
  if (open_jobs_.empty()) return;
  const auto reasons = calls_.WaitingReasons(now_.steady);
  for (const auto& [id, job] : open_jobs_) {
    const auto found = reasons.find(id);
    jobs_.SetWaitingFor(id, found == reasons.end() ? std::string_view() : found->second);
  }
}

void Pipeline::ReportGauges() {
  using ports::Metric;
  next_gauges_ = now_.steady + kGaugeInterval;
  if (!loaded_at_) {
    loaded_at_ = now_.wall;
    ObserveNoFailures(*options_.catalog, out_);
  }
  Emit(Observed(Metric::kConfigReloadOk, reload_refused_ ? 0 : 1));
  Emit(Observed(Metric::kConfigLoadedAt, base::ToSeconds(loaded_at_->time_since_epoch())));
  for (const CallState state : kCallStates) {
    Emit(Observed(Metric::kCalls, static_cast<double>(calls_.Count(state)),
                  {std::string(ToString(state))}));
  }
  for (const auto& [reason, count] : calls_.CountWaiting(now_.steady)) {
    Emit(Observed(Metric::kCallsWaiting, static_cast<double>(count), {reason}));
  }
  for (const auto& [provider, open] : calls_.Breakers()) {
    Emit(Observed(Metric::kProviderBreaker, open ? 1 : 0, {provider}));
  }
  for (const auto& budget : calls_.limits().Budgets()) {
    // Users are no closed set.
    if (budget.name.starts_with("user ")) continue;
    const std::string name(budget.name);
    Emit(Observed(Metric::kBudgetUsd, ToUsd(budget.size), {name}));
    Emit(Observed(Metric::kBudgetUsedUsd, ToUsd(budget.used), {name}));
  }
  const auto& permits = calls_.permits();
  for (const auto& pool : permits.Pools()) {
    if (pool.name == admission::kPoolOfAll) {
      Emit(Observed(Metric::kPermitLimit, static_cast<double>(pool.limit)));
      Emit(Observed(Metric::kPermitsUsed, static_cast<double>(pool.used)));
    } else {
      Emit(Observed(Metric::kPoolLimit, static_cast<double>(pool.limit), {pool.name}));
      Emit(Observed(Metric::kPoolUsed, static_cast<double>(pool.used), {pool.name}));
    }
    if (pool.change) ObserveAdaptiveChange(pool.name, *pool.change, out_);
  }
  Emit(Observed(Metric::kPermitsHeld, static_cast<double>(permits.held())));
  Emit(Observed(Metric::kPermitsWaiting, static_cast<double>(permits.wanted())));
  Emit(Observed(Metric::kJobsOpen, static_cast<double>(jobs_.size())));
  Emit(Observed(Metric::kOpenRecords, static_cast<double>(partitions_.open_records())));
  const auto oldest = partitions_.OldestOpen();
  Emit(Observed(Metric::kOldestOpenSeconds, oldest ? base::ToSeconds(now_.steady - *oldest) : 0));
  Emit(Observed(Metric::kPausedPartitions, static_cast<double>(partitions_.paused())));
  Emit(Observed(Metric::kDoneMapFill, partitions_.DoneMapFill()));
  Emit(Observed(Metric::kPendingBytes, static_cast<double>(partitions_.pending_bytes())));
}

std::optional<base::Timestamp> Pipeline::NextDeadline(base::Timestamp now) const {
  base::Timestamp deadline = next_gauges_;
  const auto consider = [&deadline](std::optional<base::Timestamp> other) {
    if (other) deadline = std::min(deadline, *other);
  };
  if (!to_resume_.empty()) consider(now);
  if (!jobs_later_.empty()) consider(jobs_later_.begin()->first);
  consider(commands_.Deadline());
  if (!records_later_.empty()) consider(records_later_.begin()->first);
  if (!asks_later_.empty()) consider(asks_later_.begin()->first);
  if (!held_.empty()) consider(held_.begin()->first);
  consider(ledger_writes_.Deadline());
  consider(batcher_.Deadline());
  consider(calls_.Deadline(now));
  consider(outbox_.Deadline());
  consider(jobs_.Deadline());
  if (phase_ == Phase::kRunning) consider(retrieval_.Deadline(now));
  consider(transactions_ ? transactions_->Deadline(partitions_) : partitions_.Deadline());
  if (!open_jobs_.empty() || !waiting_items_.empty()) consider(next_waiting_);
  if (revocation_) consider(revocation_->deadline);
  if (phase_ == Phase::kDraining || phase_ == Phase::kReturning) consider(phase_deadline_);
  return deadline;
}

Status Pipeline::GetStatus() const {
  Status status;
  status.assigned = partitions_.Status();
  for (const CallState state : kCallStates) {
    status.calls.emplace(ToString(state), calls_.Count(state));
  }
  status.waiting_for = calls_.CountWaiting(now_.steady);
  status.routes = calls_.Routes(now_.steady);
  const auto& permits = calls_.permits();
  status.requests = static_cast<std::int64_t>(requests_.size());
  status.jobs = static_cast<std::int64_t>(jobs_.size());
  status.pools = permits.Pools();
  status.permits_held = permits.held();
  status.permits_in_use = permits.in_use();
  status.permits_wanted = permits.wanted();
  status.pending_bytes = partitions_.pending_bytes();
  status.unpublished = HasUnpublished();
  status.stopping = phase_ != Phase::kRunning;
  status.degraded = degradations_.Parts();
  return status;
}

}  // namespace llmbatch::pipeline
