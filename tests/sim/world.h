// World: replicas of the daemon's core with everything around them simulated, run to the end under
// one seed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "json/value.h"
#include "json/writer.h"
#include "pipeline/pipeline.h"
#include "sim/clock.h"
#include "sim/plan.h"
#include "sim/sim_coordinator.h"
#include "sim/sim_kafka.h"
#include "sim/sim_provider.h"

namespace llmbatch::sim {

struct RunOptions {
  bool trace = false;  // write every event and command to standard error
};

class World {
 public:
  World(const Plan& plan, const RunOptions& options);
  // What broke, in words; nullopt: every invariant held to the end.
  std::optional<std::string> Run();

 private:
  // One start of one replica; a restart is another.
  struct Replica {
    std::unique_ptr<pipeline::Pipeline> core;
    std::vector<ports::Event> inbox;
    bool frozen = false;
    bool expelled = false;                 // from the group, and doesn't know yet
    bool woken = false;                    // a round is planned
    base::Duration clock_error{};          // of its wall clock
    std::optional<base::Timestamp> alarm;  // when the planned deadline comes
  };
  // What must become of a record.
  struct Expectation {
    bool dead_letter = false;
    bool job = false;
    int items = 1;
    bool documents = false;       // it is a job about some
    bool may_lack_items = false;  // of a job that could not have them, or ended before it did
    // Of a job that must have them all: items that came in messages of their own, or units.
    int members = 0;
  };

  void Produce();
  ports::Record MakeRecord(int number, Expectation& expectation);
  // False: the items are elsewhere.
  bool WriteItems(json::Writer& writer, const std::string& id, int count);
  // What would be an array in the message, or a reference to where it is.
  bool WriteOrRefer(json::Writer& writer, const std::string& member, const std::string& id,
                    const std::vector<std::string>& elements);
  void WriteForm(json::Writer& writer, const std::string& id, int count);
  void WriteChain(json::Writer& writer, const std::string& id, int units);
  void WriteSessions(json::Writer& writer, const std::string& id, int count);
  void WriteDocuments(json::Writer& writer, const std::string& id, int count);
  void WriteDocument(json::Writer& writer, const std::string& id);
  std::string MakeItem(const std::string& id, bool with_task, const std::string& job_id = {});
  // A job and its items in messages of their own, all in one partition.
  void WriteScattered(int number, std::int32_t partition);
  void PlanForJob(std::int32_t partition, const ports::Record& record,
                  const Expectation& expectation);
  void PlanRetry(const std::string& job_id, const std::string& user_id,
                 const Expectation& expectation, int tries);
  static std::string RetryOf(const std::string& job_id) { return job_id + "~1"; }
  void Write(std::int32_t partition, ports::Record record, const Expectation& expectation);
  // Limits that are so small, or may become so, that a job's items may lie behind what keeps them
  // from being read.
  bool IsCramped() const;
  void CheckMembers(json::Value result, const Expectation& expectation);
  void PlanFaults();
  void PlanRedisFaults();
  void PlanReloads();
  base::Duration SomeClockError();
  void Start();
  void Kill(int incarnation);
  void Freeze(int incarnation, base::Duration time);
  void Thaw(int incarnation);
  std::optional<int> AnyReplica();

  void Deliver(int incarnation, ports::Event event);
  void Wake(int incarnation);
  void RunRound(int incarnation);
  void Execute(int incarnation, ports::Commands commands);
  // Cancels a job that is to be cancelled when a part of it is done.
  void CancelHalfDone(const ports::SaveJobRecord& save);
  // Kills the replica if it has just kept the end of a job, or of items of one, as often as the
  // plan says.
  void KillBeforeTold(int incarnation, const ports::SaveJobRecord& save);

  void Fail(const std::string& what);
  void CheckPools();
  void CheckStep();
  void CheckClaims(int incarnation, const ports::MarkSent& mark);
  void CheckCommit(const ports::PartitionOffset& commit);
  void CheckBudget(bool settled);
  void CheckEnd();
  bool Done();
  // Distinct messages written for a record, by what they are.
  struct Found {
    std::set<std::string> item_results, job_results, dead_letters;
    int repeats = 0;  // of any of these
  };
  // A progress event, as told first.
  struct Told {
    int percent = 0;
    bool final = false;
    std::string value;
  };
  // How an item of a job, a field of a form or a unit of a chain has ended.
  struct Answer {
    bool ok = false;
    bool stays = false;  // the job's retry has the same
    bool asked = false;  // of a model
    std::string output;
  };
  struct Retry {
    // What the first job had told of by then: later it may tell what the retry was answered.
    std::map<std::string, Answer> known;
    bool may_lack_items = false;
  };
  void Index();
  void IndexProgress(const ports::Message& message, const std::string& id);
  void CheckProgress();
  void IndexAnswer(json::Value result);
  void IndexFields(json::Value job_result);
  void IndexUnits(json::Value job_result);
  void KeepAnswer(const std::string& job, json::Value result, std::string_view member);
  // What a job was answered, its retry has from the ledger.
  void CheckRetries();
  bool IsFulfilled(std::int32_t partition, std::int64_t offset);

  const Plan& plan_;
  RunOptions options_;
  base::Rng rng_;
  base::Rng choices_;  // of jobs, so that what else a seed does doesn't hang on them
  Schedule schedule_;
  SimKafka kafka_;
  SimCoordinator coordinator_;
  SimProvider provider_;
  std::map<int, Replica> replicas_;
  const std::map<std::string, std::int64_t> pool_limits_ = plan_.PoolLimits();
  std::int64_t calls_checked_ = 0;
  std::set<int> zombies_;  // have stood still
  int last_incarnation_ = 0;
  int untold_ends_ = 0;  // up to now
  int unwritten_ = 0;    // records that are planned
  std::map<std::pair<std::int32_t, std::int64_t>, Expectation> expected_;
  std::map<std::pair<std::int32_t, std::int64_t>, Found> found_;
  std::map<std::string, Retry> retries_;                          // by their ids
  std::map<std::string, std::string> cancelled_half_done_;        // jobs and their users
  std::map<std::string, std::map<std::string, Answer>> answers_;  // by job and item
  std::string budget_name_;
  std::map<std::string, std::map<std::int64_t, Told>> told_;  // by job and sequence
  std::map<std::string, std::string> told_ids_;               // what each llmbatch-id said
  std::size_t indexed_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace llmbatch::sim
