#include "workflows/fields/fields_workflow.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "base/check.h"
#include "json/value.h"
#include "json/writer.h"
#include "wire/parts.h"
#include "workflows/job_input.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;

model::ItemOutcome Extracted(std::string value) {
  model::ItemOutcome outcome;
  outcome.status = model::ResultStatus::kOk;
  outcome.output_json = std::move(value);
  outcome.source = model::ResultSource::kExtracted;
  outcome.cost = model::NanoUsd{};
  return outcome;
}

model::ItemOutcome Failed(const model::ItemError& error) {
  model::ItemOutcome outcome;
  outcome.error = error;
  outcome.cost = model::NanoUsd{};
  return outcome;
}

// A model answers {"value": …}; an answer of another form is the value itself.
std::string ValueOf(const std::string& output_json) {
  const auto document = json::Document::Parse(output_json);
  const auto value = document ? document->root().Find("value") : std::nullopt;
  return value ? value->ToJson() : output_json;
}

std::string ResultOf(const Field& field, const model::ItemOutcome& outcome) {
  const bool cached = outcome.source == model::ResultSource::kCached;
  json::Writer writer;
  writer.BeginObject();
  writer.Key("id").String(field.id);
  writer.Key("status").String(model::ToString(outcome.status));
  writer.Key("value");
  outcome.output_json.empty() ? writer.Null() : writer.Raw(ValueOf(outcome.output_json));
  wire::WriteError(writer, outcome.error);
  writer.Key("source").String(model::ToString(outcome.source));
  writer.Key("cached").Bool(cached);
  if (!outcome.model.empty()) writer.Key("model").String(outcome.model);
  wire::WriteUsage(writer, outcome.usage);
  wire::WriteCost(writer, outcome.cost, outcome.cost_in_doubt);
  writer.Key("duration_ms").Int(base::ToMillis(outcome.duration));
  return writer.EndObject().Take();
}

model::SummaryMember Count(std::string name, std::int64_t count) {
  return {.name = std::move(name), .json = std::to_string(count)};
}

}  // namespace

FieldsWorkflow::FieldsWorkflow(FieldsRequest request, const std::vector<ExtractRule>& rules)
    : request_(std::move(request)), results_(request_.fields.size()) {
  counts_.total = static_cast<std::int64_t>(request_.fields.size());
  const auto user_data = json::Document::Parse(request_.user_data_json);
  LLMBATCH_CHECK(user_data.ok());
  for (std::size_t i = 0; i < request_.fields.size(); ++i) {
    const Field& field = request_.fields[i];
    if (auto value = Extract(field, user_data->root(), rules)) {
      Finish(i, Extracted(*std::move(value)));
    } else if (field.strategy == Field::Strategy::kExtract) {
      Finish(i, Failed({.code = model::ErrorCode::kInvalidMessage,
                        .message = "user_data has no value for the field",
                        .retryable = false,
                        .attempts = 0}));
    } else {
      asked_.push_back(i);
    }
  }
}

model::ItemInput FieldsWorkflow::InputOf(const Field& field) const {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("id").String(field.id);
  writer.Key("label").String(field.label);
  if (!field.type.empty()) writer.Key("type").String(field.type);
  writer.Key("user_data").Raw(request_.user_data_json);
  if (!request_.context_json.empty()) writer.Key("context").Raw(request_.context_json);
  writer.EndObject();
  return {.kind = model::ItemInput::Kind::kJson, .value = writer.Take()};
}

Steps FieldsWorkflow::Begin() {
  Steps steps;
  steps.reserve(asked_.size());
  for (const std::size_t i : asked_) {
    const Field& field = request_.fields[i];
    steps.push_back({.path = "fields/" + std::to_string(i),
                     .id = field.id,
                     .input = InputOf(field),
                     .metadata_json = {},
                     .history = {},
                     .alone = true});
  }
  return steps;
}

Steps FieldsWorkflow::OnOutcome(std::size_t step, model::ItemResult result) {
  LLMBATCH_CHECK(step < asked_.size() && results_[asked_[step]].empty());
  Finish(asked_[step], result.outcome);
  return {};
}

void FieldsWorkflow::Finish(std::size_t field, const model::ItemOutcome& outcome) {
  ++counts_.done;
  if (outcome.status == model::ResultStatus::kError) {
    ++counts_.failed;
  } else if (outcome.source == model::ResultSource::kExtracted) {
    ++extracted_;
  } else if (outcome.source == model::ResultSource::kGenerated) {
    ++generated_;
    call_time_ += outcome.duration;
  } else {
    ++counts_.cached;
  }
  results_[field] = ResultOf(request_.fields[field], outcome);
}

jobs::Standing FieldsWorkflow::standing() const {
  return {.step = "fields",
          .percent = static_cast<int>(counts_.done * kWholePercent / counts_.total),
          .message = std::to_string(counts_.done) + " of " + std::to_string(counts_.total) +
                     " fields done",
          .items = counts_};
}

jobs::Ending FieldsWorkflow::End(const jobs::Totals& totals, const model::ItemError& unfinished) {
  LLMBATCH_CHECK(done());
  const bool all_failed = counts_.failed == counts_.total;
  jobs::Ending ending;
  ending.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  ending.partial = counts_.failed > 0 && !all_failed;
  ending.results = std::move(results_);
  // The share of the time that the calls allowed at once were really there. A run that took over
  // from another one has call times of both.
  const double possible =
      base::ToSeconds(totals.elapsed) * static_cast<double>(request_.max_parallel);
  if (generated_ > 0 && possible > 0)
    ending.efficiency = std::min(1.0, base::ToSeconds(call_time_) / possible);
  json::Writer cost;
  totals.cost ? cost.String(model::ToDecimal(*totals.cost)) : cost.Null();
  ending.summary = {
      Count("total_fields", counts_.total),  {.name = "total_cost_usd", .json = cost.Take()},
      Count("cached_count", counts_.cached), Count("extracted_count", extracted_),
      Count("generated_count", generated_),  Count("failed_count", counts_.failed)};
  if (all_failed) {
    ending.error = unfinished;
    ending.error->code = model::ErrorCode::kAnswerInvalid;
    ending.error->message = "every field failed; see the fields' errors";
    ending.error->retryable = true;
  }
  return ending;
}

Made MakeFields(model::Job& job, const model::Task& task, std::int64_t) {
  const json::Document document = ParseInput(job);
  auto request = ReadFieldsRequest(document.root());
  if (auto* malformed = std::get_if<wire::Malformed>(&request)) return std::move(*malformed);
  auto& fields = std::get<FieldsRequest>(request);
  const std::size_t each = fields.user_data_json.size() + fields.context_json.size();
  if (each * fields.fields.size() > kMaxFieldsInputBytes) {
    return wire::Malformed{.reason = wire::MalformedReason::kTooLarge,
                           .detail = "user_data: with context, times the fields, larger than " +
                                     std::to_string(kMaxFieldsInputBytes) + " bytes"};
  }
  auto rules = CompileRules(task.extract_rules);
  // They were checked with the configuration.
  LLMBATCH_CHECK(rules.ok());
  return std::make_unique<FieldsWorkflow>(std::move(fields), *rules);
}

}  // namespace llmbatch::workflows
