// SimCoordinator: the permit pool and the ledger that all replicas share, in virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "admission/limit_book.h"
#include "admission/permit_book.h"
#include "base/rng.h"
#include "coordinator/local_jobs.h"
#include "coordinator/local_ratios.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "sim/clock.h"
#include "sim/plan.h"

namespace llmbatch::sim {

class SimCoordinator {
 public:
  using Deliver = std::function<void(int replica, ports::Event event)>;

  SimCoordinator(const Plan& plan, Schedule& schedule, base::Rng& rng, Deliver deliver)
      : plan_(plan), schedule_(schedule), rng_(rng), deliver_(std::move(deliver)) {}

  void Execute(int replica, ports::Command& command);
  // Replicas that have other work as well renew their rows as long as they live.
  void KeepRows() { keep_rows_ = true; }
  // Someone wants the job to end: that goes into its record, and all replicas are told.
  void Cancel(const std::string& job_id, const std::string& user_id);
  // What is to be asked once more, if the job can be retried now.
  ports::CommandedJob Retry(const std::string& job_id, const std::string& user_id);
  // A text that jobs may name, in Redis or at a URL that ends with this name.
  void KeepText(const std::string& name, std::string text) { texts_[name] = std::move(text); }
  void Vanish(int replica) { gone_.insert(replica); }
  // While it is away every command fails, after it may have been carried out: its reply is lost.
  void SetAway(bool away) { away_ = away; }
  void LoseData();
  // The key has no outcome yet, and the replica's claim.
  bool Claims(int replica, const std::string& key) const;
  // The key has an outcome, and it is an answer.
  bool HasAnswer(const std::string& key) const;
  // Of a pool, granted and not given back, over all rows that have not run out.
  std::int64_t Used(const std::string& pool = "all") const;
  std::int64_t BudgetUsed(const std::string& name) const { return limits_.BudgetUsed(name); }

 private:
  // An outcome, or a claim.
  struct Entry {
    std::optional<std::string> outcome;
    int owner = 0;     // of the claim; no replica is 0
    std::string call;  // that the claim was sent with
  };

  ports::LedgerEntry LookUp(int replica, const std::string& key);
  void Keep(int replica, const ports::StoredOutcome& stored);
  base::Result<std::string> Fetch(const ports::FetchDocument& fetch);
  ports::PermitState Sync(int replica, const ports::SyncPermits& command);
  void Hold(const ports::RouteHold& hold);
  std::vector<ports::RouteHold> Holds() const;
  void RenewRows();
  // Replies of one replica keep their order, as on one connection.
  void Reply(int replica, ports::Event event);
  // What no reply is awaited for may come twice.
  void Tell(int replica, const ports::Event& event);

  const Plan& plan_;
  Schedule& schedule_;
  base::Rng& rng_;
  Deliver deliver_;
  bool away_ = false;
  bool keep_rows_ = false;
  base::Timestamp last_renewal_;
  std::set<int> gone_;
  admission::PermitBook permits_;
  std::map<int, base::Timestamp> last_reply_;
  admission::LimitBook limits_;
  struct HeldRoute {
    base::Timestamp until;
    int bursts = 0;
  };
  std::map<std::pair<std::string, std::string>, HeldRoute> holds_;
  std::map<std::string, Entry> ledger_;
  std::map<std::string, std::string> texts_;
  static constexpr std::size_t kJobBytes = std::size_t{1} << 30;
  coordinator::LocalJobs jobs_{kJobBytes};
  coordinator::LocalRatios ratios_;
};

}  // namespace llmbatch::sim
