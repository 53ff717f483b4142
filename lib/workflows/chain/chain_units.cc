#include "workflows/chain/chain_units.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/utf8.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"
#include "workflows/chain/chain_prompts.h"
#include "workflows/job_input.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;
// Units vary in size: a batch is planned to need no more than this part of the output limit.
constexpr double kPlannedShareOfOutputLimit = 0.8;
constexpr double kLearningRate = 0.5;
constexpr std::size_t kMaxOutlineBytes = 160;  // of one unit
// What the model is told when it is asked again.
constexpr const char* kProblem = "the last answer had no unit of the form that was asked for";

// What a unit begins with: its first text, or the front of it all.
std::string OutlineOf(const std::string& unit_json) {
  const auto document = json::Document::Parse(unit_json);
  if (!document) return {};
  const json::Value unit = document->root();
  std::string_view front = unit_json;
  for (std::size_t i = 0; unit.is(json::Kind::kObject) && i < unit.size(); ++i) {
    const json::Value value = unit.MemberAt(i).value;
    if (!value.is(json::Kind::kString)) continue;
    front = value.AsString();
    break;
  }
  return json::Quote(base::TruncateUtf8(front, kMaxOutlineBytes));
}

// The last `window` elements of the unit's longest list, or the unit if it has none.
std::string WindowOf(const std::string& unit_json, std::int64_t window) {
  const auto document = json::Document::Parse(unit_json);
  if (!document) return "[]";
  const json::Value unit = document->root();
  std::optional<json::Value> longest;
  for (std::size_t i = 0; unit.is(json::Kind::kObject) && i < unit.size(); ++i) {
    const json::Value value = unit.MemberAt(i).value;
    if (value.is(json::Kind::kArray) && (!longest || value.size() > longest->size()))
      longest = value;
  }
  if (!longest) return "[" + unit_json + "]";
  json::Writer writer;
  writer.BeginArray();
  const auto kept = std::min(longest->size(), static_cast<std::size_t>(window));
  for (std::size_t i = longest->size() - kept; i < longest->size(); ++i)
    writer.Raw(longest->At(i).ToJson());
  return writer.EndArray().Take();
}

std::string ResultOf(std::int64_t unit, model::ResultStatus status, std::string_view value_json,
                     const std::optional<model::ItemError>& error) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("unit").Int(unit);
  writer.Key("status").String(model::ToString(status));
  writer.Key("value");
  value_json.empty() ? writer.Null() : writer.Raw(value_json);
  wire::WriteError(writer, error);
  return writer.EndObject().Take();
}

}  // namespace

ChainUnits::ChainUnits(ChainRequest request, const model::Task& task)
    : request_(std::move(request)),
      max_output_tokens_(task.max_output_tokens),
      fallback_json_(task.fallback_json),
      // Half of the prompt, with few characters to a token.
      conversation_(static_cast<std::size_t>(task.max_batch_tokens)) {
  counts_.total = request_.total_units;
}

Steps ChainUnits::Begin() { return Ask(PlannedUnits()); }

std::int64_t ChainUnits::PlannedUnits() const {
  const std::int64_t left = request_.total_units - next_unit_ + 1;
  std::int64_t fitting = request_.units_per_batch;
  if (tokens_per_unit_ > 0) {
    fitting = static_cast<std::int64_t>(kPlannedShareOfOutputLimit *
                                        static_cast<double>(max_output_tokens_) / tokens_per_unit_);
  }
  return std::clamp<std::int64_t>(std::min(fitting, request_.units_per_batch), 1,
                                  std::max<std::int64_t>(1, left));
}

model::ItemInput ChainUnits::InputOf(std::int64_t count, bool with_window) const {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("first_unit").Int(next_unit_);
  writer.Key("last_unit").Int(next_unit_ + count - 1);
  writer.Key("total_units").Int(request_.total_units);
  if (!request_.goal_json.empty()) writer.Key("goal").Raw(request_.goal_json);
  if (with_window) {
    writer.Key("outline").BeginArray();
    for (const std::string& each : outline_) writer.Raw(each);
    writer.EndArray();
    writer.Key("before").Raw(last_unit_.empty() ? "[]" : WindowOf(last_unit_, request_.window));
  }
  if (asked_again_) writer.Key("problem").String(kProblem);
  writer.EndObject();
  return {.kind = model::ItemInput::Kind::kJson, .value = writer.Take()};
}

Steps ChainUnits::Ask(std::int64_t count) {
  asked_ = count;
  ++batches_;
  const bool whole = conversation_.fits();
  Step step;
  step.path = "chain/" + std::to_string(next_unit_) + "+" + std::to_string(count) +
              (asked_again_ ? "/again" : "");
  step.id = "units " + std::to_string(next_unit_) + "-" + std::to_string(next_unit_ + count - 1);
  step.input = InputOf(count, !whole);
  step.alone = true;
  if (whole) step.history = conversation_.Whole();
  question_ = step.input.value;
  Steps steps;
  steps.push_back(std::move(step));
  return steps;
}

std::vector<std::string> ChainUnits::UnitsOf(const std::string& output_json) const {
  std::vector<std::string> units;
  const auto document = json::Document::Parse(output_json);
  const auto list = document ? document->root().Find("units") : std::nullopt;
  if (!list || !list->is(json::Kind::kArray)) return units;
  const auto most = static_cast<std::size_t>(asked_);
  for (std::size_t i = 0; i < list->size() && units.size() < most; ++i) {
    const json::Value unit = list->At(i);
    const bool sound = unit.is(json::Kind::kObject) &&
                       (!request_.unit_schema || request_.unit_schema->Validate(unit).ok());
    if (!sound) break;
    units.push_back(unit.ToJson());
  }
  return units;
}

void ChainUnits::Learn(const model::ItemOutcome& outcome, std::size_t units) {
  if (units == 0 || outcome.usage.output_tokens <= 0) return;
  const double each = static_cast<double>(outcome.usage.output_tokens) / static_cast<double>(units);
  tokens_per_unit_ =
      tokens_per_unit_ <= 0 ? each : tokens_per_unit_ + kLearningRate * (each - tokens_per_unit_);
}

void ChainUnits::Take(const std::vector<std::string>& units, const model::ItemOutcome& outcome) {
  for (const std::string& unit : units) {
    results_.push_back(ResultOf(next_unit_, model::ResultStatus::kOk, unit, std::nullopt));
    outline_.push_back(OutlineOf(unit));
    ++next_unit_;
    ++counts_.done;
  }
  if (outcome.source == model::ResultSource::kCached)
    counts_.cached += static_cast<std::int64_t>(units.size());
  last_unit_ = units.back();
  conversation_.Add(question_, outcome.output_json);
}

void ChainUnits::GiveUp(const model::ItemOutcome& outcome) {
  std::optional<model::ItemError> error = outcome.error;
  if (!error) {
    error = model::ItemError{.code = model::ErrorCode::kAnswerInvalid,
                             .message = "the answer has no usable units",
                             .retryable = true,
                             .attempts = 2};
  }
  const bool has_fallback = !fallback_json_.empty() && error->code != model::ErrorCode::kCancelled;
  const auto status = has_fallback ? model::ResultStatus::kFallback : model::ResultStatus::kError;
  for (std::int64_t i = 0; i < asked_; ++i) {
    results_.push_back(ResultOf(next_unit_, status, fallback_json_, error));
    outline_.push_back(has_fallback ? OutlineOf(fallback_json_) : "null");
    ++next_unit_;
    ++counts_.done;
    has_fallback ? ++fallbacks_ : ++counts_.failed;
  }
  last_unit_.clear();
}

Steps ChainUnits::OnOutcome(std::size_t, model::ItemResult result) {
  const model::ItemOutcome& outcome = result.outcome;
  const bool cut_off = outcome.error && outcome.error->code == model::ErrorCode::kAnswerTruncated;
  const bool again = std::exchange(asked_again_, false);
  if (cut_off && asked_ > 1) {
    // What these need is known now: more than an answer has.
    tokens_per_unit_ = std::max(
        tokens_per_unit_, static_cast<double>(max_output_tokens_) / static_cast<double>(asked_));
    return Ask(asked_ / 2);
  }
  std::vector<std::string> units;
  if (outcome.status == model::ResultStatus::kOk) units = UnitsOf(outcome.output_json);
  if (!units.empty()) {
    Learn(outcome, units.size());
    Take(units, outcome);
  } else if (outcome.status == model::ResultStatus::kOk && !again) {
    asked_again_ = true;
    return Ask(asked_);
  } else {
    GiveUp(outcome);
  }
  return done() ? Steps{} : Ask(PlannedUnits());
}

jobs::Standing ChainUnits::standing() const {
  return {.step = "units",
          .percent = static_cast<int>(counts_.done * kWholePercent / counts_.total),
          .message =
              std::to_string(counts_.done) + " of " + std::to_string(counts_.total) + " units done",
          .items = counts_};
}

jobs::Ending ChainUnits::End(const jobs::Totals&, const model::ItemError& unfinished) {
  jobs::Ending ending;
  const std::int64_t answered = counts_.done - counts_.failed - fallbacks_;
  for (; next_unit_ <= request_.total_units; ++next_unit_) {
    results_.push_back(ResultOf(next_unit_, model::ResultStatus::kError, {}, unfinished));
    ++counts_.failed;
  }
  ending.results = std::move(results_);
  ending.partial = counts_.failed > 0 && answered + fallbacks_ > 0;
  ending.status =
      counts_.failed == counts_.total ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  if (ending.status == model::JobStatus::kFailed) {
    ending.error = model::ItemError{.code = model::ErrorCode::kAnswerInvalid,
                                    .message = "every unit failed; see the units' errors",
                                    .retryable = true,
                                    .attempts = 0};
  }
  ending.efficiency =
      batches_ == 0 ? 0 : static_cast<double>(answered) / static_cast<double>(batches_);
  ending.summary = {{.name = "total_units", .json = std::to_string(counts_.total)},
                    {.name = "batch_count", .json = std::to_string(batches_)},
                    {.name = "fallback_count", .json = std::to_string(fallbacks_)},
                    {.name = "failed_count", .json = std::to_string(counts_.failed)}};
  return ending;
}

Made MakeChain(model::Job& job, const model::Task& task, std::int64_t) {
  const json::Document document = ParseInput(job);
  auto request = ReadChainRequest(document.root());
  if (auto* malformed = std::get_if<wire::Malformed>(&request)) return std::move(*malformed);
  auto& chain = std::get<ChainRequest>(request);
  if (chain.prompts.empty()) return std::make_unique<ChainUnits>(std::move(chain), task);
  return std::make_unique<ChainPrompts>(std::move(chain), task);
}

}  // namespace llmbatch::workflows
