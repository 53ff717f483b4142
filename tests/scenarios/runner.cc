#include "scenarios/runner.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <variant>

#include "scenarios/catalog.h"
#include "scenarios/describe.h"
#include "scenarios/words.h"
#include "wire/outcome.h"

namespace llmbatch::scenarios {
namespace {

// More rounds in one step mean that the core asks to be woken again and again.
constexpr int kMaxRoundsPerStep = 100'000;

base::Error Away() { return base::MakeError(base::ErrorKind::kUnavailable, "away"); }

base::Result<void> Outcome(bool success) {
  return success ? base::Result<void>() : base::Result<void>(Away());
}

}  // namespace

std::string Runner::Run(const Step& step) {
  output_.clear();
  std::istringstream line(step.command);
  std::string name;
  line >> name;
  Words words;
  for (std::string word; line >> word;) words.push_back(word);
  const bool started = name == "start" || core_ != nullptr || Start({});
  if (!started || !Dispatch(name, words, step)) {
    return "error: this command is unknown, wrongly written, or answers nothing\n";
  }
  return output_.empty() ? "nothing\n" : output_;
}

bool Runner::Dispatch(const std::string& name, const Words& words, const Step& step) {
  if (name == "start") return Start(words);
  if (name == "advance") return Advance(words);
  if (name == "status") return ShowStatus();
  if (name == "stop") return Round({ports::StopRequested{}});
  if (name == "reload") return Reload(words);
  if (name == "fetched" || name == "not-fetched") return FromDocuments(name, words, step.command);
  return FromConsumer(name, words, step.input) || FromPublisher(name, words) ||
         FromCoordinator(name, words) || FromProvider(name, words, step.command);
}

bool Runner::FromConsumer(const std::string& name, const Words& words, const std::string& input) {
  if (name == "assign") {
    const auto partition = words.empty() ? std::nullopt : ToPartition(words[0]);
    if (!partition) return false;
    return Round(
        {ports::PartitionsAssigned{.partitions = {{.partition = *partition,
                                                   .committed_offset = Number(words, "at", -1),
                                                   .metadata = {}}}}});
  }
  if (name == "record") return Record(words, input);
  if (name == "revoke" || name == "lose") {
    const auto partitions = ToPartitions(words);
    if (!partitions) return false;
    return Round({ports::PartitionsRevoked{.partitions = *partitions, .lost = name == "lose"}});
  }
  if (name == "left") return Round({ports::ConsumerStopped{}});
  if (name != "committed" && name != "commit-fails") return false;
  return Reply(commits_, [&](model::CommitId id) {
    return ports::OffsetsCommitted{.commit = id, .outcome = Outcome(name == "committed")};
  });
}

bool Runner::FromPublisher(const std::string& name, const Words& words) {
  if (name == "transaction-ends" || name == "transaction-fails") {
    const bool too_large = Has(words, "too-large");
    auto records = std::exchange(transaction_records_, {});
    return Reply(transactions_, [&](model::CommitId id) {
      return ports::TransactionEnded{
          .commit = id,
          .outcome = Outcome(name == "transaction-ends"),
          .too_large = too_large ? std::move(records) : std::vector<model::PublishId>()};
    });
  }
  if (name != "published" && name != "publish-fails") return false;
  base::Result<void> outcome = Outcome(name == "published");
  if (Has(words, "too-large"))
    outcome = base::MakeError(base::ErrorKind::kTooLarge, "Message size too large");
  return Reply(publishes_, [&](model::PublishId id) {
    return ports::RecordPublished{.publish = id, .outcome = outcome};
  });
}

bool Runner::FromCoordinator(const std::string& name, const Words& words) {
  if (name == "permits") return Permits(words);
  if (name == "records") return Records(words);
  if (name == "told") return Told(words);
  if (name == "looked-up") return LookedUp(words);
  if (name != "stored" && name != "store-fails") return false;
  return Reply(stores_, [&](model::StoreId id) {
    return ports::OutcomesStored{.store = id, .outcome = Outcome(name == "stored")};
  });
}

bool Runner::Told(const Words& words) {
  if (words.size() < 2) return false;
  ports::RouteHold hold{.provider = words[0], .model = {}};
  if (words[1] == "held") {
    const auto left = words.size() < 3 ? std::nullopt : ToDuration(words[2]);
    if (!left) return false;
    hold.left = *left;
    hold.bursts = 1;
  } else if (words[1] != "answers") {
    return false;
  }
  return Round({ports::RouteHeld{std::move(hold)}});
}

// "fetched NAME TEXT…", "not-fetched NAME KIND"
bool Runner::FromDocuments(const std::string& name, const Words& words,
                           const std::string& command) {
  if (words.size() < 2) return false;
  const auto found = std::find_if(fetches_.begin(), fetches_.end(),
                                  [&](const auto& each) { return each.first == words[0]; });
  if (found == fetches_.end()) return false;
  ports::DocumentFetched event{.fetch = found->second, .text = Away()};
  fetches_.erase(found);
  if (name == "fetched") {
    const std::string text = command.substr(name.size() + words[0].size() + 2);
    if (text.starts_with('[')) provider_.Remember("{\"items\":" + text + "}");
    event.text = text;
  }
  if (words[1] == "missing")
    event.text = base::MakeError(base::ErrorKind::kNotFound, "there is none");
  if (words[1] == "denied") event.text = base::MakeError(base::ErrorKind::kDenied, "not allowed");
  return Round({std::move(event)});
}

bool Runner::FromProvider(const std::string& name, const Words& words, const std::string& command) {
  const std::string rest = command.substr(std::min(command.size(), name.size() + 1));
  auto ended = provider_.Answer(name, words, rest);
  return ended && Round({*std::move(ended)});
}

// ── what happens
// ────────────────────────────────────────────────────────────────────────────────────────

bool Runner::Start(const Words& words) {
  pipeline::Options options;
  options.catalog = MakeCatalog(words);
  options.start_id = "s";
  // All delays of a few attempts stay below the time after which an idle permit goes back, so that
  // chance doesn't show.
  options.backoff.first = std::chrono::milliseconds(50);
  options.limits.max_span_records = Number(words, "max-span", options.limits.max_span_records);
  options.limits.max_message_bytes =
      static_cast<std::size_t>(Number(words, "max-message-bytes", 8 << 20));
  options.limits.max_open_records = Number(words, "max-open", options.limits.max_open_records);
  options.documents.max_parallel = Number(words, "fetches", options.documents.max_parallel);
  options.documents.max_bytes = Number(words, "document-bytes", options.documents.max_bytes);
  options.documents.max_job_bytes = Number(words, "job-bytes", options.documents.max_job_bytes);
  options.documents.max_held_bytes = Number(words, "held-bytes", options.documents.max_held_bytes);
  if (Has(words, "exactly-once")) options.delivery = pipeline::Delivery::kExactlyOnce;
  options.budgets.all.day = model::ParseDecimal(Value(words, "budget"));
  options.call_limits.exhausted_ends = true;
  auto core = pipeline::Pipeline::Create(std::move(options));
  if (!core) return false;
  core_ = std::move(core).value();
  // Nothing that a core before asked for is answered any more.
  pool_ = {};
  sync_.reset();
  provider_.DropCalls();
  lookups_.clear();
  releases_.clear();
  stores_.clear();
  publishes_.clear();
  commits_.clear();
  transactions_.clear();
  transaction_records_.clear();
  reserve_.reset();
  fetches_.clear();
  kept_events_.clear();
  return Round({});
}

bool Runner::Reload(const Words& words) {
  if (Has(words, "refused")) return Round({ports::ConfigurationRefused{}});
  ports::ConfigurationLoaded loaded{.catalog = MakeCatalog(words), .limits = {}};
  loaded.limits.concurrency = Number(words, "permits", loaded.limits.concurrency);
  return Round({std::move(loaded)});
}

bool Runner::Record(const Words& words, const std::string& input) {
  const auto partition = words.empty() ? std::nullopt : ToPartition(words[0]);
  const auto offset = ToNumber(Value(words, "offset"));
  if (!partition || !offset) return false;
  ports::Record record{.partition = *partition,
                       .offset = *offset,
                       .key = std::nullopt,
                       .value = input,
                       .headers = {}};
  if (Has(words, "key")) record.key = Value(words, "key");
  if (Has(words, "origin")) {
    record.headers.push_back({.name = "llmbatch-origin", .value = Value(words, "origin")});
  }
  provider_.Remember(input);
  return Round({ports::RecordReceived{.record = std::move(record)}});
}

bool Runner::LookedUp(const Words& words) {
  if (words.empty() || lookups_.empty()) return false;
  std::vector<ports::Event> events;
  for (const ports::LookUpOutcomes& lookup : std::exchange(lookups_, {})) {
    ports::LedgerEntry entry;
    if (words[0] == "hit") {
      model::ItemOutcome kept;
      kept.status = model::ResultStatus::kOk;
      kept.output_json = R"({"label":"kept"})";
      entry.state = ports::LedgerEntry::State::kDone;
      entry.outcome = wire::EncodeOutcome(kept);
    }
    if (words[0] == "failed") {
      model::ItemOutcome kept;
      kept.error = model::ItemError{.code = model::ErrorCode::kAnswerInvalid};
      entry.state = ports::LedgerEntry::State::kDone;
      entry.outcome = wire::EncodeOutcome(kept);
    }
    if (words[0] == "held") entry.state = ports::LedgerEntry::State::kOthers;
    if (words[0] == "in-doubt") entry.in_doubt = "another-1/1";
    ports::OutcomesLookedUp event{
        .lookup = lookup.lookup,
        .entries = std::vector<ports::LedgerEntry>(lookup.keys.size(), entry)};
    if (words[0] == "fails") event.entries = Away();
    events.emplace_back(std::move(event));
  }
  return Round(std::move(events));
}

bool Runner::Permits(const Words& words) {
  if (words.empty()) return false;
  pool_.away = words[0] == "away";
  pool_.open = true;
  pool_.free = ToNumber(words[0]).value_or(pool_.free);
  std::vector<ports::Event> events;
  if (auto reply = SyncReply()) events.push_back(std::move(*reply));
  return Round(std::move(events));
}

// "away", "back", "taken j": another replica takes the job over.
bool Runner::Records(const Words& words) {
  if (words.empty()) return false;
  if (words[0] == "away" || words[0] == "back") {
    jobs_away_ = words[0] == "away";
    return Round({});
  }
  if (words[0] != "taken" || words.size() != 3) return false;
  ports::TakeJobRecord take;
  take.job_id = words[1];
  take.user_id = words[2];
  take.content = last_content_;
  take.now = Wall();
  take.ttl = std::chrono::hours(24);
  jobs_.Take(take);
  return Round({});
}

bool Runner::Advance(const Words& words) {
  const auto duration = words.empty() ? std::nullopt : ToDuration(words[0]);
  if (!duration) return false;
  const base::Timestamp end = now_ + *duration;
  for (int rounds = 0; rounds < kMaxRoundsPerStep; ++rounds) {
    const auto deadline = core_->NextDeadline(now_);
    if (!deadline || *deadline > end) {
      now_ = end;
      return Round({});
    }
    now_ = std::max(now_, *deadline);
    Round({});
  }
  return false;
}

// ── what the core does
// ──────────────────────────────────────────────────────────────────────────────────

// An arbitrary date: the wall clock runs along with the steady one.
base::WallTime Runner::Wall() const {
  return base::WallTime(std::chrono::hours(24 * 365 * 50)) + now_.time_since_epoch();
}

bool Runner::Round(std::vector<ports::Event> events) {
  while (true) {
    const base::Now now{.steady = now_, .wall = Wall()};
    for (const ports::Command& command : core_->Handle(std::exchange(events, {}), now)) {
      Note(command);
    }
    if (auto reply = ReserveReply()) events.push_back(std::move(*reply));
    if (auto reply = pool_.open ? SyncReply() : std::nullopt) events.push_back(std::move(*reply));
    for (const model::ReleaseId release : std::exchange(releases_, {})) {
      events.emplace_back(ports::ClaimsReleased{.release = release, .outcome = {}});
    }
    for (ports::Event& event : std::exchange(kept_events_, {})) events.push_back(std::move(event));
    if (events.empty()) return true;
  }
}

void Runner::Note(const ports::Command& command) {
  if (const auto* start = std::get_if<ports::StartCall>(&command))
    return Print(provider_.Take(*start));
  if (const auto* sync = std::get_if<ports::SyncPermits>(&command)) return NoteSync(*sync);
  if (const auto* reserve = std::get_if<ports::ReserveCalls>(&command)) reserve_ = *reserve;
  if (const auto* lookup = std::get_if<ports::LookUpOutcomes>(&command))
    lookups_.push_back(*lookup);
  if (const auto* store = std::get_if<ports::StoreOutcomes>(&command))
    stores_.push_back(store->store);
  if (const auto* release = std::get_if<ports::ReleaseClaims>(&command))
    releases_.push_back(release->release);
  if (const auto* publish = std::get_if<ports::PublishRecord>(&command))
    publishes_.push_back(publish->publish);
  if (const auto* fetch = std::get_if<ports::FetchDocument>(&command))
    fetches_.emplace_back(fetch->place.name, fetch->fetch);
  if (const auto* commit = std::get_if<ports::CommitOffsets>(&command))
    commits_.push_back(commit->commit);
  if (const auto* transaction = std::get_if<ports::RunTransaction>(&command)) {
    transactions_.push_back(transaction->commit);
    transaction_records_.clear();
    for (const auto& each : transaction->records) transaction_records_.push_back(each.publish);
  }
  if (NoteKept(command)) return;
  const std::string line = Describe(command);
  if (!line.empty()) Print(line);
}

bool Runner::NoteKept(const ports::Command& command) {
  if (const auto* take = std::get_if<ports::TakeJobRecord>(&command)) {
    last_content_ = take->content;
    ports::JobRecordTaken event{.take = take->take, .outcome = Away()};
    if (!jobs_away_) event.outcome = jobs_.Take(*take);
    kept_events_.emplace_back(std::move(event));
    return true;
  }
  if (const auto* save = std::get_if<ports::SaveJobRecord>(&command)) {
    ports::JobRecordSaved event{.save = save->save, .outcome = Away()};
    if (!jobs_away_) event.outcome = jobs_.Save(*save);
    kept_events_.emplace_back(std::move(event));
    return true;
  }
  if (const auto* ask = std::get_if<ports::AskJobMember>(&command)) {
    ports::JobMemberTold event{.ask = ask->ask, .outcome = Away()};
    if (!jobs_away_) event.outcome = jobs_.Ask(*ask);
    kept_events_.emplace_back(std::move(event));
    return true;
  }
  if (const auto* ask = std::get_if<ports::CommandJobRecord>(&command)) {
    ports::JobCommanded event{.command = ask->command, .outcome = Away()};
    if (!jobs_away_) event.outcome = jobs_.Command(*ask);
    kept_events_.emplace_back(std::move(event));
    return true;
  }
  if (const auto* share = std::get_if<ports::ShareRatios>(&command)) {
    ports::RatiosShared event{.share = share->share, .ratios = Away()};
    if (!pool_.away) event.ratios = ratios_.Share(*share);
    kept_events_.emplace_back(std::move(event));
    return true;
  }
  return false;
}

// Renewals of the lease aren't shown.
void Runner::NoteSync(const ports::SyncPermits& sync) {
  sync_ = sync;
  std::int64_t released = 0;
  std::int64_t want = 0;
  pool_.granted.resize(sync.demands.size());
  for (std::size_t i = 0; i < sync.demands.size(); ++i) {
    const ports::PermitDemand& demand = sync.demands[i];
    released += demand.released_total;
    want += demand.want;
    // Begun while it was away.
    pool_.granted[i] = std::max(pool_.granted[i], demand.granted_known);
  }
  const std::int64_t given_back = released - pool_.released;
  if (given_back > 0) Print("give back permits: " + std::to_string(given_back));
  if (want > 0 && want != pool_.last_want) Print("ask for permits: " + std::to_string(want));
  pool_.last_want = want;
  pool_.free += given_back;
  pool_.released = released;
}

std::optional<ports::Event> Runner::ReserveReply() {
  if (!reserve_) return std::nullopt;
  const ports::ReserveCalls reserve = *std::exchange(reserve_, {});
  if (pool_.away) return ports::CallsReserved{.reserve = reserve.reserve, .outcome = Away()};
  return ports::CallsReserved{.reserve = reserve.reserve,
                              .outcome = limits_.Reserve({}, reserve, now_)};
}

std::optional<ports::Event> Runner::SyncReply() {
  if (!sync_) return std::nullopt;
  const ports::SyncPermits sync = *std::exchange(sync_, {});
  if (pool_.away) return ports::PermitsSynced{.sync = sync.sync, .outcome = Away()};
  ports::PermitState state;
  for (std::size_t i = 0; i < sync.demands.size(); ++i) {
    const std::int64_t grant = std::min(sync.demands[i].want, pool_.free);
    pool_.free -= grant;
    pool_.granted[i] += grant;
    pool_.last_want -= grant;
    state.grants.push_back(
        {.granted_total = pool_.granted[i], .released_total = sync.demands[i].released_total});
  }
  state.used.resize(sync.pools.size());
  return ports::PermitsSynced{.sync = sync.sync, .outcome = std::move(state)};
}

bool Runner::ShowStatus() {
  const pipeline::Status status = core_->GetStatus();
  for (const auto& each : status.assigned) {
    Print(ToString(each.partition) + ": committed " + std::to_string(each.committed) + ", open " +
          std::to_string(each.open) + (each.paused ? ", paused" : ""));
  }
  std::string calls = "calls:";
  for (const auto& [state, count] : status.calls)
    if (count > 0 || state != "waiting_for_limit")
      calls += " " + state + " " + std::to_string(count);
  Print(calls);
  std::string waiting;
  for (const auto& [reason, count] : status.waiting_for)
    if (count > 0) waiting += " " + reason + " " + std::to_string(count);
  if (status.calls.at("waiting_for_limit") > 0) Print("waiting for:" + waiting);
  Print("permits: held " + std::to_string(status.permits_held) + ", in use " +
        std::to_string(status.permits_in_use));
  Print("requests " + std::to_string(status.requests) + ", jobs " + std::to_string(status.jobs));
  for (const std::string& part : status.degraded) Print("degraded: " + part);
  if (core_->stopped()) Print("stopped");
  return true;
}

void Runner::Print(const std::string& line) { output_ += line + '\n'; }

}  // namespace llmbatch::scenarios
