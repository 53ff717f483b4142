// LedgerWrites: outcomes on their way to the ledger, and claims that are given back to it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "pipeline/request.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::pipeline {

// Belongs to one thread.
class LedgerWrites {
 public:
  // How long the ledger keeps outcomes.
  explicit LedgerWrites(base::Duration ttl) : ttl_(ttl) {}

  // The outcome is written under the request's ledger key; where others wait for the request's
  // content, under that key, too, or the claim to it is given back. So is the claim that stands
  // beside an outcome that was replaced.
  void Store(Settled settled) { to_store_.push_back(std::move(settled)); }
  // Nobody gives back what isn't his: a key that another replica claims is safe here.
  void Release(std::string key) { to_release_.push_back(std::move(key)); }

  // Each in one command, with what failed before and is due again.
  void SendOutcomes(base::Timestamp now, ports::Commands& out);
  void SendReleases(ports::Commands& out);

  // What may be published now: what was stored, and what could not be. Only an abandoned request's
  // outcome that could not be stored is kept, to be written again. nullopt: nobody asked for it.
  std::optional<std::vector<Settled>> OnStored(const ports::OutcomesStored& event,
                                               base::Timestamp now);
  // What could not be given back is tried again.
  void OnReleased(const ports::ClaimsReleased& event, base::Timestamp now);

  // When SendOutcomes() must be called at the latest.
  std::optional<base::Timestamp> Deadline() const;
  // Under way.
  bool is_storing() const { return !stores_.empty(); }
  bool is_releasing() const { return !releases_.empty(); }

 private:
  void Repeat(base::Timestamp now);

  const base::Duration ttl_;
  base::IdSequence<model::StoreId> store_ids_;
  std::vector<Settled> to_store_;
  std::map<model::StoreId, std::vector<Settled>> stores_;
  base::IdSequence<model::ReleaseId> release_ids_;
  std::vector<std::string> to_release_;
  std::map<model::ReleaseId, std::vector<std::string>> releases_;
  std::vector<Settled> to_store_again_;
  std::vector<std::string> to_release_again_;
  base::Timestamp repeat_at_;
};

}  // namespace llmbatch::pipeline
