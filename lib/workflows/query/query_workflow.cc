#include "workflows/query/query_workflow.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"
#include "workflows/documents/paragraphs.h"
#include "workflows/documents/quotation.h"
#include "workflows/job_input.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;
constexpr int kRetrievalBegins = 10;
constexpr int kRetrievalEnds = 30;
// Estimates may be too low, and names and wrapping need room as well.
constexpr double kUsedShareOfRoom = 0.75;
constexpr std::int64_t kWrappingTokens = 32;  // of a document

std::string PathOf(std::size_t group, std::size_t groups) {
  if (groups == 1) return "query";
  return "query/" + std::to_string(group + 1) + "of" + std::to_string(groups);
}

}  // namespace

QueryWorkflow::QueryWorkflow(QueryRequest request, std::int64_t room_tokens)
    : request_(std::move(request)), room_tokens_(room_tokens) {
  for (std::size_t i = 0; i < request_.documents.size(); ++i)
    if (request_.documents[i].place) elsewhere_.push_back(i);
  Reach(stages_, "queued", 0);
  Reach(stages_, "retrieving_data", kRetrievalBegins);
  for (std::size_t i = elsewhere_.size(); i < request_.documents.size(); ++i) NoteRetrieved();
  if (elsewhere_.empty()) Plan();
}

void QueryWorkflow::NoteRetrieved() {
  const auto count = static_cast<int>(request_.documents.size());
  const int percent = kRetrievalBegins +
                      (kRetrievalEnds - kRetrievalBegins) * static_cast<int>(++retrieved_) / count;
  Reach(stages_, "retrieving_data", percent);
}

void QueryWorkflow::Plan() {
  std::int64_t tokens = 0;
  for (const Document& document : request_.documents) tokens += TokensOf(document.text);
  mode_ = ModeOfQuery(request_.force_batch, request_.estimated_tokens.value_or(tokens));
  const auto usable =
      static_cast<std::int64_t>(kUsedShareOfRoom * static_cast<double>(room_tokens_)) -
      TokensOf(request_.question);
  const std::int64_t room = std::max(kLeastPartTokens + kWrappingTokens, usable);
  std::int64_t left = 0;
  for (Piece& piece : Pieces(room - kWrappingTokens)) {
    const std::int64_t needed = TokensOf(piece.text) + kWrappingTokens;
    if (groups_.empty() || needed > left) {
      groups_.emplace_back();
      left = room;
    }
    left -= needed;
    groups_.back().push_back(std::move(piece));
  }
  outcomes_.resize(groups_.size());
  open_ = groups_.size();
}

std::vector<Reference> QueryWorkflow::references() const {
  std::vector<Reference> references;
  for (const std::size_t i : elsewhere_) {
    const std::string field = "documents[" + std::to_string(i) + "]";
    references.push_back(ReferenceTo(request_.documents[i], field));
  }
  return references;
}

Steps QueryWorkflow::OnFetched(std::size_t reference, Fetched&& fetched) {
  LLMBATCH_CHECK(reference < elsewhere_.size() && retrieved_ < request_.documents.size());
  if (fetched.error) {
    Fail(*std::move(fetched.error));
    return {};
  }
  request_.documents[elsewhere_[reference]].text = std::move(fetched.text);
  NoteRetrieved();
  if (retrieved_ < request_.documents.size()) return {};
  Plan();
  if (auto why = TooLong()) {
    Fail(model::ErrorOf(model::ErrorCode::kItemTooLarge, *std::move(why)));
    return {};
  }
  return Ask();
}

void QueryWorkflow::Fail(model::ItemError error) {
  model::ItemOutcome outcome;
  outcome.error = std::move(error);
  groups_.clear();
  outcomes_.clear();
  open_ = 0;
  Finish(std::move(outcome));
}

std::vector<std::size_t> QueryWorkflow::ReferencesOf(const Group& group) const {
  std::vector<std::size_t> places;
  for (const Piece& piece : group) {
    const auto found = std::lower_bound(elsewhere_.begin(), elsewhere_.end(), piece.document);
    if (found != elsewhere_.end() && *found == piece.document)
      places.push_back(static_cast<std::size_t>(found - elsewhere_.begin()));
  }
  return places;
}

std::optional<std::string> QueryWorkflow::TooLong() const {
  if (groups_.size() <= kMaxQueryGroups) return std::nullopt;
  return "documents: need more than " + std::to_string(kMaxQueryGroups) + " prompts of this task";
}

std::vector<QueryWorkflow::Piece> QueryWorkflow::Pieces(std::int64_t room_tokens) const {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < request_.documents.size(); ++i) {
    std::vector<std::string> parts = SplitText(request_.documents[i].text, room_tokens);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      pieces.push_back(
          {.document = i, .part = part, .parts = parts.size(), .text = std::move(parts[part])});
    }
  }
  return pieces;
}

Step QueryWorkflow::StepOf(std::size_t group) const {
  json::Writer input;
  input.BeginObject().Key("question").String(request_.question);
  input.Key("documents").BeginArray();
  for (const Piece& piece : groups_[group]) {
    input.BeginObject().Key("document").String(request_.documents[piece.document].id);
    if (piece.parts > 1) {
      input.Key("part").Int(static_cast<std::int64_t>(piece.part) + 1);
      input.Key("parts").Int(static_cast<std::int64_t>(piece.parts));
    }
    input.Key("text").String(piece.text).EndObject();
  }
  input.EndArray().EndObject();
  Step step;
  step.path = PathOf(group, groups_.size());
  step.id = groups_.size() == 1 ? "query" : "part " + std::to_string(group + 1);
  step.input = {.kind = model::ItemInput::Kind::kJson, .value = input.Take()};
  step.alone = true;
  step.references = ReferencesOf(groups_[group]);
  return step;
}

Steps QueryWorkflow::Begin() { return elsewhere_.empty() ? Ask() : Steps(); }

Steps QueryWorkflow::Ask() {
  Reach(stages_, "generating_prompt", 35);
  Reach(stages_, "calling_llm", 50);
  Steps steps;
  for (std::size_t i = 0; i < groups_.size(); ++i) steps.push_back(StepOf(i));
  return steps;
}

Step QueryWorkflow::Merge() const {
  json::Writer input;
  input.BeginObject().Key("question").String(request_.question);
  input.Key("answers").BeginArray();
  for (const model::ItemOutcome& outcome : outcomes_)
    if (outcome.status == model::ResultStatus::kOk) input.Raw(outcome.output_json);
  input.EndArray().EndObject();
  Step step;
  step.path = "query/merge";
  step.id = "merge";
  step.input = {.kind = model::ItemInput::Kind::kJson, .value = input.Take()};
  step.alone = true;
  step.kind = kMergeStep;
  for (std::size_t i = 0; i < elsewhere_.size(); ++i) step.references.push_back(i);
  return step;
}

Steps QueryWorkflow::OnOutcome(std::size_t step, model::ItemResult result) {
  if (step >= groups_.size()) {
    Finish(std::move(result.outcome));
    return {};
  }
  LLMBATCH_CHECK(open_ > 0);
  if (result.outcome.status == model::ResultStatus::kOk) ++answered_groups_;
  outcomes_[step] = std::move(result.outcome);
  if (--open_ > 0) return {};
  if (groups_.size() == 1 || answered_groups_ == 0) {
    Finish(outcomes_.front());
    return {};
  }
  Steps steps;
  steps.push_back(Merge());
  return steps;
}

void QueryWorkflow::Finish(model::ItemOutcome outcome) {
  outcome_ = std::move(outcome);
  Reach(stages_, "saving_results", 90);
}

jobs::Standing QueryWorkflow::standing() const {
  model::ItemCounts counts{.total = 1, .done = 0, .failed = 0, .cached = 0};
  if (outcome_) {
    counts.done = 1;
    counts.failed = outcome_->status == model::ResultStatus::kError ? 1 : 0;
    counts.cached =
        counts.failed == 0 && outcome_->source != model::ResultSource::kGenerated ? 1 : 0;
  }
  return {.step = stages_.back().step,
          .percent = done() ? kWholePercent : stages_.back().percent,
          .message = groups_.empty()
                         ? std::to_string(retrieved_) + " of " +
                               std::to_string(request_.documents.size()) + " documents retrieved"
                         : std::to_string(groups_.size() - open_) + " of " +
                               std::to_string(groups_.size()) + " parts asked",
          .items = counts,
          .stages = stages_,
          .facts = mode_ ? mode_->Told() : std::vector<model::SummaryMember>()};
}

jobs::Ending QueryWorkflow::End(const jobs::Totals& totals, const model::ItemError& unfinished) {
  if (!outcome_) {
    outcome_.emplace();
    outcome_->error = unfinished;
  }
  Quotations quotations(request_.documents);
  const auto write = [&quotations](json::Writer& writer, const model::ItemOutcome& outcome) {
    constexpr std::array<std::string_view, 3> kOwn{"status", "error", "parts"};
    writer.Key("status").String(model::ToString(outcome.status));
    const auto output = json::Document::Parse(outcome.output_json);
    if (output) quotations.WriteChecked(writer, output->root(), kOwn);
    wire::WriteError(writer, outcome.error);
  };
  json::Writer writer;
  writer.BeginObject();
  write(writer, *outcome_);
  if (groups_.size() > 1 && open_ == 0) {
    writer.Key("parts").BeginArray();
    for (const model::ItemOutcome& outcome : outcomes_) {
      writer.BeginObject();
      write(writer, outcome);
      writer.EndObject();
    }
    writer.EndArray();
  }
  jobs::Ending ending;
  ending.results.push_back(writer.EndObject().Take());
  const bool failed = outcome_->status == model::ResultStatus::kError;
  ending.status = failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  // Some of the documents had no say.
  ending.partial = !failed && answered_groups_ < static_cast<std::int64_t>(groups_.size());
  if (failed) ending.error = outcome_->error;
  ending.efficiency = totals.calls == 0 || failed ? 0 : 1 / static_cast<double>(totals.calls);
  if (mode_) ending.summary = mode_->Told();
  return ending;
}

Made MakeQuery(model::Job& job, const model::Task& task, std::int64_t room_tokens) {
  if (!task.steps.contains(std::string(kMergeStep))) {
    return wire::Malformed{.reason = wire::MalformedReason::kInvalidValue,
                           .detail = "task: has no steps." + std::string(kMergeStep)};
  }
  const json::Document document = ParseInput(job);
  auto request = ReadQueryRequest(document.root());
  if (auto* malformed = std::get_if<wire::Malformed>(&request)) return std::move(*malformed);
  auto workflow =
      std::make_unique<QueryWorkflow>(std::get<QueryRequest>(std::move(request)), room_tokens);
  if (auto why = workflow->TooLong()) {
    return wire::Malformed{.reason = wire::MalformedReason::kTooLarge, .detail = *std::move(why)};
  }
  return workflow;
}

}  // namespace llmbatch::workflows
