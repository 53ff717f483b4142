// Commands of the core as requests to Redis, and the replies as completion events.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"
#include "ports/commands.h"
#include "ports/events.h"
#include "redis/connection.h"
#include "redis/reply.h"
#include "redis/server_facts.h"

namespace llmbatch::redis {

using Job =
    std::variant<ports::SyncPermits, ports::ReserveCalls, ports::HoldRoute, ports::ShareRatios,
                 ports::LookUpOutcomes, ports::MarkSent, ports::ReleaseClaims, ports::StoreOutcomes,
                 ports::TakeJobRecord, ports::SaveJobRecord, ports::AskJobMember,
                 ports::CommandJobRecord, ports::FetchDocument>;

// What every request of one replica has in common.
struct Deployment {
  std::string name_space;
  std::string replica;
  base::Secret ledger_secret;
  base::Duration learning{};

  std::string Prefix() const { return "{" + name_space + "}:"; }
  std::string PermitsKey() const { return "{" + name_space + "}:permits"; }
  std::string RatesKey() const { return "{" + name_space + "}:rates"; }
  std::string BudgetsKey() const { return "{" + name_space + "}:budgets"; }
  std::string BudgetPrefix() const { return "{" + name_space + "}:budget:"; }
  std::string HoldsKey() const { return "{" + name_space + "}:holds"; }
  std::string HoldChannel() const { return "{" + name_space + "}:hold"; }
  std::string WakePrefix() const { return "{" + name_space + "}:wake:"; }
  std::string WakeChannel() const { return WakePrefix() + replica; }
  std::string RatioKey(const std::string& name) const {
    return "{" + name_space + "}:ratio:" + name;
  }
  std::string LedgerKey(const std::string& key) const;
};

// May be none: then the job is done without asking.
std::vector<Request> RequestsFor(const Job& job, const Deployment& deployment,
                                 const ServerFacts& facts);

// nullopt for a job that has no completion. REQUIRES: one reply for each of RequestsFor(job).
std::optional<ports::Event> EventFor(const Job& job, std::span<const OwnedReply> replies,
                                     std::string_view server);

// What a message on the channel of holds says; nullopt: it is none.
std::optional<ports::RouteHold> ReadHold(std::string_view message);

// The job's completion when it failed; nullopt if it has none.
std::optional<ports::Event> FailureOf(const Job& job, const base::Error& error);

}  // namespace llmbatch::redis
