#include "workflows/classification/classification_workflow.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"
#include "workflows/classification/sampling.h"
#include "workflows/job_input.h"

namespace llmbatch::workflows {
namespace {

constexpr std::string_view kSessionsRef = "sessions_ref";
constexpr int kMostTries = 3;
// Shares of the whole, in percent.
constexpr int kDiscoveryEnd = 15;
constexpr int kRoundsEnd = 90;
constexpr int kConflictsEnd = 98;
constexpr int kWholePercent = 100;

int Between(int from, int to, std::int64_t done, std::int64_t total) {
  if (total <= 0) return from;
  return from + static_cast<int>((to - from) * std::min(done, total) / total);
}

model::SummaryMember Member(std::string name, std::string json) {
  return {.name = std::move(name), .json = std::move(json)};
}

}  // namespace

ClassificationWorkflow::ClassificationWorkflow(ClassificationRequest request,
                                               const model::Task& task)
    : request_(std::move(request)),
      // At most half of the prompt, with few characters to a token.
      known_bytes_(static_cast<std::size_t>(task.max_batch_tokens)),
      streams_(request_.config),
      stream_expenses_(streams_.count()),
      stream_sessions_(streams_.count()) {
  if (!request_.sessions_place) Prepare();
}

void ClassificationWorkflow::Prepare() {
  answers_.resize(request_.sessions.size());
  sample_ = DiverseSample(request_.sessions, SampleSize(request_.sessions.size(), request_.config),
                          static_cast<std::uint64_t>(request_.config.seed));
  counts_.total = static_cast<std::int64_t>(request_.sessions.size());
}

Steps ClassificationWorkflow::Begin() {
  if (request_.sessions_place) return {};
  return Discover();
}

std::vector<Reference> ClassificationWorkflow::references() const {
  if (!request_.sessions_place) return {};
  return {
      {.field = std::string(kSessionsRef), .document_id = {}, .place = *request_.sessions_place}};
}

Steps ClassificationWorkflow::OnFetched(std::size_t, Fetched&& fetched) {
  if (!fetched.error) {
    auto sessions = ReadListedSessions(fetched.text);
    if (auto* all = std::get_if<std::vector<Session>>(&sessions)) {
      request_.sessions = std::move(*all);
      Prepare();
      return Discover();
    }
    fetched.error =
        model::ErrorOf(model::ErrorCode::kInvalidMessage,
                       std::string(kSessionsRef) + ": " + std::get<std::string>(sessions));
  }
  first_error_ = std::move(fetched.error);
  phase_ = Phase::kDone;
  return {};
}

std::vector<std::size_t> ClassificationWorkflow::StepReferences() const {
  if (!request_.sessions_place) return {};
  return {0};
}

Steps ClassificationWorkflow::Ask(const std::vector<Streams::Hand>& hands,
                                  const std::string& company) {
  Steps steps;
  const std::string known = "{\"known\":" + catalogue_.KnownJson(known_bytes_) + "}";
  for (const Streams::Hand& hand : hands) {
    const auto together = std::make_shared<const model::Company>(
        model::Company{.name = company + "/" + std::to_string(hand.stream), .context_json = known});
    for (const std::size_t session : hand.sessions) {
      const Session& each = request_.sessions[session];
      Step step;
      step.path = "classification/" + std::to_string(session) + "/" +
                  std::to_string(answers_[session].tries++);
      step.id = each.user_id;
      step.input = {.kind = model::ItemInput::Kind::kJson, .value = each.json};
      step.company = together;
      step.references = StepReferences();
      steps.push_back(std::move(step));
      asked_.push_back({.is_session = true, .subject = session, .stream = hand.stream});
    }
  }
  open_ += steps.size();
  return steps;
}

Steps ClassificationWorkflow::Discover() {
  const auto each = static_cast<std::size_t>(request_.config.discovery_sessions_per_call);
  const std::size_t end = std::min(sample_.size(), discovered_ + each);
  Streams::Hand hand;
  for (; discovered_ < end; ++discovered_) hand.sessions.push_back(sample_[discovered_]);
  return Ask({hand}, "discovery");
}

Steps ClassificationWorkflow::NextRound() {
  round_expense_.clear();
  const auto hands = streams_.Deal();
  return Ask(hands, "round " + std::to_string(streams_.rounds()));
}

Steps ClassificationWorkflow::ResolveConflicts() {
  Steps steps;
  for (std::size_t kind = 0; kind < kClassificationKindCount; ++kind) {
    unique_[kind] = catalogue_.Names(kind);
    if (unique_[kind].size() < 2) continue;
    json::Writer input;
    input.BeginObject().Key("kind").String(kClassificationKinds[kind].list);
    input.Key("classifications").BeginArray();
    for (const std::string& name : unique_[kind]) input.String(name);
    input.EndArray().EndObject();
    Step step;
    step.path = "classification/conflicts/" + std::string(kClassificationKinds[kind].list);
    step.id = kClassificationKinds[kind].list;
    step.input = {.kind = model::ItemInput::Kind::kJson, .value = input.Take()};
    step.alone = true;
    step.kind = kResolveStep;
    step.references = StepReferences();
    steps.push_back(std::move(step));
    asked_.push_back({.is_session = false, .subject = kind, .stream = 0});
  }
  open_ += steps.size();
  conflicts_asked_ = static_cast<std::int64_t>(steps.size());
  return steps;
}

// What follows when no step is open.
Steps ClassificationWorkflow::Next() {
  if (phase_ == Phase::kDiscovery) {
    if (discovered_ < sample_.size()) return Discover();
    json::Writer base;
    catalogue_.Write(base);
    base_json_ = base.Take();
    base_names_ = catalogue_.size();
    done_by_discovery_ = counts_.done;
    phase_ = Phase::kRounds;
    std::vector<bool> in_sample(answers_.size());
    for (const std::size_t session : sample_) in_sample[session] = true;
    // Those of the sample that got no answer wait behind the rest.
    for (std::size_t i = 0; i < answers_.size(); ++i) {
      if (!in_sample[i]) streams_.Add(i);
    }
    DealAgain();
  } else if (phase_ == Phase::kRounds) {
    Synchronise();
  }
  if (phase_ == Phase::kRounds) {
    if (!streams_.empty()) return NextRound();
    phase_ = Phase::kConflicts;
    Steps steps = ResolveConflicts();
    if (!steps.empty()) return steps;
  }
  MapNames();
  phase_ = Phase::kDone;
  return {};
}

bool ClassificationWorkflow::MayTryAgain(const Answer& answer,
                                         const model::ItemOutcome& outcome) const {
  if (!outcome.error || answer.tries >= kMostTries) return false;
  const model::ErrorCode code = outcome.error->code;
  return code == model::ErrorCode::kProviderUnavailable || code == model::ErrorCode::kInternal;
}

void ClassificationWorkflow::Take(const Asked& asked, model::ItemOutcome outcome) {
  if (phase_ == Phase::kDiscovery) {
    discovery_expense_.Add(outcome);
  } else {
    rounds_expense_.Add(outcome);
    stream_expenses_[asked.stream].Add(outcome);
    round_expense_[asked.stream].Add(outcome);
    ++stream_sessions_[asked.stream];
  }
  Answer& answer = answers_[asked.subject];
  if (MayTryAgain(answer, outcome)) {
    ++retries_;
    failed_.insert(asked.stream);
    again_.push_back(asked.subject);
    return;
  }
  answer.final = true;
  ++counts_.done;
  switch (outcome.status) {
    case model::ResultStatus::kOk:
      if (outcome.source != model::ResultSource::kGenerated) ++counts_.cached;
      answer.facts = FactsOf(outcome.output_json);
      catalogue_.Add(answer.facts);
      break;
    case model::ResultStatus::kFallback:
      ++fallbacks_;
      break;
    case model::ResultStatus::kError:
      ++counts_.failed;
      if (!first_error_) first_error_ = outcome.error;
      break;
  }
  answer.outcome = std::move(outcome);
}

// In the order of the sessions, whatever the order of the outcomes was.
void ClassificationWorkflow::DealAgain() {
  std::sort(again_.begin(), again_.end());
  for (const std::size_t session : again_) streams_.Add(session);
  again_.clear();
  failed_.clear();
}

void ClassificationWorkflow::Synchronise() {
  base::Duration longest{};
  base::Duration sum{};
  for (auto& [stream, expense] : round_expense_) {
    const base::Duration time = expense.call_time();
    longest = std::max(longest, time);
    sum += time;
    if (failed_.contains(stream)) {
      streams_.Failed(stream);
    } else {
      streams_.Succeeded(stream);
    }
  }
  const double possible = base::ToSeconds(longest) * static_cast<double>(streams_.count());
  utilisation_sum_ += possible > 0 ? base::ToSeconds(sum) / possible : 0;
  ++sync_points_;
  DealAgain();
}

Steps ClassificationWorkflow::OnOutcome(std::size_t step, model::ItemResult result) {
  LLMBATCH_CHECK(step < asked_.size() && open_ > 0);
  const Asked asked = asked_[step];
  --open_;
  if (asked.is_session) {
    Take(asked, std::move(result.outcome));
  } else {
    TakeResolutions(asked.subject, result.outcome);
  }
  if (open_ > 0) return {};
  return Next();
}

void ClassificationWorkflow::TakeResolutions(std::size_t kind, const model::ItemOutcome& outcome) {
  ++conflicts_answered_;
  conflicts_expense_.Add(outcome);
  if (outcome.status != model::ResultStatus::kOk) {
    ++conflicts_unanswered_;
    return;
  }
  Resolutions resolutions = ReadResolutions(outcome.output_json, unique_[kind]);
  conflicts_found_ += resolutions.found;
  resolutions_[kind] = std::move(resolutions.applied);
}

void ClassificationWorkflow::MapNames() {
  Catalogue mapped;
  for (std::size_t kind = 0; kind < kClassificationKindCount; ++kind) {
    const auto mapping = MappingOf(resolutions_[kind]);
    for (Answer& answer : answers_) {
      const auto canonical = mapping.find(answer.facts[kind]);
      if (canonical != mapping.end()) answer.facts[kind] = canonical->second;
    }
  }
  for (const Answer& answer : answers_) mapped.Add(answer.facts);
  catalogue_ = std::move(mapped);
}

jobs::Standing ClassificationWorkflow::standing() const {
  const auto sample = static_cast<std::int64_t>(sample_.size());
  jobs::Standing standing{.step = {}, .percent = 0, .message = {}, .items = counts_};
  standing.message = std::to_string(counts_.done) + " of " + std::to_string(counts_.total) +
                     " sessions done, " + std::to_string(catalogue_.size()) + " classifications";
  if (answers_.empty() && phase_ != Phase::kDone)
    standing.message = "the sessions are being fetched";
  switch (phase_) {
    case Phase::kDiscovery:
      standing.step = "discovery";
      standing.percent = Between(0, kDiscoveryEnd, counts_.done, sample);
      break;
    case Phase::kRounds:
      standing.step = "rounds";
      standing.percent = Between(kDiscoveryEnd, kRoundsEnd, counts_.done - done_by_discovery_,
                                 counts_.total - done_by_discovery_);
      break;
    case Phase::kConflicts:
      standing.step = "conflicts";
      standing.percent = Between(kRoundsEnd, kConflictsEnd, conflicts_answered_, conflicts_asked_);
      break;
    case Phase::kDone:
      standing.step = "done";
      standing.percent = kWholePercent;
  }
  return standing;
}

std::string ClassificationWorkflow::ResultOf(std::size_t session,
                                             const model::ItemError& unfinished) const {
  const Answer& answer = answers_[session];
  const model::ItemOutcome& outcome = answer.outcome;
  json::Writer writer;
  writer.BeginObject();
  writer.Key("session").Int(static_cast<std::int64_t>(session));
  writer.Key("user_id").String(request_.sessions[session].user_id);
  writer.Key("status").String(model::ToString(outcome.status));
  writer.Key("facts");
  if (outcome.output_json.empty()) {
    writer.Null();
  } else if (outcome.status == model::ResultStatus::kOk) {
    writer.Raw(WithFacts(outcome.output_json, answer.facts));
  } else {
    writer.Raw(outcome.output_json);
  }
  wire::WriteError(writer, answer.final ? outcome.error : std::optional(unfinished));
  return writer.EndObject().Take();
}

std::string ClassificationWorkflow::Stats() const {
  std::int64_t resolved = 0;
  std::int64_t mappings = 0;
  for (const auto& of_kind : resolutions_) {
    resolved += static_cast<std::int64_t>(of_kind.size());
    for (const Resolution& each : of_kind)
      mappings += static_cast<std::int64_t>(each.aliases.size());
  }
  const auto sample = static_cast<double>(std::max<std::size_t>(1, sample_.size()));
  const auto rounds = static_cast<double>(streams_.rounds());
  json::Writer writer;
  writer.BeginObject();
  writer.Key("discovery_sessions").Int(static_cast<std::int64_t>(sample_.size()));
  writer.Key("discovery_classifications").Int(base_names_);
  writer.Key("discovery_rate").Double(static_cast<double>(base_names_) / sample);
  writer.Key("rounds").Int(streams_.rounds());
  writer.Key("sync_points").Int(sync_points_);
  writer.Key("streams").Int(static_cast<std::int64_t>(streams_.count()));
  writer.Key("stream_utilisation").Double(rounds > 0 ? utilisation_sum_ / rounds : 0);
  writer.Key("retries").Int(retries_);
  writer.Key("fallback_count").Int(fallbacks_);
  writer.Key("failed_count").Int(counts_.failed);
  writer.Key("conflicts_found").Int(conflicts_found_);
  writer.Key("conflicts_resolved").Int(resolved);
  writer.Key("mappings").Int(mappings);
  writer.Key("kinds_not_compared").Int(conflicts_unanswered_);
  return writer.EndObject().Take();
}

std::vector<model::SummaryMember> ClassificationWorkflow::Summary() const {
  json::Writer names;
  catalogue_.Write(names);
  json::Writer resolutions;
  resolutions.BeginArray();
  for (std::size_t kind = 0; kind < kClassificationKindCount; ++kind) {
    for (const Resolution& each : resolutions_[kind]) {
      resolutions.BeginObject().Key("kind").String(kClassificationKinds[kind].list);
      resolutions.Key("canonical").String(each.canonical).Key("aliases").BeginArray();
      for (const std::string& alias : each.aliases) resolutions.String(alias);
      resolutions.EndArray().EndObject();
    }
  }
  resolutions.EndArray();
  json::Writer phases;
  phases.BeginObject();
  for (const auto& [name, expense] :
       {std::pair{"discovery", &discovery_expense_}, std::pair{"rounds", &rounds_expense_},
        std::pair{"conflicts", &conflicts_expense_}}) {
    phases.Key(name).BeginObject();
    expense->Write(phases);
    phases.EndObject();
  }
  phases.EndObject();
  json::Writer streams;
  streams.BeginArray();
  for (std::size_t i = 0; i < streams_.count(); ++i) {
    streams.BeginObject().Key("sessions").Int(stream_sessions_[i]);
    stream_expenses_[i].Write(streams);
    streams.EndObject();
  }
  streams.EndArray();
  return {Member("classifications", names.Take()),
          Member("base_classifications", base_json_.empty() ? "null" : base_json_),
          Member("resolutions", resolutions.Take()),
          Member("stats", Stats()),
          Member("phases", phases.Take()),
          Member("streams", streams.Take())};
}

jobs::Ending ClassificationWorkflow::End(const jobs::Totals& totals,
                                         const model::ItemError& unfinished) {
  if (phase_ != Phase::kDone) MapNames();
  jobs::Ending ending;
  for (std::size_t i = 0; i < answers_.size(); ++i) {
    if (!answers_[i].final) ++counts_.failed;
    ending.results.push_back(ResultOf(i, unfinished));
  }
  const bool all_failed = counts_.failed == counts_.total;
  ending.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  ending.partial = counts_.failed > 0 && !all_failed;
  if (all_failed) ending.error = first_error_ ? first_error_ : unfinished;
  ending.summary = Summary();
  // How much of the time was saved by what ran side by side.
  const base::Duration called =
      discovery_expense_.call_time() + rounds_expense_.call_time() + conflicts_expense_.call_time();
  const double possible = base::ToSeconds(totals.elapsed) * static_cast<double>(streams_.count());
  if (possible > 0) ending.efficiency = std::min(1.0, base::ToSeconds(called) / possible);
  return ending;
}

Made MakeClassification(model::Job& job, const model::Task& task, std::int64_t) {
  if (!task.steps.contains(std::string(kResolveStep))) {
    return wire::Malformed{.reason = wire::MalformedReason::kInvalidValue,
                           .detail = "task: has no steps." + std::string(kResolveStep)};
  }
  const json::Document document = ParseInput(job);
  auto request = ReadClassificationRequest(document.root());
  if (auto* malformed = std::get_if<wire::Malformed>(&request)) return std::move(*malformed);
  return std::make_unique<ClassificationWorkflow>(
      std::get<ClassificationRequest>(std::move(request)), task);
}

}  // namespace llmbatch::workflows
