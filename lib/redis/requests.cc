#include "redis/requests.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "ledger/fingerprint.h"
#include "redis/document_requests.h"
#include "redis/job_requests.h"

namespace llmbatch::redis {
namespace {

// One script's answer has to be in memory as a whole, and no one else is served while it runs.
constexpr std::size_t kMaxKeysPerRequest = 32;
using Entries = std::vector<ports::LedgerEntry>;

std::string Millis(base::Duration duration) {
  return std::to_string(std::max<std::int64_t>(1, base::ToMillis(duration)));
}

std::string ClassName(const ports::SyncPermits& sync, const ports::PermitDemand& demand) {
  std::string name;
  for (const std::size_t place : demand.pools) {
    if (!name.empty()) name += '+';
    name += sync.pools[place].name;
  }
  if (demand.weight > 1) name += "*" + std::to_string(demand.weight);
  return name;
}

// As adaptive_script.h has it; empty: there is none.
std::string ReportText(const std::optional<ports::AdaptiveReport>& report) {
  if (!report) return {};
  std::string text;
  for (const std::int64_t number :
       {report->bounds.least, report->bounds.most, report->known, report->version, report->answers,
        base::ToMillis(report->answer_time), report->refused, base::ToMillis(report->held),
        report->quick_part, base::ToMillis(report->refused_ago)}) {
    if (!text.empty()) text += ' ';
    text += std::to_string(number);
  }
  return text;
}

std::vector<Request> Build(const ports::SyncPermits& sync, const Deployment& deployment,
                           const ServerFacts& facts) {
  Request request{"EVALSHA",
                  facts.permit_script,
                  "2",
                  deployment.PermitsKey(),
                  deployment.HoldsKey(),
                  deployment.replica,
                  Millis(sync.lease),
                  std::to_string(base::ToMillis(deployment.learning)),
                  facts.run_id,
                  deployment.WakePrefix(),
                  sync.relearn ? "1" : "0",
                  std::to_string(sync.pools.size()),
                  std::to_string(sync.users)};
  for (const ports::PermitPool& pool : sync.pools) {
    request.push_back(pool.name);
    request.push_back(std::to_string(pool.limit));
    request.push_back(ReportText(pool.adaptive));
  }
  for (const ports::PermitDemand& demand : sync.demands) {
    request.push_back(ClassName(sync, demand));
    request.push_back(std::to_string(demand.granted_known));
    request.push_back(std::to_string(demand.released_total));
    request.push_back(std::to_string(demand.want));
    request.push_back(std::to_string(demand.priority));
  }
  return {std::move(request)};
}

std::vector<Request> Build(const ports::HoldRoute& command, const Deployment& deployment,
                           const ServerFacts& facts) {
  const ports::RouteHold& hold = command.hold;
  return {{"EVALSHA", facts.hold_script, "1", deployment.HoldsKey(),
           hold.provider + "/" + hold.model, Millis(hold.left), std::to_string(hold.bursts),
           deployment.HoldChannel()}};
}

std::vector<Request> Build(const ports::ShareRatios& share, const Deployment& deployment,
                           const ServerFacts& facts) {
  std::vector<Request> requests;
  const std::span<const ports::RatioLesson> lessons = share.lessons;
  for (std::size_t first = 0; first < lessons.size(); first += kMaxKeysPerRequest) {
    const auto part = lessons.subspan(first, std::min(kMaxKeysPerRequest, lessons.size() - first));
    Request request{"EVALSHA", facts.ratio_script, std::to_string(part.size())};
    for (const auto& lesson : part) request.push_back(deployment.RatioKey(lesson.name));
    request.push_back(Millis(share.ttl));
    for (const auto& lesson : part) {
      request.push_back(std::to_string(lesson.ratio));
      request.push_back(std::to_string(lesson.keep));
      request.push_back(std::to_string(lesson.add));
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

void Append(Request& request, const ports::Charges& charges) {
  request.push_back(std::to_string(charges.size()));
  for (const ports::Charge& each : charges) {
    request.push_back(std::to_string(each.limit + 1));
    request.push_back(std::to_string(each.amount));
  }
}

std::string Micros(base::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

std::vector<Request> Build(const ports::ReserveCalls& reserve, const Deployment& deployment,
                           const ServerFacts& facts) {
  Request request{"EVALSHA",
                  facts.limit_script,
                  "2",
                  deployment.RatesKey(),
                  deployment.BudgetsKey(),
                  deployment.replica,
                  facts.run_id,
                  std::to_string(base::ToMillis(deployment.learning)),
                  Micros(reserve.horizon),
                  Micros(reserve.burst),
                  deployment.BudgetPrefix(),
                  std::to_string(reserve.limits.size())};
  for (const ports::Limit& limit : reserve.limits) {
    request.emplace_back(limit.kind == ports::Limit::Kind::kBudget ? "b" : "r");
    request.push_back(limit.name);
    request.push_back(std::to_string(limit.size));
    request.push_back(std::to_string(limit.spent));
    request.push_back(std::to_string(limit.reserved));
    request.push_back(Millis(limit.keep));
  }
  Append(request, reserve.corrections);
  Append(request, reserve.remaining);
  request.push_back(std::to_string(reserve.calls.size()));
  for (const ports::Charges& call : reserve.calls) Append(request, call);
  return {std::move(request)};
}

// The claim script for so many keys at a time. What `call` doesn't apply to has an empty one.
std::vector<Request> BuildClaim(std::string_view operation, const std::vector<std::string>& keys,
                                base::Duration claim_ttl, const std::string& call,
                                const Deployment& deployment, const ServerFacts& facts) {
  std::vector<Request> requests;
  for (std::size_t first = 0; first < keys.size(); first += kMaxKeysPerRequest) {
    const std::size_t count = std::min(kMaxKeysPerRequest, keys.size() - first);
    Request request{"EVALSHA", facts.claim_script, std::to_string(1 + count),
                    deployment.PermitsKey()};
    request.reserve(request.size() + count + 4);
    for (std::size_t i = first; i < first + count; ++i) {
      request.push_back(deployment.LedgerKey(keys[i]));
    }
    request.emplace_back(operation);
    request.push_back(deployment.replica);
    request.push_back(Millis(claim_ttl));
    request.push_back(call);
    requests.push_back(std::move(request));
  }
  return requests;
}

std::vector<Request> Build(const ports::LookUpOutcomes& lookup, const Deployment& deployment,
                           const ServerFacts& facts) {
  return BuildClaim("look_up", lookup.keys, lookup.claim_ttl, {}, deployment, facts);
}

std::vector<Request> Build(const ports::MarkSent& mark, const Deployment& deployment,
                           const ServerFacts& facts) {
  return BuildClaim("sent", mark.keys, mark.claim_ttl, mark.call, deployment, facts);
}

std::vector<Request> Build(const ports::ReleaseClaims& release, const Deployment& deployment,
                           const ServerFacts& facts) {
  return BuildClaim("release", release.keys, {}, {}, deployment, facts);
}

std::vector<Request> Build(const ports::StoreOutcomes& store, const Deployment& deployment,
                           const ServerFacts& facts) {
  std::vector<Request> requests;
  requests.reserve(store.outcomes.size());
  for (const ports::StoredOutcome& outcome : store.outcomes) {
    requests.push_back({"EVALSHA", facts.claim_script, "2", deployment.PermitsKey(),
                        deployment.LedgerKey(outcome.key), "store", deployment.replica,
                        Millis(outcome.ttl), "", outcome.value});
    if (outcome.replaces) requests.back().push_back(*outcome.replaces);
  }
  return requests;
}

// nullopt: it isn't an array of so many integers.
std::optional<std::vector<std::int64_t>> ReadIntegers(ReplyView reply, std::size_t count) {
  if (reply.Size() != count) return std::nullopt;
  std::vector<std::int64_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = reply.At(i).Integer();
    if (!number) return std::nullopt;
    numbers[i] = *number;
  }
  return numbers;
}

// nullopt: it isn't what is known of so many adaptive limits.
std::optional<std::vector<ports::AdaptiveState>> ReadAdaptive(ReplyView reply, std::size_t count) {
  using Change = ports::AdaptiveChange;
  constexpr std::array kChanges{Change::kStart, Change::kGrowth, Change::kRefusal,
                                Change::kLatency};
  constexpr std::size_t kFields = 3;
  const auto numbers = ReadIntegers(reply, kFields * count);
  if (!numbers) return std::nullopt;
  std::vector<ports::AdaptiveState> states;
  for (auto number = numbers->begin(); number != numbers->end(); number += kFields) {
    const auto change = static_cast<std::size_t>(number[2]);
    if (number[0] < 1 || number[1] < 1 || change >= kChanges.size()) return std::nullopt;
    states.push_back({.limit = number[0], .version = number[1], .change = kChanges[change]});
  }
  return states;
}

base::Result<ports::PermitState> ReadState(const ports::SyncPermits& sync, ReplyView reply,
                                           std::string_view server) {
  constexpr std::size_t kParts = 7;
  constexpr std::size_t kNumbersOfGrant = 3;
  constexpr std::int64_t kMaxMillis = 86'400'000;
  if (reply.IsError()) return ErrorFrom(reply, server);
  const auto unexpected = [&] { return UnexpectedReply("the permit script", server); };
  if (reply.Size() != kParts) return unexpected();
  const auto grants = ReadIntegers(reply.At(0), kNumbersOfGrant * sync.demands.size());
  auto used = ReadIntegers(reply.At(1), sync.pools.size());
  const auto live = reply.At(2).Integer();
  const auto rank = reply.At(3).Integer();
  const auto learning = reply.At(4).Integer();
  const ReplyView told = reply.At(5);
  const auto reports = std::count_if(sync.pools.begin(), sync.pools.end(),
                                     [](const auto& pool) { return pool.adaptive.has_value(); });
  auto adaptive = ReadAdaptive(reply.At(6), static_cast<std::size_t>(reports));
  if (!grants || !used || !live || !rank || !learning || !told.Size() || !adaptive) {
    return unexpected();
  }
  ports::PermitState state{.grants = {},
                           .used = *std::move(used),
                           .live_replicas = *live,
                           .rank = *rank,
                           .learning_left = std::chrono::milliseconds(
                               std::clamp<std::int64_t>(*learning, 0, kMaxMillis)),
                           .holds = {},
                           .adaptive = *std::move(adaptive)};
  for (std::size_t i = 0; i < grants->size(); i += kNumbersOfGrant) {
    state.grants.push_back({.granted_total = (*grants)[i],
                            .released_total = (*grants)[i + 1],
                            .others_waiting = (*grants)[i + 2]});
  }
  for (std::size_t i = 0; i < *told.Size(); ++i) {
    const auto hold = ReadHold(told.At(i).Text().value_or(""));
    if (!hold) return unexpected();
    state.holds.push_back(*hold);
  }
  return state;
}

base::Result<ports::ReserveState> ReadReserved(const ports::ReserveCalls& reserve, ReplyView reply,
                                               std::string_view server) {
  using Outcome = ports::Booking::Outcome;
  constexpr std::array kOutcomes{Outcome::kLater, Outcome::kBooked, Outcome::kExhausted};
  constexpr std::size_t kFieldsOfBooking = 3;
  constexpr std::int64_t kMaxMicros = 3'600'000'000;
  if (reply.IsError()) return ErrorFrom(reply, server);
  const std::size_t expected = 1 + reserve.limits.size() + kFieldsOfBooking * reserve.calls.size();
  if (reply.Size() != expected) return UnexpectedReply("the limit script", server);
  std::vector<std::int64_t> fields;
  fields.reserve(expected);
  for (std::size_t i = 0; i < expected; ++i) {
    const auto field = reply.At(i).Integer();
    if (!field) return UnexpectedReply("the limit script", server);
    fields.push_back(*field);
  }
  auto field = fields.begin();
  ports::ReserveState state;
  state.epoch = *field++;
  for (std::size_t i = 0; i < reserve.limits.size(); ++i) state.used.push_back(*field++);
  for (std::size_t i = 0; i < reserve.calls.size(); ++i, field += kFieldsOfBooking) {
    const std::int64_t limits = static_cast<std::int64_t>(reserve.limits.size());
    if (field[0] < 0 || field[0] > 2 || field[2] < 0 || field[2] > limits) {
      return UnexpectedReply("the limit script", server);
    }
    state.bookings.push_back(
        {.outcome = kOutcomes[static_cast<std::size_t>(field[0])],
         .wait = std::chrono::microseconds(std::clamp<std::int64_t>(field[1], 0, kMaxMicros)),
         .limit = static_cast<std::size_t>(std::max<std::int64_t>(1, field[2]) - 1)});
  }
  return state;
}

base::Result<std::vector<std::optional<std::int64_t>>> ReadRatios(
    std::size_t lessons, std::span<const OwnedReply> replies, std::string_view server) {
  std::vector<std::optional<std::int64_t>> ratios;
  for (const OwnedReply& reply : replies) {
    if (reply.view().IsError()) return ErrorFrom(reply.view(), server);
    const std::size_t expected = std::min(kMaxKeysPerRequest, lessons - ratios.size());
    const auto told = ReadIntegers(reply.view(), expected);
    if (!told) return UnexpectedReply("the ratio script", server);
    for (const std::int64_t ratio : *told)
      ratios.push_back(ratio > 0 ? std::optional(ratio) : std::nullopt);
  }
  return ratios;
}

std::optional<ports::LedgerEntry> ReadEntry(ReplyView value) {
  using State = ports::LedgerEntry::State;
  if (const auto outcome = value.Text()) {
    return ports::LedgerEntry{
        .state = State::kDone, .outcome = std::string(*outcome), .in_doubt = {}};
  }
  if (const auto others = value.Integer()) {
    return ports::LedgerEntry{
        .state = *others == 0 ? State::kOurs : State::kOthers, .outcome = {}, .in_doubt = {}};
  }
  const auto call = value.Size() == 1 ? value.At(0).Text() : std::nullopt;
  if (!call) return std::nullopt;
  return ports::LedgerEntry{.state = State::kOurs, .outcome = {}, .in_doubt = std::string(*call)};
}

base::Result<void> AppendEntries(ReplyView reply, std::size_t expected, std::string_view server,
                                 Entries& entries) {
  if (reply.IsError()) return ErrorFrom(reply, server);
  if (reply.Size() != expected) return UnexpectedReply("the claim script", server);
  for (std::size_t i = 0; i < expected; ++i) {
    auto entry = ReadEntry(reply.At(i));
    if (!entry) return UnexpectedReply("the claim script", server);
    entries.push_back(*std::move(entry));
  }
  return {};
}

base::Result<Entries> ReadEntries(std::size_t keys, std::span<const OwnedReply> replies,
                                  std::string_view server) {
  Entries entries;
  entries.reserve(keys);
  for (const OwnedReply& reply : replies) {
    const std::size_t expected = std::min(kMaxKeysPerRequest, keys - entries.size());
    if (auto read = AppendEntries(reply.view(), expected, server, entries); !read) {
      return read.error();
    }
  }
  return entries;
}

base::Result<void> ReadReleased(std::span<const OwnedReply> replies, std::string_view server) {
  for (const OwnedReply& reply : replies) {
    if (reply.view().IsError()) return ErrorFrom(reply.view(), server);
  }
  return {};
}

base::Result<void> ReadStored(std::span<const OwnedReply> replies, std::string_view server) {
  for (const OwnedReply& reply : replies) {
    if (reply.view().IsError()) return ErrorFrom(reply.view(), server);
    if (reply.view().Integer() != 0) return UnexpectedReply("the claim script", server);
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

std::optional<ports::RouteHold> ReadHold(std::string_view message) {
  constexpr std::int64_t kLongestMillis = 7'200'000;
  constexpr std::int64_t kMostBursts = 1'000;
  const auto number = [&message](std::int64_t most) -> std::optional<std::int64_t> {
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(message.data(), message.data() + message.size(), value);
    const auto digits = static_cast<std::size_t>(end - message.data());
    if (error != std::errc() || value < 0 || value > most) return std::nullopt;
    if (digits >= message.size() || message[digits] != ' ') return std::nullopt;
    message.remove_prefix(digits + 1);
    return value;
  };
  const auto left = number(kLongestMillis);
  const auto bursts = left ? number(kMostBursts) : std::nullopt;
  const std::size_t slash = message.find('/');
  if (!bursts || slash == std::string_view::npos) return std::nullopt;
  return ports::RouteHold{.provider = std::string(message.substr(0, slash)),
                          .model = std::string(message.substr(slash + 1)),
                          .left = std::chrono::milliseconds(*left),
                          .bursts = static_cast<int>(*bursts)};
}

std::string Deployment::LedgerKey(const std::string& key) const {
  const std::string prefix = "{" + name_space + "}:ledger:";
  return prefix + (ledger_secret.empty() ? key : ledger::KeyedHex(ledger_secret.Reveal(), key));
}

std::vector<Request> RequestsFor(const Job& job, const Deployment& deployment,
                                 const ServerFacts& facts) {
  return std::visit([&](const auto& command) { return Build(command, deployment, facts); }, job);
}

std::optional<ports::Event> EventFor(const Job& job, std::span<const OwnedReply> replies,
                                     std::string_view server) {
  using Completion = std::optional<ports::Event>;
  return std::visit(
      Overloaded{
          [&](const ports::SyncPermits& sync) -> Completion {
            return ports::PermitsSynced{sync.sync, ReadState(sync, replies.front().view(), server)};
          },
          [&](const ports::ReserveCalls& reserve) -> Completion {
            return ports::CallsReserved{reserve.reserve,
                                        ReadReserved(reserve, replies.front().view(), server)};
          },
          [&](const ports::LookUpOutcomes& lookup) -> Completion {
            return ports::OutcomesLookedUp{lookup.lookup,
                                           ReadEntries(lookup.keys.size(), replies, server)};
          },
          [](const ports::HoldRoute&) -> Completion { return std::nullopt; },
          [&](const ports::ShareRatios& share) -> Completion {
            return ports::RatiosShared{share.share,
                                       ReadRatios(share.lessons.size(), replies, server)};
          },
          [](const ports::MarkSent&) -> Completion { return std::nullopt; },
          [&](const ports::ReleaseClaims& release) -> Completion {
            return ports::ClaimsReleased{release.release, ReadReleased(replies, server)};
          },
          [&](const ports::StoreOutcomes& store) -> Completion {
            return ports::OutcomesStored{store.store, ReadStored(replies, server)};
          },
          [&](const ports::TakeJobRecord& take) -> Completion {
            return ports::JobRecordTaken{take.take, ReadTaken(replies.front().view(), server)};
          },
          [&](const ports::SaveJobRecord& save) -> Completion {
            return ports::JobRecordSaved{save.save, ReadSaved(replies.front().view(), server)};
          },
          [&](const ports::AskJobMember& ask) -> Completion {
            return ports::JobMemberTold{ask.ask, ReadMember(replies.front().view(), server)};
          },
          [&](const ports::CommandJobRecord& command) -> Completion {
            return ports::JobCommanded{command.command,
                                       ReadCommanded(replies.front().view(), server)};
          },
          [&](const ports::FetchDocument& fetch) -> Completion {
            return ports::DocumentFetched{fetch.fetch,
                                          ReadDocument(fetch, replies.front().view(), server)};
          }},
      job);
}

std::optional<ports::Event> FailureOf(const Job& job, const base::Error& error) {
  using Completion = std::optional<ports::Event>;
  return std::visit(Overloaded{[&](const ports::SyncPermits& sync) -> Completion {
                                 return ports::PermitsSynced{sync.sync, error};
                               },
                               [&](const ports::ReserveCalls& reserve) -> Completion {
                                 return ports::CallsReserved{reserve.reserve, error};
                               },
                               [&](const ports::LookUpOutcomes& lookup) -> Completion {
                                 return ports::OutcomesLookedUp{lookup.lookup, error};
                               },
                               [](const ports::HoldRoute&) -> Completion { return std::nullopt; },
                               [&](const ports::ShareRatios& share) -> Completion {
                                 return ports::RatiosShared{share.share, error};
                               },
                               [](const ports::MarkSent&) -> Completion { return std::nullopt; },
                               [&](const ports::ReleaseClaims& release) -> Completion {
                                 return ports::ClaimsReleased{release.release, error};
                               },
                               [&](const ports::StoreOutcomes& store) -> Completion {
                                 return ports::OutcomesStored{store.store, error};
                               },
                               [&](const ports::TakeJobRecord& take) -> Completion {
                                 return ports::JobRecordTaken{take.take, error};
                               },
                               [&](const ports::SaveJobRecord& save) -> Completion {
                                 return ports::JobRecordSaved{save.save, error};
                               },
                               [&](const ports::AskJobMember& ask) -> Completion {
                                 return ports::JobMemberTold{ask.ask, error};
                               },
                               [&](const ports::CommandJobRecord& command) -> Completion {
                                 return ports::JobCommanded{command.command, error};
                               },
                               [&](const ports::FetchDocument& fetch) -> Completion {
                                 return ports::DocumentFetched{fetch.fetch, error};
                               }},
                    job);
}

}  // namespace llmbatch::redis
