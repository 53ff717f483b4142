#include "sim/world.h"

#include <iostream>
#include <utility>

#include "base/check.h"

namespace llmbatch::sim {
namespace {

// Virtual time within which every run must come to its end.
constexpr base::Duration kTimeLimit = std::chrono::hours(12);
// Shorter than a lease: what a longer outage does to the limit is admission's business.
constexpr std::uint64_t kLongestOutageMillis = 8'000;
constexpr std::uint64_t kLongestBrokerOutageMillis = 20'000;
// Not so much that the day changes.
constexpr std::int64_t kMostClockErrorMinutes = 59;

}  // namespace

World::World(const Plan& plan, const RunOptions& options)
    : plan_(plan),
      options_(options),
      rng_(plan.seed ^ 0x9E3779B97F4A7C15U),
      choices_(plan.seed ^ 0x8EBC6AF09C88C6E3U),
      kafka_(plan, schedule_, rng_,
             [this](int id, ports::Event event) { Deliver(id, std::move(event)); }),
      coordinator_(plan, schedule_, rng_,
                   [this](int id, ports::Event event) { Deliver(id, std::move(event)); }),
      provider_(plan, schedule_, rng_,
                [this](int id, ports::Event event) { Deliver(id, std::move(event)); }) {
  // No run is so long that the day changes.
  constexpr std::size_t kDateChars = 10;
  budget_name_ = "all/day:" + base::FormatRfc3339(schedule_.Now().wall).substr(0, kDateChars);
  if (plan.busy_elsewhere) coordinator_.KeepRows();
  kafka_.on_commit = [this](const ports::PartitionOffset& offset) { CheckCommit(offset); };
}

void World::Fail(const std::string& what) {
  if (!failure_) {
    failure_ = what + " (at " +
               std::to_string(base::ToSeconds(schedule_.now().time_since_epoch()) - 3600) + " s)";
  }
}

// ── what happens
// ────────────────────────────────────────────────────────────────────────────────────────

void World::Start() {
  const int id = ++last_incarnation_;
  pipeline::Options options = plan_.options;
  options.seed = plan_.seed + static_cast<std::uint64_t>(id);
  options.start_id = "r" + std::to_string(id);
  auto core = pipeline::Pipeline::Create(std::move(options));
  LLMBATCH_CHECK(core.ok());
  replicas_[id].core = std::move(core).value();
  replicas_[id].clock_error = SomeClockError();
  kafka_.Join(id);
  Wake(id);
}

void World::Kill(int incarnation) {
  if (replicas_.erase(incarnation) == 0) return;
  provider_.Vanish(incarnation);
  coordinator_.Vanish(incarnation);
  kafka_.Vanish(incarnation);
}

void World::Freeze(int incarnation, base::Duration time) {
  const auto found = replicas_.find(incarnation);
  if (found == replicas_.end() || found->second.frozen) return;
  found->second.frozen = true;
  zombies_.insert(incarnation);
  schedule_.After(std::chrono::seconds(6), [this, incarnation] {
    const auto it = replicas_.find(incarnation);
    if (it == replicas_.end() || !it->second.frozen) return;
    it->second.expelled = true;
    kafka_.Expel(incarnation);
  });
  schedule_.After(time, [this, incarnation] { Thaw(incarnation); });
}

void World::Thaw(int incarnation) {
  const auto found = replicas_.find(incarnation);
  if (found == replicas_.end()) return;
  Replica& replica = found->second;
  replica.frozen = false;
  Wake(incarnation);
  if (!std::exchange(replica.expelled, false)) return;
  // Its consumer learns of it some time after the main loop has gone on.
  schedule_.After(std::chrono::milliseconds(rng_.Below(3'000)), [this, incarnation] {
    const auto it = replicas_.find(incarnation);
    if (it == replicas_.end()) return;
    std::vector<model::TopicPartition> lost;
    for (const auto& each : it->second.core->GetStatus().assigned) lost.push_back(each.partition);
    kafka_.TellLost(incarnation, std::move(lost));
    if (!it->second.core->GetStatus().stopping) kafka_.Join(incarnation);
  });
}

std::optional<int> World::AnyReplica() {
  if (replicas_.empty()) return std::nullopt;
  auto it = replicas_.begin();
  std::advance(it, static_cast<std::ptrdiff_t>(rng_.Below(replicas_.size())));
  return it->first;
}

void World::PlanFaults() {
  const auto some_time = [this] {
    return base::Duration(std::chrono::milliseconds(rng_.Below(30'000)));
  };
  for (int i = 0; i < plan_.crashes; ++i) {
    schedule_.After(some_time(), [this, some_time] {
      if (const auto id = AnyReplica()) {
        Kill(*id);
        schedule_.After(some_time(), [this] { Start(); });
      }
    });
  }
  for (int i = 0; i < plan_.stops; ++i) {
    schedule_.After(some_time(), [this] {
      if (const auto id = AnyReplica())
        Deliver(*id, ports::StopRequested{.at_once = rng_.Chance(0.2)});
    });
  }
  for (int i = 0; i < plan_.rebalances; ++i)
    schedule_.After(some_time(), [this] { kafka_.Rebalance(); });
  for (int i = 0; i < plan_.rebuilds; ++i) {
    schedule_.After(some_time(), [this] {
      if (const auto id = AnyReplica()) kafka_.Rebuild(*id);
    });
  }
  for (int i = 0; i < plan_.freezes; ++i) {
    schedule_.After(some_time(), [this, some_time] {
      if (const auto id = AnyReplica()) Freeze(*id, some_time());
    });
  }
  for (int i = 0; i < plan_.broker_outages; ++i) {
    schedule_.After(some_time(), [this] {
      kafka_.SetAway(true);
      schedule_.After(std::chrono::milliseconds(rng_.Below(kLongestBrokerOutageMillis)),
                      [this] { kafka_.SetAway(false); });
    });
  }
  if (plan_.clocks_differ) {
    schedule_.After(some_time(), [this] {
      if (const auto id = AnyReplica()) replicas_.at(*id).clock_error = SomeClockError();
    });
  }
}

void World::PlanRedisFaults() {
  const auto plan = [this](int times, std::function<void()> end) {
    for (int i = 0; i < times; ++i) {
      schedule_.After(std::chrono::milliseconds(rng_.Below(30'000)), [this, end] {
        coordinator_.SetAway(true);
        schedule_.After(std::chrono::milliseconds(rng_.Below(kLongestOutageMillis)), end);
      });
    }
  };
  plan(plan_.redis_outages, [this] { coordinator_.SetAway(false); });
  plan(plan_.redis_losses, [this] {
    coordinator_.LoseData();
    coordinator_.SetAway(false);
  });
}

base::Duration World::SomeClockError() {
  if (!plan_.clocks_differ) return {};
  return std::chrono::minutes(static_cast<std::int64_t>(rng_.Below(2 * kMostClockErrorMinutes)) -
                              kMostClockErrorMinutes);
}

void World::PlanReloads() {
  for (int i = 0; i < plan_.reloads; ++i) {
    schedule_.After(std::chrono::milliseconds(rng_.Below(30'000)), [this] {
      const auto id = AnyReplica();
      if (!id) return;
      if (rng_.Chance(0.2)) {
        Deliver(*id, ports::ConfigurationRefused{});
      } else {
        Deliver(*id, plan_.Changed(rng_));
      }
    });
  }
}

// ── the main loop of each replica
// ───────────────────────────────────────────────────────────────────────

void World::Deliver(int incarnation, ports::Event event) {
  const auto found = replicas_.find(incarnation);
  if (found == replicas_.end()) return;
  found->second.inbox.push_back(std::move(event));
  Wake(incarnation);
}

void World::Wake(int incarnation) {
  Replica& replica = replicas_.at(incarnation);
  if (replica.woken) return;
  replica.woken = true;
  schedule_.After(std::chrono::microseconds(rng_.Below(500)),
                  [this, incarnation] { RunRound(incarnation); });
}

void World::RunRound(int incarnation) {
  const auto found = replicas_.find(incarnation);
  if (found == replicas_.end() || failure_) return;
  Replica& replica = found->second;
  replica.woken = false;
  if (replica.frozen) return;
  base::Now now = schedule_.Now();
  now.wall += replica.clock_error;
  ports::Commands commands = replica.core->Handle(std::exchange(replica.inbox, {}), now);
  if (options_.trace) {
    std::cerr << base::ToSeconds(schedule_.now().time_since_epoch()) - 3600 << " replica "
              << incarnation << ": " << commands.size() << " commands\n";
  }
  Execute(incarnation, std::move(commands));
  if (replica.core->stopped()) {
    replicas_.erase(incarnation);
    coordinator_.Vanish(incarnation);
    schedule_.After(std::chrono::seconds(1), [this] { Start(); });
    return;
  }
  const auto deadline = replica.core->NextDeadline(schedule_.now());
  if (!deadline ||
      (replica.alarm && *replica.alarm <= *deadline && *replica.alarm > schedule_.now()))
    return;
  replica.alarm = *deadline;
  schedule_.At(*deadline, [this, incarnation] {
    const auto it = replicas_.find(incarnation);
    if (it != replicas_.end()) {
      it->second.alarm.reset();
      Wake(incarnation);
    }
  });
}

void World::Execute(int incarnation, ports::Commands commands) {
  for (ports::Command& command : commands) {
    if (options_.trace) {
      if (const auto* log = std::get_if<ports::LogLine>(&command))
        std::cerr << "  log: " << log->message << "\n";
      if (const auto* call = std::get_if<ports::StartCall>(&command))
        std::cerr << "  call " << call->call.value << "\n";
      if (const auto* sync = std::get_if<ports::SyncPermits>(&command)) {
        for (const ports::PermitDemand& demand : sync->demands) {
          std::cerr << "  sync: granted " << demand.granted_known << ", released "
                    << demand.released_total << ", want " << demand.want << "; used "
                    << coordinator_.Used() << "\n";
        }
      }
      if (const auto* fetch = std::get_if<ports::FetchDocument>(&command))
        std::cerr << "  fetch " << fetch->place.name << "\n";
      if (const auto* take = std::get_if<ports::TakeJobRecord>(&command))
        std::cerr << "  take " << take->job_id << "\n";
      if (const auto* save = std::get_if<ports::SaveJobRecord>(&command)) {
        std::cerr << "  save " << save->job_id << " #" << save->sequence << " as of turn "
                  << save->epoch << "\n";
      }
      if (const auto* publish = std::get_if<ports::PublishRecord>(&command)) {
        std::cerr << "  publish to " << publish->message->topic << " for "
                  << publish->message->key.value_or("-") << "\n";
      }
    }
    if (const auto* mark = std::get_if<ports::MarkSent>(&command)) CheckClaims(incarnation, *mark);
    kafka_.Execute(incarnation, command);
    coordinator_.Execute(incarnation, command);
    provider_.Execute(incarnation, command);
    if (const auto* save = std::get_if<ports::SaveJobRecord>(&command)) {
      CancelHalfDone(*save);
      KillBeforeTold(incarnation, *save);
    }
  }
}

void World::CancelHalfDone(const ports::SaveJobRecord& save) {
  const auto found = cancelled_half_done_.find(save.job_id);
  if (found == cancelled_half_done_.end() || save.percent == 0) return;
  const base::Duration soon = std::chrono::milliseconds(choices_.Below(200));
  schedule_.After(
      soon, [this, id = found->first, user = found->second] { coordinator_.Cancel(id, user); });
  cancelled_half_done_.erase(found);
}

void World::KillBeforeTold(int incarnation, const ports::SaveJobRecord& save) {
  const bool ends = !save.result.empty() || !save.members.empty();
  if (!ends || untold_ends_ >= plan_.untold_ends || rng_.Chance(0.5)) return;
  ++untold_ends_;
  // Before the reply, or when some of what follows from it has been written.
  schedule_.After(std::chrono::microseconds(rng_.Below(20'000)), [this, incarnation] {
    if (!replicas_.contains(incarnation)) return;
    Kill(incarnation);
    schedule_.After(std::chrono::milliseconds(rng_.Below(10'000)), [this] { Start(); });
  });
}

std::optional<std::string> World::Run() {
  for (int i = 0; i < plan_.replicas; ++i) {
    schedule_.After(std::chrono::milliseconds(rng_.Below(2'000)), [this] { Start(); });
  }
  Produce();
  PlanFaults();
  PlanRedisFaults();
  PlanReloads();
  const base::Timestamp limit = schedule_.now() + kTimeLimit;
  std::uint64_t steps = 0;
  // Done() is asked now and then only: it looks at everything.
  while (!failure_ && schedule_.now() < limit && schedule_.Step()) {
    CheckStep();
    if (++steps % 256 == 0 &&
        schedule_.now() > base::Timestamp(std::chrono::hours(1) + std::chrono::seconds(95)) &&
        Done()) {
      CheckEnd();
      return failure_;
    }
  }
  if (!failure_) {
    CheckEnd();
    Fail("the run did not come to its end");
  }
  return failure_;
}

}  // namespace llmbatch::sim
