// World: replicas of the daemon's core with everything around them simulated, run to the end under
// one seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
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
    std::optional<base::Timestamp> alarm;  // when the planned deadline comes
  };
  // What must become of a record.
  struct Expectation {
    bool dead_letter = false;
    bool job = false;
    int items = 1;
  };

  void Produce();
  ports::Record MakeRecord(int number, Expectation& expectation);
  std::string MakeItem(const std::string& id, bool with_task);
  void PlanFaults();
  void PlanReloads();
  void Start();
  void Kill(int incarnation);
  void Freeze(int incarnation, base::Duration time);
  void Thaw(int incarnation);
  std::optional<int> AnyReplica();

  void Deliver(int incarnation, ports::Event event);
  void Wake(int incarnation);
  void RunRound(int incarnation);
  void Execute(int incarnation, ports::Commands commands);

  void Fail(const std::string& what);
  void CheckStep();
  void CheckClaims(int incarnation, const ports::MarkSent& mark);
  void CheckCommit(const ports::PartitionOffset& commit);
  void CheckEnd();
  bool Done();
  // Distinct messages written for a record, by what they are.
  struct Found {
    std::set<std::string> item_results, job_results, dead_letters;
    int repeats = 0;  // of any of these
  };
  void Index();
  bool IsFulfilled(std::int32_t partition, std::int64_t offset);

  const Plan& plan_;
  RunOptions options_;
  base::Rng rng_;
  Schedule schedule_;
  SimKafka kafka_;
  SimCoordinator coordinator_;
  SimProvider provider_;
  std::map<int, Replica> replicas_;
  std::set<int> zombies_;  // have stood still
  int last_incarnation_ = 0;
  std::map<std::pair<std::int32_t, std::int64_t>, Expectation> expected_;
  std::map<std::pair<std::int32_t, std::int64_t>, Found> found_;
  std::size_t indexed_ = 0;
  std::optional<std::string> failure_;
};

}  // namespace llmbatch::sim
