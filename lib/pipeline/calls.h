// Calls: from a closed batch to an outcome for each of its items, over permits, attempts, providers
// and answers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "admission/hold_keeper.h"
#include "admission/limit_keeper.h"
#include "admission/permit_keeper.h"
#include "base/rng.h"
#include "base/time.h"
#include "jobs/batch_list.h"
#include "model/ids.h"
#include "model/result.h"
#include "pipeline/call.h"
#include "pipeline/call_queue.h"
#include "pipeline/charging.h"
#include "pipeline/options.h"
#include "pipeline/reading.h"
#include "pipeline/request.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "providers/failure.h"

namespace llmbatch::pipeline {

// How an item ended, after its last call.
struct Verdict {
  model::RequestId request;
  model::ItemOutcome outcome;
  base::Duration queued{};  // until the call that ended it was started
};
using Verdicts = std::vector<Verdict>;

struct BatchPlan {
  std::shared_ptr<Recipe> recipe;
  std::size_t lane = 0;  // that the requests were counted for, and fit into
  std::vector<model::RequestId> requests;
  int attempts = 0;  // that the call failed which they were in before
};

// Requests are the pipeline's; a request that has left the table is left out when its call starts,
// and its answer is dropped. `options` and `requests` must outlive it, and `rng`. Belongs to one
// thread. `out` gets the commands that follow.
class Calls {
 public:
  Calls(const Options& options, RequestTable& requests, base::Rng& rng);

  // The time that calls are priced by until the next one.
  void SetDate(base::WallTime now) { charging_.SetDate(now); }
  // Queues one call for the batch.
  void Begin(BatchPlan plan, base::Timestamp now);
  Verdicts OnCompleted(const ports::CallCompleted& event, base::Now now, ports::Commands& out);
  void OnSynced(const ports::PermitsSynced& event, base::Timestamp now);
  void OnReserved(const ports::CallsReserved& event, base::Timestamp now);
  void OnHeld(const ports::RouteHold& hold, base::Timestamp now);
  void OnOffered() { permits_.OnOffered(); }

  // Starts what may start, ends what has waited too long, and asks for permits.
  Verdicts Advance(base::Now now, ports::Commands& out);
  std::optional<base::Timestamp> Deadline(base::Timestamp now) const;

  // The jobs that calls were started for since it was asked last, one entry a call and job.
  std::vector<model::RequestId> TakeJobsCalled() { return std::exchange(jobs_called_, {}); }

  // What became of batches that have items of jobs, since it was asked last.
  std::vector<jobs::BatchNews> TakeBatchNews() { return std::exchange(batch_news_, {}); }

  // Requests have left the table that may be in calls which aren't in flight.
  void NoticeAbandoned() { some_abandoned_ = true; }
  // Requests that were left out of their batch because they are abandoned, since it was asked last.
  std::vector<model::RequestId> TakeAbandoned() { return std::exchange(abandoned_, {}); }

  // While the coordinator must know that this replica lives, or this replica that it answers.
  void KeepLease(bool keep) { permits_.KeepLease(keep); }

  // The options have changed: calls that are not in flight keep to their limits from now on. What
  // is queued or in flight keeps its recipe.
  void OnOptions(base::Timestamp now);

  // Forgets all calls that aren't in flight, and starts no more.
  void StopStarting();
  void AbortAll(ports::Commands& out);
  // Aborts the calls all of whose requests have left the table; what isn't in flight of them is
  // left out when its turn comes.
  void AbortOrphans(ports::Commands& out);
  // What the job's calls in flight may cost is put to its items, before it is cancelled. Calls that
  // others have items in go on, and are left out.
  void DoubtCallsOf(model::RequestId job);
  // Gives the permits back; Advance() sends them.
  void ReturnPermits() { permits_.Close(); }

  std::size_t in_flight() const { return attempts_.size(); }
  std::int64_t Count(CallState state) const;
  const admission::PermitKeeper& permits() const { return permits_; }
  const admission::LimitKeeper& limits() const { return limits_; }
  // Calls that wait, by what for, in one word.
  std::map<std::string, std::int64_t> CountWaiting(base::Timestamp now) const;
  std::map<std::string, bool> Breakers() const { return queue_.Breakers(); }
  std::vector<RouteStatus> Routes(base::Timestamp now) const { return queue_.Status(now); }
  // For each job that has a call which isn't in flight: what that call waits for.
  std::map<model::RequestId, std::string> WaitingReasons(base::Timestamp now) const;

 private:
  // Why a call waits that isn't in flight.
  struct Reason {
    std::string_view word;
    std::string text;  // with how long, where that is known
  };
  Reason ReasonOf(const Call& call, base::Timestamp now) const;

  Call& NewCall(BatchPlan plan, base::Timestamp now);
  // A call keeps its turn when it is made again.
  void TakeTurn(Call& call);
  // The call ends, or is given up.
  void ForgetUsers(const Call& call);
  // Waits for its limits, if any hold for it, and then for a permit.
  void Enqueue(Call& call, base::Timestamp now);
  void WaitForLimits(Call& call, base::Timestamp now);
  void WaitForPermit(Call& call, base::Timestamp now);
  void SetPools(const model::Catalog& catalog, std::int64_t permits);
  // The pools that the call takes permits of.
  CallQueue::PermitClass PermitClassOf(const Call& call);
  // Whether the limit of the call's model is found by trying.
  bool IsAdaptive(const Call& call) const { return permits_.IsAdaptive(call.permit_class); }
  // Tells it of an answer.
  void TellLimit(const Call& call, const providers::Completion& completion, base::Now now);
  void StopWaiting(const Call& call);
  void LetBookedGo(base::Timestamp now);
  void BookLimits(base::Timestamp now, ports::Commands& out);
  void EndFailed(Call& call, const providers::CallFailure& failure, base::Now now,
                 ports::Commands& out);
  void MoveOn(const std::string& provider, base::Timestamp now);
  // A call starts or has ended, which its provider's breaker is told; all replicas are told what
  // becomes of that. `reason` is for the log.
  void NoteStart(Call& call, ports::Commands& out);
  void NoteEnd(const Call& call, std::optional<admission::Breaker::Sign> sign,
               std::string_view reason, base::Timestamp now, ports::Commands& out);
  // What another replica tells of its breaker.
  void OnBreakerTold(const ports::RouteHold& hold, base::Timestamp now);
  // Passes over providers whose breaker is open, if the route has others.
  void ChooseLane(Call& call, base::Timestamp now) const;
  // Puts what the call has really used in the place of what was booked.
  void SettleLimits(Call& call, const CallUse& use);
  // Leaves out what its item's or job's max_cost_usd doesn't allow, or not yet.
  void KeepWithinCaps(Call& call, Verdicts& verdicts);
  void ReleaseCaps(Call& call, const CallUse& use);
  void BeginPostponed(base::Timestamp now);
  void EndExhausted(base::Now now, Verdicts& verdicts);
  // Holds the route of a call that the provider refused; false: the refusal told nothing new.
  bool HoldRouteOf(const Call& call, const providers::CallFailure& failure, base::Now now,
                   ports::Commands& out);
  void BackOff(Call& call, base::Timestamp until);
  void Erase(model::BatchId id);
  void Note(const Call& call, jobs::BatchStatus status);

  // Leaves out what has left the table, is abandoned or is past its deadline.
  void Prune(Call& call, base::Now now, Verdicts& verdicts);
  void SetStage(const Call& call, Stage stage);
  // Tells the ledger that the items' claims are with a call now.
  void MarkSent(const Call& call, ports::Commands& out) const;
  // False: the call's requests don't fit into the model that it has gone on to, not together or not
  // at all, and wait in divided_ for calls of their own.
  bool FitToLane(Call& call, base::Timestamp now);
  bool TryStart(Call& call, base::Now now, Verdicts& verdicts, ports::Commands& out);
  // Not for a limit of ours: that comes to an end by itself, however many wait for it.
  bool WaitsForProvider(const Call& call, base::Timestamp now) const;
  void EndOverdue(base::Now now, Verdicts& verdicts);

  void OnAnswer(Call& call, const providers::Completion& completion, base::Now now,
                Verdicts& verdicts, ports::Commands& out);
  // `cost` is that of the completion; nullopt: it isn't known.
  void Book(const Call& call, const providers::Completion& completion,
            const std::optional<model::NanoUsd>& cost, ports::Commands& out);
  // What a call without a completion has used.
  void BookFailed(Call& call, const providers::CallFailure& failure, base::Now now,
                  ports::Commands& out);
  // Shares it out to the call's items. `is_all`: nothing was used beyond what was reported.
  void BookUsage(const Call& call, const model::Usage& usage,
                 const std::optional<model::NanoUsd>& cost, bool is_all, ports::Commands& out);
  // The call has ended without a report of its usage, or with one of a part of it, which cost
  // `reported`: what may have been billed beyond that is put to its items.
  void Doubt(const Call& call, const std::optional<model::NanoUsd>& reported, ports::Commands& out);
  void ShareDoubt(const Call& call, const std::optional<model::NanoUsd>& amount);
  // How a sum is shared out to the call's requests.
  std::vector<std::int64_t> WeightsOf(const Call& call) const;
  // Corrects estimates by what the provider counted in the prompt.
  void LearnRatio(const Call& call, std::int64_t input_tokens, ports::Commands& out);
  void SettleItems(Call& call, Reading reading, base::Now now, Verdicts& verdicts,
                   ports::Commands& out);
  void OnFailure(Call& call, const providers::CallFailure& failure, base::Now now,
                 Verdicts& verdicts, ports::Commands& out);
  bool IsOrphan(const Call& call) const;
  void RetryLater(Call& call, const providers::CallFailure& failure, base::Now now,
                  Verdicts& verdicts, ports::Commands& out);
  // Hands the one item that is too long for the model to the next one with more context; false:
  // there is none.
  bool MoveToRoomier(Call& call, base::Timestamp now);
  // Asks again in two halves, or fails the one item that is left.
  void Split(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
             Verdicts& verdicts);
  // For what is in the prompt or its size: asks again in two halves, and hands the one item that is
  // left to the next model of the route, since another's filter and limits are not the same.
  void OnRefused(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
                 Verdicts& verdicts);
  // Hands the batch to the next model of the route, or fails its items.
  void GiveUp(Call& call, model::ErrorCode code, std::string_view message, base::Now now,
              Verdicts& verdicts);

  Verdict Fail(const Request& request, const Call& call, model::ErrorCode code,
               std::string_view message, int attempts) const;
  Verdict Succeed(const Request& request, const Call& call, std::string output,
                  const Reading& reading, base::Timestamp now) const;

  const Options& options_;
  RequestTable& requests_;
  base::Rng& rng_;
  admission::PermitKeeper permits_;
  std::map<std::string, std::int64_t> pools_;         // limits of those besides the one of all
  std::map<std::string, std::int64_t> call_weights_;  // by task; those above 1
  CallQueue queue_;
  admission::LimitKeeper limits_;
  Charging charging_;
  admission::HoldKeeper holds_;
  admission::FairTurns turns_;
  struct WaitingUser {
    std::uint64_t number = 0;
    std::int64_t calls = 0;   // > 0
    std::int64_t weight = 1;  // when the first of them came
  };
  std::unordered_map<std::string, WaitingUser> users_;  // by task and user
  std::uint64_t last_user_number_ = 0;
  std::int64_t weight_of_users_ = 0;  // of all of them
  base::IdSequence<model::BatchId> batch_ids_;
  base::IdSequence<model::CallId> call_ids_;
  base::IdSequence<model::SyncId> sync_ids_;
  base::IdSequence<model::ReserveId> reserve_ids_;
  std::unordered_map<model::BatchId, Call> calls_;
  std::unordered_map<model::CallId, model::BatchId> attempts_;
  std::set<std::pair<base::Timestamp, model::BatchId>> backing_off_;
  std::vector<model::RequestId> jobs_called_;
  std::vector<jobs::BatchNews> batch_news_;
  std::vector<model::RequestId> abandoned_;
  std::vector<BatchPlan> postponed_;
  std::vector<BatchPlan> divided_;
  // How much later than asked this replica probes what others hold, in thousandths, lest all of
  // them probe at once.
  std::optional<std::int64_t> probe_delay_permille_;
  base::Timestamp next_overdue_check_;
  bool some_abandoned_ = false;
  bool stopped_ = false;
};

}  // namespace llmbatch::pipeline
