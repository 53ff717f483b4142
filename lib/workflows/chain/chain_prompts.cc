#include "workflows/chain/chain_prompts.h"

#include <utility>

#include "json/writer.h"
#include "wire/parts.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;

std::string ResultOf(std::size_t index, const model::ItemOutcome& outcome) {
  json::Writer writer;
  writer.BeginObject();
  writer.Key("prompt").Int(static_cast<std::int64_t>(index) + 1);
  writer.Key("status").String(model::ToString(outcome.status));
  writer.Key("value");
  outcome.output_json.empty() ? writer.Null() : writer.Raw(outcome.output_json);
  wire::WriteError(writer, outcome.error);
  return writer.EndObject().Take();
}

}  // namespace

ChainPrompts::ChainPrompts(ChainRequest request, const model::Task& task)
    : request_(std::move(request)),
      // Half of the prompt, with few characters to a token.
      conversation_(static_cast<std::size_t>(task.max_batch_tokens)) {
  counts_.total = static_cast<std::int64_t>(request_.prompts.size());
}

Steps ChainPrompts::Ask() const {
  const std::size_t next = results_.size();
  Step step;
  step.path = "chain/" + std::to_string(next);
  step.id = "prompt " + std::to_string(next + 1);
  step.input = {.kind = model::ItemInput::Kind::kText, .value = request_.prompts[next]};
  step.alone = true;
  step.history = conversation_.fits()
                     ? conversation_.Whole()
                     : conversation_.Last(static_cast<std::size_t>(request_.window));
  Steps steps;
  steps.push_back(std::move(step));
  return steps;
}

Steps ChainPrompts::OnOutcome(std::size_t, model::ItemResult result) {
  const model::ItemOutcome& outcome = result.outcome;
  ++counts_.done;
  if (outcome.status == model::ResultStatus::kError) {
    ++counts_.failed;
    if (!first_error_) first_error_ = outcome.error;
  } else {
    if (outcome.source == model::ResultSource::kCached) ++counts_.cached;
    conversation_.Add(request_.prompts[results_.size()], outcome.output_json);
  }
  results_.push_back(ResultOf(results_.size(), outcome));
  return done() ? Steps{} : Ask();
}

jobs::Standing ChainPrompts::standing() const {
  return {.step = "prompts",
          .percent = static_cast<int>(counts_.done * kWholePercent / counts_.total),
          .message = std::to_string(counts_.done) + " of " + std::to_string(counts_.total) +
                     " prompts answered",
          .items = counts_};
}

jobs::Ending ChainPrompts::End(const jobs::Totals& totals, const model::ItemError& unfinished) {
  model::ItemOutcome open;
  open.error = unfinished;
  while (!done()) {
    ++counts_.failed;
    results_.push_back(ResultOf(results_.size(), open));
  }
  const bool all_failed = counts_.failed == counts_.total;
  jobs::Ending ending;
  ending.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  ending.partial = counts_.failed > 0 && !all_failed;
  if (all_failed) ending.error = first_error_ ? first_error_ : unfinished;
  ending.results = std::move(results_);
  const std::int64_t answered = counts_.done > counts_.failed ? counts_.done - counts_.failed : 0;
  ending.efficiency =
      totals.calls == 0 ? 0 : static_cast<double>(answered) / static_cast<double>(totals.calls);
  return ending;
}

}  // namespace llmbatch::workflows
