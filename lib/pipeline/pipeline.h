// Pipeline: the core. Decides everything, does no input or output, never reads a clock.
//
// Reads in the order in which a request passes through: record → request → ledger → batch → call →
// outcome → ledger → result → acknowledged → committed. docs/life-of-a-request.md tells the same in
// words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "jobs/job_table.h"
#include "model/ids.h"
#include "model/item.h"
#include "model/job.h"
#include "pipeline/batcher.h"
#include "pipeline/calls.h"
#include "pipeline/degradations.h"
#include "pipeline/job_commands.h"
#include "pipeline/ledger_writes.h"
#include "pipeline/open_job.h"
#include "pipeline/options.h"
#include "pipeline/outbox.h"
#include "pipeline/partitions.h"
#include "pipeline/ratios.h"
#include "pipeline/recipe.h"
#include "pipeline/request.h"
#include "pipeline/retrieval.h"
#include "pipeline/single_flight.h"
#include "pipeline/transactions.h"
#include "pipeline/waiting_items.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "workflows/workflow.h"

namespace llmbatch::pipeline {

// A picture of the core at one moment, for /status and for checking invariants.
struct Status {
  std::vector<PartitionStatus> assigned;
  std::map<std::string, std::int64_t> calls;               // by state
  std::map<std::string, std::int64_t> waiting_for;         // calls that aren't in flight, by reason
  std::vector<RouteStatus> routes;                         // those used so far
  std::int64_t requests = 0;                               // without an outcome
  std::int64_t jobs = 0;                                   // under way here
  std::vector<admission::PermitKeeper::PoolStatus> pools;  // the first one is that of all
  std::int64_t permits_held = 0;                           // by this replica
  std::int64_t permits_in_use = 0;                         // by this replica
  std::int64_t permits_wanted = 0;
  std::int64_t pending_bytes = 0;  // of records read and not finished
  bool unpublished = false;        // something is not acknowledged by Kafka or not stored yet
  bool stopping = false;
  std::vector<std::string> degraded;  // parts that do without the coordinator, see Degradations
};

// Belongs to one thread.
class Pipeline {
 public:
  // The error names the task whose recipe can't be built, and why.
  static base::Result<std::unique_ptr<Pipeline>> Create(Options options);

  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // Applies a round of events and returns what the drivers must do next, in order. What is cheaper
  // in company (look-ups, permits, commits) is asked for once a round. An empty round is how time
  // passes.
  ports::Commands Handle(std::vector<ports::Event> events, base::Now now);
  // When Handle() must be called at the latest; nullopt: only when an event comes.
  std::optional<base::Timestamp> NextDeadline(base::Timestamp now) const;
  // How many times a ConfigurationLoaded or ConfigurationRefused has been dealt with.
  std::int64_t reloads() const { return reloads_; }
  // All is ended after a StopRequested: nothing more will be asked for.
  bool stopped() const { return phase_ == Phase::kStopped; }

  Status GetStatus() const;

 private:
  // kDraining: calls in flight may end. kLeaving: the group is being left. kReturning: permits are
  // given back.
  enum class Phase { kRunning, kDraining, kLeaving, kReturning, kStopped };

  struct Revocation {
    std::vector<model::TopicPartition> partitions;
    bool lost = false;
    base::Timestamp deadline;
  };

  explicit Pipeline(Options options);

  // In the order of a request's life.
  void On(ports::PartitionsAssigned& event);
  void On(ports::RecordReceived& event);
  void On(ports::JobRecordTaken& event);
  void On(ports::DocumentFetched& event);
  void On(ports::OutcomesLookedUp& event);
  void On(ports::PermitsSynced& event);
  void On(ports::CallsReserved& event);
  void On(ports::RouteHeld& event);
  void On(ports::RatiosShared& event);
  void On(ports::PermitsOffered& event);
  void On(ports::CallCompleted& event);
  void On(ports::ClaimsReleased& event);
  void On(ports::OutcomesStored& event);
  void On(ports::JobRecordSaved& event);
  void On(ports::JobMemberTold& event);
  void On(ports::RecordPublished& event);
  void On(ports::TransactionEnded& event);
  void On(ports::OffsetsCommitted& event);
  void On(ports::JobCommanded& event);
  void On(ports::JobCancelRequested& event);
  void On(ports::PartitionsRevoked& event);
  void On(ports::StopRequested& event);
  void On(ports::ConsumerStopped& event);
  void On(ports::TimerExpired& event);
  void On(ports::ConfigurationLoaded& event);
  void On(ports::ConfigurationRefused& event);

  using Recipes = Ratios::Recipes;
  static base::Result<Recipes> BuildRecipes(const model::Catalog& catalog,
                                            const std::shared_ptr<const tokens::Bpe>& bpe);
  void ReportConfiguration(std::string_view outcome);

  // Intake.
  // The record's partition is read from there, whatever was committed.
  void BeginAnew(const ports::Record& record);
  void AcceptItem(ArrivedItem item);
  void DeadLetter(const ports::Record& record, RecordId id, std::string_view reason,
                  std::string_view detail);
  ports::Message LetterFor(const ports::Record& record, const std::string& identity,
                           std::string_view reason, std::string_view detail, bool keeps_value);

  // Jobs.
  void AcceptJob(model::Job job, const JobMessage& message);
  // What its steps are asked with. The error names the member of the message that is wrong.
  base::Result<void> ChooseRecipes(const model::Job& job, OpenJob& open);
  // REQUIRES: name.task is configured
  base::Result<std::shared_ptr<Recipe>> RecipeFor(const RecipeName& name);
  void RefuseJob(const model::Job& job, const OpenJob& open, model::ErrorCode code,
                 std::string message);
  void TakeJob(model::RequestId job);
  // `members`: what its record has of items that came in messages of their own.
  void StartJob(model::RequestId job, const std::vector<ports::JobPart>& members = {});
  void FetchDocuments(model::RequestId job);
  void TakeDocuments();
  void AskSteps(model::RequestId job, workflows::Steps steps);
  // Names the step's outcome in the ledger.
  static std::string LedgerKeyOf(const OpenJob& job, const workflows::Step& step,
                                 const Recipe& recipe);
  // Whether the step may go on to its batch; if not, it is told later.
  bool EnterJob(Request& request);
  // The step is in no call any more: another one may begin, at the end of the round.
  void LeaveJob(Request& request);
  void ResumeJobs();
  void OnStepResult(model::RequestId job, std::size_t step, model::ItemResult result);
  static model::ItemError WhyUnfinished(const OpenJob& job);
  void EndJob(model::RequestId job);

  // Items of jobs in messages of their own.
  void AcceptJobItem(ArrivedItem item);
  // It becomes a step of its job, is refused, or waits for the job.
  void JoinJob(ArrivedItem item);
  void Collect(model::RequestId job, ArrivedItem item);
  static std::optional<model::ItemError> WhyNotTaken(const OpenJob& job, const ArrivedItem& item);
  // Not in the table yet; without a recipe where its task is unknown.
  Request RequestOf(ArrivedItem item);
  void RepeatItem(ArrivedItem item, model::ItemOutcome outcome);
  void RefuseItem(ArrivedItem item, model::ErrorCode code, std::string message);
  void CollectWaiting(model::RequestId job);
  // Its job was let go; it waits for it to be begun again.
  void ReturnItem(Request request);
  // Whether the job's record knows the item.
  void AskForItem(RecordId record);
  void AskForItemsOf(const std::string& job_id);
  void ExpireWaitingItems();
  void TakeMembers(model::RequestId job, const std::vector<ports::JobPart>& members);
  // Its outcome is published when the job's record has it.
  void KeepMember(Settled settled);
  void KeepMembers();
  void SaveMembers(model::RequestId job, std::vector<Settled> members);
  void KeepAgainLater(JobSave save);
  void RecordLater(model::RequestId job);
  void AskRecordsAgain();
  // Ends those that have waited long enough for their items.
  void CloseCollections();
  static model::ItemError WhyItemsAreMissing(const Collection& collection);

  // Their records.
  void RefuseTaken(model::RequestId job, model::ErrorCode code, std::string message);
  // The job has ended before, perhaps without anybody having been told. Where its steps have
  // results of their own, they come from the ledger once more; nothing else is told of them.
  void RepeatEnd(model::RequestId job, ports::TakenJob& taken);
  void PublishKeptEnd(model::RequestId job);
  // The job that the request belongs to, if that has ended before; else nullptr.
  const OpenJob* EndedJobOf(const Request& request) const;
  // Publishes the event, and the result if there is one, when the record has them.
  void KeepAndPublish(model::RequestId job, const model::Progress& progress, std::string result);
  void PublishKept(JobSave save);
  JobSave SaveFor(model::RequestId job) const;
  // `command` needs only say what is new; `save` is what waits for it.
  void Keep(JobSave save, ports::SaveJobRecord command);
  // Kafka has the message, or never will.
  void OnToldToAll(const ports::Message* message);
  // Someone else has taken the job. It is begun again if its message is still ours after a while:
  // a replica that had stood still may have taken it, and has noticed since that it lost the
  // partition.
  void BeginAgainLater(JobSave save);
  void GiveUpSave(JobSave& save);
  void BeginJobsAgain();
  // Nothing more is done for the job; what is under way for it comes to its end.
  void LetGoOf(model::RequestId job);

  // Commands.
  void AcceptCommand(const ports::Record& record, RecordId id);
  // Its open steps end at once; what is in flight for it alone is aborted.
  void CancelJob(model::RequestId job);
  void GiveUpStep(model::RequestId step);

  // The ledger.
  // Nothing begins of a partition that is being given up: it is for the next owner.
  void Begin(Request request);
  // Asks for the request's outcome at the end of the round, or lets it follow one that does.
  void LookUp(model::RequestId id);
  // The same for one that leads already.
  void AskLedger(model::RequestId id);
  // Under which the request's answer may serve others; empty: it may not.
  std::string ContentKeyOf(const Request& request) const;
  void AskAgainForHeld();
  // Its deadline has passed while another replica worked for it.
  void EndInTime(model::RequestId id);
  void LookUpPending();
  void OnLedgerEntry(model::RequestId id, const ports::LedgerEntry& entry);
  // Whether what the ledger has is an answer to this request. A retry wants no failures, and takes
  // what it finds as cached.
  bool ServesAgain(const Request& request, model::ItemOutcome& outcome) const;
  // Another request's answer serves this one.
  void OnCached(model::RequestId id, model::ItemOutcome outcome);
  // It waits for no other's answer any more.
  void AskItself(model::RequestId id);
  void OnHeld(model::RequestId id);
  void OnLookupFailed(model::RequestId id);
  void OnMiss(model::RequestId id);
  void Settle(Verdicts verdicts);
  // Publishes the outcome for its request and for those that followed it.
  void Conclude(Settled settled);
  // Nothing more is begun for what was read from these partitions; what is under way comes to its
  // end.
  void AbandonRequests(const std::vector<model::TopicPartition>& partitions);
  void Abandon(model::RequestId id);
  // Who waited for its answer looks for another; the request has left the table.
  void GiveUp(const Request& request);
  void Release(const Request& request);

  // Publishing.
  // Publishes what follows from the record, by itself or in a transaction. The address names the
  // message when it is told to all; nullptr if the record isn't ours.
  const ports::Message* Publish(RecordId record, ports::Message message,
                                Transactions::Company company = Transactions::Company::kRecord);
  // What goes out in place of a message that follows from the record at `origin`, and that its
  // topic will never take; nullopt: nothing does.
  std::optional<ports::Message> LetterInPlaceOf(const model::Origin& origin,
                                                const ports::Message& message,
                                                const base::Error& error);
  // Some message is not acknowledged yet, or an outcome or a job's record not stored.
  bool HasUnpublished() const;
  void PublishOutcome(Settled settled);
  void PublishResult(Settled settled);
  static model::ItemResult ResultOf(const Settled& settled);
  ports::Message ProgressMessage(const OpenJob& job, std::int64_t sequence,
                                 std::string event) const;
  // Bytes that the value of a message may have, beside its key and headers.
  std::size_t RoomForValue(const Envelope& envelope) const;
  // One, or its parts if it is too large for one.
  std::vector<ports::Message> JobResultMessages(const OpenJob& job, std::string result) const;
  void PublishJobResult(RecordId record, std::vector<ports::Message> messages);
  // The result as it is published: shortened if it is too large.
  std::string EncodeResult(const model::JobResult& result);

  // The end of a round.
  void EndRound();
  void NoteBatches();
  void ReportWaiting();
  void ReportGauges();
  void Commit(const std::vector<model::TopicPartition>& partitions);
  void Commit(std::optional<ports::CommitOffsets> commit);
  // Begins the next transaction, if there is one to begin.
  void Transact();
  void ForgetPartitions(const std::vector<model::TopicPartition>& partitions);
  // Drops messages and jobs of records that aren't ours any more.
  void ForgetStrangers();
  void FinishRevocation();
  void AdvanceStop();
  void SetDegraded(std::string_view part, bool degraded);
  void TellDegraded(std::string_view part, bool degraded);

  template <typename T>
  void Emit(T command) {
    out_.emplace_back(std::move(command));
  }

  Options options_;
  base::Rng rng_;
  base::Now now_{};
  ports::Commands out_;
  Phase phase_ = Phase::kRunning;
  base::Timestamp phase_deadline_;

  // Partitions, requests, calls, messages.
  Partitions partitions_;
  std::int64_t assignment_ = 0;  // the last one
  std::optional<Revocation> revocation_;
  base::IdSequence<model::RequestId> request_ids_;
  RequestTable requests_;
  Batcher batcher_;
  Calls calls_;
  Outbox outbox_;
  std::optional<Transactions> transactions_;  // in place of the outbox, for exactly once
  base::IdSequence<model::CommitId> commit_ids_;

  // The ledger: what it is asked, what waits for its answer, what it is told.
  SingleFlight single_flight_;
  base::IdSequence<model::LookupId> lookup_ids_;
  std::vector<model::RequestId> to_look_up_;
  std::map<model::LookupId, std::vector<model::RequestId>> lookups_;
  std::optional<base::Timestamp> lookups_fail_since_;
  std::multimap<base::Timestamp, model::RequestId> held_;  // when the ledger is asked again
  LedgerWrites ledger_writes_;

  // Jobs.
  jobs::JobTable jobs_;
  Retrieval retrieval_;  // outlives the jobs, which hold shares of it
  std::map<model::RequestId, OpenJob> open_jobs_;
  std::vector<model::RequestId> to_resume_;                // they may have room for another step
  std::multimap<base::Timestamp, JobMessage> jobs_later_;  // to be begun again
  std::map<const ports::Message*, model::RequestId> telling_;  // their events under way
  WaitingItems waiting_items_;

  // Records of jobs. Some asks couldn't be answered, and are asked again later.
  base::IdSequence<model::JobRecordId> job_record_ids_;
  std::map<model::JobRecordId, model::RequestId> job_takes_;
  std::multimap<base::Timestamp, model::RequestId> records_later_;
  std::map<model::JobRecordId, JobSave> job_saves_;
  std::set<model::RequestId> to_keep_;  // jobs with members for their records
  std::map<model::JobRecordId, RecordId> member_asks_;
  std::multimap<base::Timestamp, RecordId> asks_later_;
  JobCommands commands_;

  // The configuration, and what recipes learn.
  Recipes recipes_;
  Ratios ratios_;
  base::IdSequence<model::RatiosId> ratios_ids_;
  std::int64_t reloads_ = 0;
  bool reload_refused_ = false;
  std::optional<base::WallTime> loaded_at_;  // nullopt before the first round

  Degradations degradations_;
  base::Timestamp next_gauges_;
  base::Timestamp next_waiting_;
};

}  // namespace llmbatch::pipeline
