#include "workflows/map/map_workflow.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"
#include "wire/request.h"
#include "wire/result.h"

namespace llmbatch::workflows {
namespace {

constexpr int kWholePercent = 100;
constexpr std::string_view kItemsRef = "items_ref";

}  // namespace

MapWorkflow::MapWorkflow(std::vector<model::Item> items)
    : items_(std::move(items)), results_(items_.size()) {
  LLMBATCH_CHECK(!items_.empty());
  counts_.total = static_cast<std::int64_t>(items_.size());
}

MapWorkflow::MapWorkflow(std::int64_t item_count)
    : awaited_(item_count), results_(static_cast<std::size_t>(item_count)) {
  LLMBATCH_CHECK(item_count > 0);
  counts_.total = item_count;
}

MapWorkflow::MapWorkflow(model::DocumentPlace items_place)
    : items_place_(std::move(items_place)), lacks_items_(true) {}

std::vector<Reference> MapWorkflow::references() const {
  if (!items_place_) return {};
  return {{.field = std::string(kItemsRef), .document_id = {}, .place = *items_place_}};
}

Steps MapWorkflow::OnFetched(std::size_t, Fetched&& fetched) {
  lacks_items_ = false;
  if (fetched.error) {
    first_error_ = std::move(fetched.error);
    return {};
  }
  auto items = wire::DecodeListedItems(fetched.text);
  if (const auto* wrong = std::get_if<std::string>(&items)) {
    first_error_ =
        model::ErrorOf(model::ErrorCode::kInvalidMessage, std::string(kItemsRef) + ": " + *wrong);
    return {};
  }
  items_ = std::get<std::vector<model::Item>>(std::move(items));
  results_.resize(items_.size());
  counts_.total = static_cast<std::int64_t>(items_.size());
  return Begin();
}

Steps MapWorkflow::Begin() {
  Steps steps;
  steps.reserve(items_.size());
  for (model::Item& item : items_) {
    steps.push_back(Step{.path = "map/" + std::to_string(steps.size()),
                         .id = std::move(item.id),
                         .input = std::move(item.input),
                         .metadata_json = std::move(item.metadata_json),
                         .history = {}});
  }
  items_.clear();
  return steps;
}

Steps MapWorkflow::OnOutcome(std::size_t step, model::ItemResult result) {
  LLMBATCH_CHECK(step < results_.size() && results_[step].json.empty());
  ++counts_.done;
  const model::ItemOutcome& outcome = result.outcome;
  if (outcome.status == model::ResultStatus::kError) {
    ++counts_.failed;
    if (!first_error_) first_error_ = outcome.error;
  } else if (outcome.source == model::ResultSource::kGenerated) {
    ++generated_;
  } else {
    ++counts_.cached;
  }
  results_[step] = {.offset = result.origin.offset, .json = wire::EncodeMemberResult(result)};
  return {};
}

jobs::Standing MapWorkflow::standing() const {
  const std::int64_t total = std::max<std::int64_t>(1, counts_.total);
  return {.step = "items",
          .percent = static_cast<int>(counts_.done * kWholePercent / total),
          .message = lacks_items_ ? "the items are being fetched"
                                  : std::to_string(counts_.done) + " of " +
                                        std::to_string(counts_.total) + " items done",
          .items = counts_};
}

jobs::Ending MapWorkflow::End(const jobs::Totals& totals, const model::ItemError& unfinished) {
  LLMBATCH_CHECK(done() || awaited_ > 0 || lacks_items_);
  const bool all_failed = counts_.failed == counts_.done;
  jobs::Ending ending;
  ending.status = all_failed ? model::JobStatus::kFailed : model::JobStatus::kCompleted;
  ending.partial = (counts_.failed > 0 || !done()) && !all_failed;
  if (!done()) {
    ending.error = unfinished;
  } else if (all_failed) {
    ending.error = first_error_;
  }
  // Items of one message stand in their order; those of several in that of their messages.
  std::stable_sort(
      results_.begin(), results_.end(),
      [](const Answered& one, const Answered& other) { return one.offset < other.offset; });
  for (Answered& answered : results_) {
    if (!answered.json.empty()) ending.results.push_back(std::move(answered.json));
  }
  ending.efficiency =
      totals.calls == 0 ? 0 : static_cast<double>(generated_) / static_cast<double>(totals.calls);
  return ending;
}

Made MakeMap(model::Job& job, const model::Task&, std::int64_t) {
  if (job.items_place) return std::make_unique<MapWorkflow>(*std::move(job.items_place));
  if (job.item_count > 0) return std::make_unique<MapWorkflow>(job.item_count);
  return std::make_unique<MapWorkflow>(std::move(job.items));
}

}  // namespace llmbatch::workflows
