#include "workflows/comparison/comparison_workflow.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"
#include "workflows/documents/paragraphs.h"
#include "workflows/job_input.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;
// Estimates may be too low, and names and wrapping need room as well.
constexpr double kUsedShareOfRoom = 0.75;
constexpr std::int64_t kWrappingTokens = 64;

std::int64_t UsableOf(std::int64_t room_tokens) {
  const auto usable =
      static_cast<std::int64_t>(kUsedShareOfRoom * static_cast<double>(room_tokens));
  return std::max(2 * kLeastPartTokens + kWrappingTokens, usable) - kWrappingTokens;
}

// "compare/0", or "compare/0/1of2/3of4".
std::string PathOf(std::size_t candidate, std::size_t standard_part, std::size_t standard_parts,
                   std::size_t part, std::size_t parts) {
  std::string path = "comparison/" + std::to_string(candidate);
  if (standard_parts == 1 && parts == 1) return path;
  return path + "/" + std::to_string(standard_part + 1) + "of" + std::to_string(standard_parts) +
         "/" + std::to_string(part + 1) + "of" + std::to_string(parts);
}

void WritePlace(json::Writer& writer, std::size_t part, std::size_t parts) {
  if (parts == 1) return;
  writer.Key("part").Int(static_cast<std::int64_t>(part) + 1);
  writer.Key("parts").Int(static_cast<std::int64_t>(parts));
}

}  // namespace

ComparisonWorkflow::ComparisonWorkflow(ComparisonRequest request, std::int64_t room_tokens)
    : request_(std::move(request)), room_tokens_(room_tokens) {
  candidates_.resize(request_.candidates.size());
  counts_.total = static_cast<std::int64_t>(candidates_.size());
  if (request_.standard.place) {
    elsewhere_.push_back(
        {.candidate = {}, .reference = ReferenceTo(request_.standard, "standard")});
  }
  for (std::size_t i = 0; i < request_.candidates.size(); ++i) {
    const Document& document = request_.candidates[i];
    if (!document.place) continue;
    elsewhere_.push_back(
        {.candidate = i,
         .reference = ReferenceTo(document, "candidates[" + std::to_string(i) + "]")});
  }
  to_fetch_ = elsewhere_.size();
  Reach(stages_, "queued", 0);
  Reach(stages_, "retrieving_data", 10);
  if (to_fetch_ == 0) Plan();
}

void ComparisonWorkflow::Plan() {
  const std::int64_t usable = UsableOf(room_tokens_);
  std::int64_t tokens = TokensOf(request_.standard.text);
  std::int64_t longest = 0;
  for (const Document& candidate : request_.candidates) {
    const std::int64_t each = TokensOf(candidate.text);
    longest = std::max(longest, each);
    tokens += each;
  }
  mode_ = ModeOfComparison(request_.force_batch, request_.candidates.size(), tokens);
  const std::int64_t standard = TokensOf(request_.standard.text);
  // The standard is told as a whole as long as that leaves half of the room to a candidate.
  const std::int64_t least_left = std::min(longest, usable / 2);
  standard_parts_ = standard <= usable - least_left
                        ? std::vector<std::string>{request_.standard.text}
                        : SplitText(request_.standard.text, usable / 2);
  std::int64_t told = 0;
  for (const std::string& part : standard_parts_) told = std::max(told, TokensOf(part));
  const std::int64_t left = std::max(kLeastPartTokens, usable - told);
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    Candidate& candidate = candidates_[i];
    if (candidate.outcome) continue;
    candidate.parts = SplitText(request_.candidates[i].text, left);
    candidate.open = candidate.parts.size() * standard_parts_.size();
  }
  // Of long documents in short parts there may be more than memory has room for.
  if (TooLong()) return;
  for (Candidate& candidate : candidates_) candidate.outcomes.resize(candidate.open);
}

std::vector<Reference> ComparisonWorkflow::references() const {
  std::vector<Reference> references;
  for (const Elsewhere& each : elsewhere_) references.push_back(each.reference);
  return references;
}

Steps ComparisonWorkflow::OnFetched(std::size_t reference, Fetched&& fetched) {
  LLMBATCH_CHECK(to_fetch_ > 0 && reference < elsewhere_.size());
  --to_fetch_;
  const auto candidate = elsewhere_[reference].candidate;
  if (fetched.error && !candidate) {
    FailAll(*fetched.error);
    return {};
  }
  if (fetched.error) {
    Fail(candidates_[*candidate], *fetched.error);
  } else {
    Document& document = candidate ? request_.candidates[*candidate] : request_.standard;
    document.text = std::move(fetched.text);
  }
  if (to_fetch_ > 0 || done()) return {};
  Plan();
  if (const auto why = TooLong()) {
    FailAll(model::ErrorOf(model::ErrorCode::kItemTooLarge, *why));
    return {};
  }
  return Ask();
}

void ComparisonWorkflow::Fail(Candidate& candidate, const model::ItemError& error) {
  model::ItemOutcome outcome;
  outcome.error = error;
  candidate.open = 0;
  candidate.outcomes.clear();
  Finish(candidate, std::move(outcome));
}

void ComparisonWorkflow::FailAll(const model::ItemError& error) {
  for (Candidate& candidate : candidates_)
    if (!candidate.outcome) Fail(candidate, error);
}

std::vector<std::size_t> ComparisonWorkflow::ReferencesOf(std::size_t candidate) const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < elsewhere_.size(); ++i)
    if (elsewhere_[i].candidate.value_or(candidate) == candidate) places.push_back(i);
  return places;
}

std::optional<std::string> ComparisonWorkflow::TooLong() const {
  if (part_steps() <= kMaxPartSteps && part_bytes() <= kMaxPartBytes) return std::nullopt;
  return "candidates: with the standard, too long for the prompts of this task: more than " +
         std::to_string(kMaxPartSteps) + " parts or " + std::to_string(kMaxPartBytes) + " bytes";
}

std::size_t ComparisonWorkflow::part_steps() const {
  std::size_t steps = 0;
  for (const Candidate& candidate : candidates_) steps += candidate.open;
  return steps;
}

std::size_t ComparisonWorkflow::part_bytes() const {
  std::size_t bytes = 0;
  for (const Document& candidate : request_.candidates)
    bytes += candidate.text.size() * standard_parts_.size();
  return bytes + request_.standard.text.size();
}

std::string ComparisonWorkflow::ContextOf(std::size_t standard_part) const {
  json::Writer writer;
  writer.BeginObject().Key("mode").String(request_.mode);
  writer.Key("standard").BeginObject().Key("id").String(request_.standard.id);
  WritePlace(writer, standard_part, standard_parts_.size());
  writer.Key("text").String(standard_parts_[standard_part]).EndObject();
  return writer.EndObject().Take();
}

Step ComparisonWorkflow::StepOf(std::size_t candidate, std::size_t standard_part,
                                std::size_t part) const {
  const std::vector<std::string>& parts = candidates_[candidate].parts;
  json::Writer input;
  input.BeginObject().Key("id").String(request_.candidates[candidate].id);
  WritePlace(input, part, parts.size());
  input.Key("text").String(parts[part]).EndObject();
  Step step;
  step.path = PathOf(candidate, standard_part, standard_parts_.size(), part, parts.size());
  step.id = request_.candidates[candidate].id;
  step.input = {.kind = model::ItemInput::Kind::kJson, .value = input.Take()};
  step.alone = real_time();
  step.references = ReferencesOf(candidate);
  return step;
}

Steps ComparisonWorkflow::Begin() { return to_fetch_ == 0 ? Ask() : Steps(); }

Steps ComparisonWorkflow::Ask() {
  Reach(stages_, "generating_prompt", 30);
  Reach(stages_, "calling_llm", 50);
  Steps steps;
  for (std::size_t s = 0; s < standard_parts_.size(); ++s) {
    const auto company = std::make_shared<const model::Company>(
        model::Company{.name = "standard/" + std::to_string(s), .context_json = ContextOf(s)});
    for (std::size_t c = 0; c < candidates_.size(); ++c) {
      for (std::size_t p = 0; p < candidates_[c].parts.size(); ++p) {
        steps.push_back(StepOf(c, s, p));
        steps.back().company = company;
        asked_.push_back({.candidate = c, .part = s * candidates_[c].parts.size() + p});
      }
    }
  }
  return steps;
}

Step ComparisonWorkflow::MergeOf(std::size_t candidate) const {
  json::Writer input;
  input.BeginObject().Key("id").String(request_.candidates[candidate].id);
  input.Key("mode").String(request_.mode);
  input.Key("parts");
  WriteParts(input, candidates_[candidate]);
  input.EndObject();
  Step step;
  step.path = PathOf(candidate, 0, 1, 0, 1) + "/merge";
  step.id = request_.candidates[candidate].id;
  step.input = {.kind = model::ItemInput::Kind::kJson, .value = input.Take()};
  step.alone = true;
  step.kind = kMergeStep;
  step.references = ReferencesOf(candidate);
  return step;
}

Steps ComparisonWorkflow::OnOutcome(std::size_t step, model::ItemResult result) {
  LLMBATCH_CHECK(step < asked_.size());
  const Asked asked = asked_[step];
  Candidate& candidate = candidates_[asked.candidate];
  if (!asked.part) {
    Finish(candidate, std::move(result.outcome));
    return {};
  }
  LLMBATCH_CHECK(candidate.open > 0);
  candidate.outcomes[*asked.part] = std::move(result.outcome);
  if (--candidate.open > 0) return {};
  const bool none =
      std::none_of(candidate.outcomes.begin(), candidate.outcomes.end(),
                   [](const auto& outcome) { return outcome.status == model::ResultStatus::kOk; });
  if (IsWhole(candidate) || none) {
    Finish(candidate, candidate.outcomes.front());
    return {};
  }
  Steps steps;
  steps.push_back(MergeOf(asked.candidate));
  asked_.push_back({.candidate = asked.candidate, .part = {}});
  return steps;
}

void ComparisonWorkflow::Finish(Candidate& candidate, model::ItemOutcome outcome) {
  ++counts_.done;
  if (outcome.status == model::ResultStatus::kError) {
    ++counts_.failed;
    if (!first_error_) first_error_ = outcome.error;
  } else if (outcome.source != model::ResultSource::kGenerated) {
    ++counts_.cached;
  }
  candidate.outcome = std::move(outcome);
  if (!done()) return;
  Reach(stages_, "processing_results", 80);
  Reach(stages_, "saving_results", 90);
}

jobs::Standing ComparisonWorkflow::standing() const {
  return {.step = stages_.back().step,
          .percent = done() ? kWholePercent : stages_.back().percent,
          .message = std::to_string(counts_.done) + " of " + std::to_string(counts_.total) +
                     " candidates compared",
          .items = counts_,
          .stages = stages_,
          .facts = mode_ ? mode_->Told() : std::vector<model::SummaryMember>()};
}

void ComparisonWorkflow::WriteParts(json::Writer& writer, const Candidate& candidate) const {
  writer.BeginArray();
  for (std::size_t i = 0; i < candidate.outcomes.size(); ++i) {
    const model::ItemOutcome& outcome = candidate.outcomes[i];
    const auto parts = candidate.parts.size();
    writer.BeginObject();
    writer.Key("standard_part").Int(static_cast<std::int64_t>(i / parts) + 1);
    writer.Key("candidate_part").Int(static_cast<std::int64_t>(i % parts) + 1);
    writer.Key("status").String(model::ToString(outcome.status));
    writer.Key("output");
    outcome.output_json.empty() ? writer.Null() : writer.Raw(outcome.output_json);
    wire::WriteError(writer, outcome.error);
    writer.EndObject();
  }
  writer.EndArray();
}

std::string ComparisonWorkflow::ResultOf(std::size_t index,
                                         const model::ItemError& unfinished) const {
  const Candidate& candidate = candidates_[index];
  model::ItemOutcome open;
  open.error = unfinished;
  const model::ItemOutcome& outcome = candidate.outcome ? *candidate.outcome : open;
  json::Writer writer;
  writer.BeginObject();
  writer.Key("id").String(request_.candidates[index].id);
  writer.Key("status").String(model::ToString(outcome.status));
  // By the task's schema: differences, clauses, risk, summary.
  constexpr std::array<std::string_view, 4> kOwn{"id", "status", "error", "parts"};
  const auto output =
      json::Document::Parse(outcome.output_json.empty() ? "null" : outcome.output_json);
  for (std::size_t i = 0;
       output && output->root().is(json::Kind::kObject) && i < output->root().size(); ++i) {
    const json::Member member = output->root().MemberAt(i);
    if (std::find(kOwn.begin(), kOwn.end(), member.name) == kOwn.end())
      writer.Key(member.name).Raw(member.value.ToJson());
  }
  wire::WriteError(writer, outcome.error);
  if (!IsWhole(candidate) && candidate.open == 0) {
    writer.Key("parts");
    WriteParts(writer, candidate);
  }
  return writer.EndObject().Take();
}

jobs::Ending ComparisonWorkflow::End(const jobs::Totals& totals,
                                     const model::ItemError& unfinished) {
  jobs::Ending ending;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!candidates_[i].outcome) ++counts_.failed;
    ending.results.push_back(ResultOf(i, unfinished));
  }
  const bool all_failed = counts_.failed == counts_.total;
  ending.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  ending.partial = counts_.failed > 0 && !all_failed;
  if (all_failed) ending.error = first_error_ ? first_error_ : unfinished;
  const std::int64_t answered = counts_.total - counts_.failed;
  ending.efficiency =
      totals.calls == 0 ? 0 : static_cast<double>(answered) / static_cast<double>(totals.calls);
  if (mode_) ending.summary = mode_->Told();
  return ending;
}

Made MakeComparison(model::Job& job, const model::Task& task, std::int64_t room_tokens) {
  if (!task.steps.contains(std::string(kMergeStep))) {
    return wire::Malformed{.reason = wire::MalformedReason::kInvalidValue,
                           .detail = "task: has no steps." + std::string(kMergeStep)};
  }
  const json::Document document = ParseInput(job);
  auto request = ReadComparisonRequest(document.root());
  if (auto* malformed = std::get_if<wire::Malformed>(&request)) return std::move(*malformed);
  auto workflow = std::make_unique<ComparisonWorkflow>(
      std::get<ComparisonRequest>(std::move(request)), room_tokens);
  if (auto why = workflow->TooLong()) {
    return wire::Malformed{.reason = wire::MalformedReason::kTooLarge, .detail = *std::move(why)};
  }
  return workflow;
}

}  // namespace llmbatch::workflows
