#include "redis/requests.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace llmbatch::redis {
namespace {

// One MGET's answer has to be in memory as a whole, and no one else is served while it is made.
constexpr std::size_t kMaxKeysPerRequest = 32;
constexpr std::size_t kPermitStateFields = 7;

using Outcomes = std::vector<std::optional<std::string>>;

std::string Millis(base::Duration duration) {
  return std::to_string(std::max<std::int64_t>(1, base::ToMillis(duration)));
}

std::vector<Request> Build(const ports::SyncPermits& sync, const Deployment& deployment,
                           const ServerFacts& facts) {
  return {{"EVALSHA", facts.script_sha, "1", deployment.PermitsKey(), deployment.replica,
           Millis(sync.lease), std::to_string(sync.granted_known),
           std::to_string(sync.released_total), std::to_string(sync.want),
           std::to_string(sync.limit), deployment.WakePrefix(),
           std::to_string(base::ToMillis(deployment.learning)), facts.run_id}};
}

std::vector<Request> Build(const ports::LookUpOutcomes& lookup, const Deployment& deployment,
                           const ServerFacts&) {
  std::vector<Request> requests;
  for (std::size_t i = 0; i < lookup.keys.size(); ++i) {
    if (i % kMaxKeysPerRequest == 0) requests.push_back({"MGET"});
    requests.back().push_back(deployment.LedgerKey(lookup.keys[i]));
  }
  return requests;
}

std::vector<Request> Build(const ports::StoreOutcomes& store, const Deployment& deployment,
                           const ServerFacts&) {
  std::vector<Request> requests;
  requests.reserve(store.outcomes.size());
  for (const ports::StoredOutcome& outcome : store.outcomes) {
    requests.push_back(
        {"SET", deployment.LedgerKey(outcome.key), outcome.value, "PX", Millis(store.ttl)});
  }
  return requests;
}

base::Result<ports::PermitState> ReadState(ReplyView reply, std::string_view server) {
  if (reply.IsError()) return ErrorFrom(reply, server);
  if (reply.Size() != kPermitStateFields) return UnexpectedReply("the permit script", server);
  std::array<std::int64_t, kPermitStateFields> fields{};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto field = reply.At(i).Integer();
    if (!field) return UnexpectedReply("the permit script", server);
    fields[i] = *field;
  }
  constexpr std::int64_t kMaxMillis = 86'400'000;
  return ports::PermitState{.granted_total = fields[0],
                            .released_total = fields[1],
                            .limit = fields[2],
                            .used = fields[3],
                            .live_replicas = fields[4],
                            .waiting_replicas = fields[5],
                            .learning_left = std::chrono::milliseconds(
                                std::clamp<std::int64_t>(fields[6], 0, kMaxMillis))};
}

base::Result<void> AppendOutcomes(ReplyView reply, std::size_t expected, std::string_view server,
                                  Outcomes& outcomes) {
  if (reply.IsError()) return ErrorFrom(reply, server);
  if (reply.Size() != expected) return UnexpectedReply("MGET", server);
  for (std::size_t i = 0; i < expected; ++i) {
    const ReplyView value = reply.At(i);
    const auto text = value.Text();
    if (!text && !value.IsNil()) return UnexpectedReply("MGET", server);
    outcomes.push_back(text ? std::optional(std::string(*text)) : std::nullopt);
  }
  return {};
}

base::Result<Outcomes> ReadOutcomes(std::size_t keys, std::span<const OwnedReply> replies,
                                    std::string_view server) {
  Outcomes outcomes;
  for (const OwnedReply& reply : replies) {
    const std::size_t expected = std::min(kMaxKeysPerRequest, keys - outcomes.size());
    if (auto read = AppendOutcomes(reply.view(), expected, server, outcomes); !read) {
      return read.error();
    }
  }
  return outcomes;
}

base::Result<void> ReadStored(std::span<const OwnedReply> replies, std::string_view server) {
  for (const OwnedReply& reply : replies) {
    if (reply.view().IsError()) return ErrorFrom(reply.view(), server);
    if (reply.view().Text() != "OK") return UnexpectedReply("SET", server);
  }
  return {};
}

// std::visit with one lambda for each alternative.
template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

std::vector<Request> RequestsFor(const Job& job, const Deployment& deployment,
                                 const ServerFacts& facts) {
  return std::visit([&](const auto& command) { return Build(command, deployment, facts); }, job);
}

ports::Event EventFor(const Job& job, std::span<const OwnedReply> replies,
                      std::string_view server) {
  return std::visit(
      Overloaded{
          [&](const ports::SyncPermits& sync) -> ports::Event {
            return ports::PermitsSynced{sync.sync, ReadState(replies.front().view(), server)};
          },
          [&](const ports::LookUpOutcomes& lookup) -> ports::Event {
            return ports::OutcomesLookedUp{lookup.lookup,
                                           ReadOutcomes(lookup.keys.size(), replies, server)};
          },
          [&](const ports::StoreOutcomes& store) -> ports::Event {
            return ports::OutcomesStored{store.store, ReadStored(replies, server)};
          }},
      job);
}

ports::Event FailureOf(const Job& job, const base::Error& error) {
  return std::visit(Overloaded{[&](const ports::SyncPermits& sync) -> ports::Event {
                                 return ports::PermitsSynced{sync.sync, error};
                               },
                               [&](const ports::LookUpOutcomes& lookup) -> ports::Event {
                                 return ports::OutcomesLookedUp{lookup.lookup, error};
                               },
                               [&](const ports::StoreOutcomes& store) -> ports::Event {
                                 return ports::OutcomesStored{store.store, error};
                               }},
                    job);
}

}  // namespace llmbatch::redis
