#include "sim/world.h"

#include <algorithm>
#include <iostream>
#include <utility>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "offsets/done_map.h"

namespace llmbatch::sim {
namespace {

constexpr base::Duration kProductionTime = std::chrono::seconds(20);
// Virtual time within which every run must come to its end.
constexpr base::Duration kTimeLimit = std::chrono::hours(12);
// Shorter than a lease: what a longer outage does to the limit is admission's business.
constexpr std::uint64_t kLongestOutageMillis = 8'000;
// Several items have the same key of this kind, and the same text.
constexpr const char* kPopularKey = "popular";
constexpr std::string_view kMalformed[] = {"",
                                           "{",
                                           "[]",
                                           R"({"kind":"item"})",
                                           R"({"kind":"item","id":"","task":"label","text":"x"})",
                                           "\xff\xfe",
                                           R"({"kind":"nonsense"})",
                                           R"({"kind":"item","id":1,"task":"label","text":"x"})"};

std::string HeaderOf(const ports::Message& record, std::string_view name) {
  for (const model::Header& header : record.headers) {
    if (header.name == name) return header.value;
  }
  return {};
}

}  // namespace

World::World(const Plan& plan, const RunOptions& options)
    : plan_(plan),
      options_(options),
      rng_(plan.seed ^ 0x9E3779B97F4A7C15U),
      kafka_(plan, schedule_, rng_,
             [this](int id, ports::Event event) { Deliver(id, std::move(event)); }),
      coordinator_(schedule_, rng_,
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

std::string World::MakeItem(const std::string& id, bool with_task) {
  constexpr std::uint64_t kPopular = 5;
  std::string key = id;
  std::string text = std::string(rng_.Below(120), 'a' + static_cast<char>(rng_.Below(26)));
  if (plan_.cached && rng_.Chance(0.4)) {
    key = kPopularKey + std::to_string(rng_.Below(kPopular));
    text = "as always";
  }
  if (rng_.Below(1000) < plan_.poisonous_items) text = kPoison;
  if (rng_.Below(1000) < plan_.oversize_items) {
    key = id;
    text.clear();
    for (int i = 0; i < 1'500; ++i) text += "word ";
  }
  json::Writer writer;
  writer.BeginObject();
  if (with_task) writer.Key("kind").String("item").Key("task").String("label");
  writer.Key("id").String(id);
  writer.Key("input").BeginObject().Key("key").String(key).Key("text").String(text).EndObject();
  if (with_task && rng_.Chance(0.1)) writer.Key("real_time").Bool(true);
  if (with_task && rng_.Chance(0.2))
    writer.Key("priority").Int(static_cast<std::int64_t>(rng_.Below(10)));
  return writer.EndObject().Take();
}

ports::Record World::MakeRecord(int number, Expectation& expectation) {
  const std::string id = "i" + std::to_string(number);
  ports::Record record;
  record.key = id;
  if (rng_.Below(1000) < plan_.malformed_records) {
    expectation.dead_letter = true;
    record.value = std::string(kMalformed[rng_.Below(std::size(kMalformed))]);
    return record;
  }
  if (rng_.Below(1000) >= plan_.jobs) {
    record.value = MakeItem(id, true);
    return record;
  }
  expectation.job = true;
  const int count = static_cast<int>(rng_.Below(12)) + 1;
  const bool form = rng_.Chance(0.4);
  const bool sessions = !form && rng_.Chance(0.3);
  // Fields and sessions have no results of their own.
  expectation.items = form || sessions ? 0 : count;
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job").Key("job_id").String("job-" + id);
  writer.Key("user_id").String("u" + std::to_string(rng_.Below(3)));
  if (sessions) {
    WriteSessions(writer, id, count);
  } else {
    form ? WriteForm(writer, id, count) : WriteItems(writer, id, count);
  }
  record.value = writer.EndObject().Take();
  return record;
}

void World::WriteItems(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("map").Key("task").String("label").Key("items").BeginArray();
  for (int i = 0; i < count; ++i) writer.Raw(MakeItem(id + "." + std::to_string(i), false));
  writer.EndArray();
}

void World::WriteForm(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("fields").Key("task").String("form");
  writer.Key("max_parallel").Int(static_cast<std::int64_t>(rng_.Below(4)) + 1);
  // A few of the fields are known.
  writer.Key("user_data").BeginObject();
  for (int i = 0; i < count; ++i) {
    if (rng_.Chance(0.2)) writer.Key(id + "." + std::to_string(i)).String("known");
  }
  writer.EndObject().Key("fields").BeginArray();
  for (int i = 0; i < count; ++i) {
    writer.BeginObject().Key("id").String(id + "." + std::to_string(i));
    writer.Key("label").String("label").EndObject();
  }
  writer.EndArray();
}

void World::WriteSessions(json::Writer& writer, const std::string& id, int count) {
  writer.Key("workflow").String("classification").Key("task").String("sort");
  const auto few = [this] { return static_cast<std::int64_t>(rng_.Below(3)) + 1; };
  writer.Key("config").BeginObject();
  writer.Key("discovery_min_sessions").Int(1).Key("discovery_max_sessions").Int(few());
  writer.Key("discovery_sessions_per_call").Int(few());
  writer.Key("parallel_stream_count").Int(few()).Key("sessions_per_stream").Int(few());
  writer.EndObject().Key("sessions").BeginArray();
  for (int i = 0; i < count; ++i) {
    const std::string name = id + "." + std::to_string(i);
    writer.BeginObject().Key("id").String(name).Key("user_id").String(name);
    writer.Key("transcript").String("t").Key("containment_type").String("agent").EndObject();
  }
  writer.EndArray();
}

void World::Produce() {
  for (int i = 0; i < plan_.records; ++i) {
    const auto delay = base::Duration(
        static_cast<std::int64_t>(rng_.Unit() * static_cast<double>(kProductionTime.count())));
    schedule_.After(rng_.Chance(0.3) ? base::Duration::zero() : delay, [this, i] {
      Expectation expectation;
      ports::Record record = MakeRecord(i, expectation);
      const auto partition =
          static_cast<std::int32_t>(rng_.Below(static_cast<std::uint64_t>(plan_.partitions)));
      const std::int64_t offset = kafka_.Append(partition, std::move(record));
      expected_.emplace(std::pair(partition, offset), expectation);
    });
  }
}

void World::Start() {
  const int id = ++last_incarnation_;
  pipeline::Options options = plan_.options;
  options.seed = plan_.seed + static_cast<std::uint64_t>(id);
  options.start_id = "r" + std::to_string(id);
  auto core = pipeline::Pipeline::Create(std::move(options));
  LLMBATCH_CHECK(core.ok());
  replicas_[id].core = std::move(core).value();
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
  for (int i = 0; i < plan_.redis_outages; ++i) {
    schedule_.After(some_time(), [this] {
      coordinator_.SetAway(true);
      schedule_.After(std::chrono::milliseconds(rng_.Below(kLongestOutageMillis)),
                      [this] { coordinator_.SetAway(false); });
    });
  }
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
  ports::Commands commands =
      replica.core->Handle(std::exchange(replica.inbox, {}), schedule_.Now());
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
    if (const auto* save = std::get_if<ports::SaveJobRecord>(&command))
      KillBeforeTold(incarnation, *save);
  }
}

void World::KillBeforeTold(int incarnation, const ports::SaveJobRecord& save) {
  if (save.result.empty() || untold_ends_ >= plan_.untold_ends || rng_.Chance(0.5)) return;
  ++untold_ends_;
  // Before the reply, or when some of what follows from it has been written.
  schedule_.After(std::chrono::microseconds(rng_.Below(20'000)), [this, incarnation] {
    if (!replicas_.contains(incarnation)) return;
    Kill(incarnation);
    schedule_.After(std::chrono::milliseconds(rng_.Below(10'000)), [this] { Start(); });
  });
}

// ── what must hold
// ──────────────────────────────────────────────────────────────────────────────────────

void World::Index() {
  for (; indexed_ < kafka_.written().size(); ++indexed_) {
    const ports::Message& message = *kafka_.written()[indexed_];
    const std::string id = HeaderOf(message, "llmbatch-id");
    if (message.topic == plan_.options.topics.progress) {
      IndexProgress(message, id);
      continue;
    }
    if (message.topic == plan_.options.topics.dead_letters) {
      const auto partition =
          static_cast<std::int32_t>(std::stol(HeaderOf(message, "dlq-partition")));
      Found& found = found_[{partition, std::stoll(HeaderOf(message, "dlq-offset"))}];
      if (!found.dead_letters.insert(id).second) ++found.repeats;
      continue;
    }
    const auto document = json::Document::Parse(message.value.value_or(""));
    if (!document) {
      Fail("a published result is not JSON");
      return;
    }
    const json::Value root = document->root();
    if (root.Find("kind")->AsString() == "job_result") {
      // The record is found again by the job's id, which holds its number.
      for (const auto& [where, expectation] : expected_) {
        const auto& log = kafka_.log(where.first);
        const auto record = std::find_if(
            log.begin(), log.end(), [&](const auto& each) { return each.offset == where.second; });
        if ("job-" + record->key.value_or("") == root.Find("job_id")->AsString())
          if (!found_[where].job_results.insert(id).second) ++found_[where].repeats;
      }
      continue;
    }
    const json::Value origin = *root.Find("origin");
    const auto partition = static_cast<std::int32_t>(*origin.Find("partition")->AsInt64());
    Found& found = found_[{partition, *origin.Find("offset")->AsInt64()}];
    if (!found.item_results.insert(id).second) ++found.repeats;
  }
}

void World::IndexProgress(const ports::Message& message, const std::string& id) {
  const std::string& value = *message.value;
  const auto document = json::Document::Parse(value);
  if (!document) return Fail("a progress event is not JSON");
  const auto [known, first] = told_ids_.emplace(id, value);
  // Without Redis a job's story may begin anew.
  if (plan_.redis_outages > 0) return;
  if (!first) {
    if (known->second != value) Fail("a progress event was told again in other words");
    return;
  }
  const json::Value root = document->root();
  const std::string job(root.Find("job_id")->AsString());
  const std::string_view status = root.Find("status")->AsString();
  const std::int64_t sequence = *root.Find("sequence")->AsInt64();
  const Told told{.percent = static_cast<int>(*root.Find("percent")->AsInt64()),
                  .final = status != "processing",
                  .value = value};
  if (!told_[job].emplace(sequence, told).second)
    Fail("job " + job + " has two progress events " + std::to_string(sequence));
}

void World::CheckProgress() {
  if (plan_.redis_outages > 0) return;
  for (const auto& [job, events] : told_) {
    std::int64_t sequence = 0;
    int percent = 0;
    for (const auto& [number, event] : events) {
      if (number != ++sequence) return Fail("the progress of " + job + " has a gap");
      if (event.percent < percent) Fail("the percentage of " + job + " went down");
      percent = event.percent;
      const bool last = sequence == static_cast<std::int64_t>(events.size());
      if (event.final != last) Fail(job + " has not exactly one final progress event, at its end");
    }
  }
}

bool World::IsFulfilled(std::int32_t partition, std::int64_t offset) {
  const auto expected = expected_.find({partition, offset});
  if (expected == expected_.end()) return true;
  const Found& found = found_[{partition, offset}];
  const Expectation& want = expected->second;
  if (want.dead_letter) return found.dead_letters.size() == 1;
  const bool items = static_cast<int>(found.item_results.size()) == want.items;
  return items && (!want.job || found.job_results.size() == 1);
}

void World::CheckCommit(const ports::PartitionOffset& commit) {
  Index();
  const std::int32_t partition = commit.partition.partition;
  if (commit.offset < kafka_.committed(partition)) Fail("a commit went backwards");
  if (commit.metadata.size() > offsets::kMaxMetadataBytes) Fail("a done map is too long");
  const auto done = offsets::DecodeDoneMap(commit.offset, commit.metadata);
  if (!done) return Fail("the metadata of a commit is no done map");
  for (const ports::Record& record : kafka_.log(partition)) {
    const bool committed =
        record.offset < commit.offset ||
        std::any_of(done->begin(), done->end(), [&](const offsets::OffsetRange& range) {
          return range.begin <= record.offset && record.offset < range.end;
        });
    if (!committed || IsFulfilled(partition, record.offset)) continue;
    return Fail("record " + std::to_string(record.offset) + " of partition " +
                std::to_string(partition) + " was committed before it was answered");
  }
}

void World::CheckClaims(int incarnation, const ports::MarkSent& mark) {
  // While Redis is away calls go on without claims, and what it missed it can't tell later.
  // The answer of a replica that stood still comes when others have taken its work over.
  if (plan_.redis_outages > 0 || !zombies_.empty()) return;
  for (const std::string& key : mark.keys) {
    if (!coordinator_.Claims(incarnation, key)) {
      Fail("an item was asked that has its outcome in the ledger, or that another replica claims");
    }
  }
}

void World::CheckPools() {
  if (provider_.calls_started() == calls_checked_) return;
  calls_checked_ = provider_.calls_started();
  for (const auto& [pool, calls] : provider_.InFlightByPool(zombies_)) {
    const auto limit = pool_limits_.find(pool);
    if (limit != pool_limits_.end() && calls > limit->second)
      Fail("more calls in flight than permits of " + pool);
  }
}

void World::CheckStep() {
  // A zombie's calls run on while its permits go to others.
  std::int64_t of_zombies = 0;
  for (const int zombie : zombies_) of_zombies += provider_.InFlightOf(zombie);
  if (provider_.in_flight() - of_zombies > plan_.permit_limit)
    Fail("more calls in flight than permits");
  CheckPools();
  CheckBudget(false);
  // While Redis is away each replica begins its share anew.
  if (plan_.redis_outages == 0 && provider_.rate_passed()) Fail("a rate was passed");
  // What a replica was told just before it died, or while Redis was away, nobody else knows.
  if (plan_.redis_outages == 0 && plan_.kills() == 0 && plan_.freezes == 0 &&
      provider_.hold_broken())
    Fail("a call was made while its provider had asked to wait");
  const model::Task& task = *plan_.options.catalog->tasks.at("label");
  if (provider_.highest_items() > task.max_batch_items)
    Fail("a batch had more than max_batch_items");
  // Calibration follows the provider's figures, with a margin of a few per cent.
  if (provider_.highest_tokens() * 10 > task.max_batch_tokens * 11)
    Fail("a batch had " + std::to_string(provider_.highest_tokens()) + " of " +
         std::to_string(task.max_batch_tokens) + " tokens");
}

bool World::Done() {
  if (static_cast<int>(expected_.size()) < plan_.records || !kafka_.AllCommitted()) return false;
  return std::all_of(replicas_.begin(), replicas_.end(), [](const auto& each) {
    const pipeline::Status status = each.second.core->GetStatus();
    return !status.stopping && status.requests == 0 && !status.unpublished &&
           status.permits_held == 0;
  });
}

void World::CheckBudget(bool settled) {
  const auto& cap = plan_.options.budgets.all.day;
  if (!cap) return;
  if (provider_.billed() > cap->nanos) Fail("calls cost more than the budget");
  // What a replica that died had reserved may be less than what its last calls cost.
  const std::int64_t used = coordinator_.BudgetUsed(budget_name_);
  if (settled && plan_.kills() == 0 && provider_.billed() > used) {
    Fail("calls cost " + std::to_string(provider_.billed()) + " and the budget knows of " +
         std::to_string(used));
  }
}

void World::CheckEnd() {
  CheckBudget(true);
  Index();
  CheckProgress();
  for (const auto& [where, expectation] : expected_) {
    const Found& found = found_[where];
    if (!IsFulfilled(where.first, where.second)) {
      Fail("record " + std::to_string(where.second) + " of partition " +
           std::to_string(where.first) + " has " + std::to_string(found.item_results.size()) +
           " item results, " + std::to_string(found.job_results.size()) + " job results, " +
           std::to_string(found.dead_letters.size()) + " dead letters");
    }
    if (plan_.exactly_once && found.repeats > 0) {
      Fail("record " + std::to_string(where.second) + " of partition " +
           std::to_string(where.first) + " was answered more than once");
    }
  }
  for (const auto& [id, replica] : replicas_) {
    const pipeline::Status status = replica.core->GetStatus();
    if (options_.trace) {
      std::cerr << "replica " << id << " at the end: requests " << status.requests;
      for (const auto& [state, count] : status.calls) std::cerr << ", " << state << " " << count;
      for (const auto& [what, count] : status.waiting_for)
        std::cerr << ", for " << what << " " << count;
      std::cerr << "\n";
    }
    if (status.pending_bytes != 0 || status.jobs != 0 || status.permits_in_use != 0)
      Fail("something is still open");
  }
  // A replica that joins causes a rebalance.
  const bool interrupted = plan_.replicas > 1 || plan_.kills() + plan_.stops + plan_.rebalances +
                                                         plan_.rebuilds + plan_.freezes +
                                                         plan_.redis_outages >
                                                     0;
  if (interrupted || provider_.had_faults()) return;
  // Another user and another version of the task have answers of their own.
  const bool is_shared =
      plan_.reloads == 0 && !plan_.options.catalog->tasks.at("label")->isolate_tenants;
  for (const auto& [key, times] : provider_.answered()) {
    if (key.starts_with(kPopularKey) && !is_shared) continue;
    if (times != 1)
      Fail("item " + key + " was asked " + std::to_string(times) + " times without need");
  }
}

std::optional<std::string> World::Run() {
  for (int i = 0; i < plan_.replicas; ++i) {
    schedule_.After(std::chrono::milliseconds(rng_.Below(2'000)), [this] { Start(); });
  }
  Produce();
  PlanFaults();
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
