#include "workflows/documents/background.h"

#include <utility>

#include "json/writer.h"

namespace llmbatch::workflows {
namespace {

constexpr std::size_t kBatchCandidates = 3;
constexpr std::int64_t kMostRealTimeTokens = 42'000;

}  // namespace

std::vector<model::SummaryMember> BatchMode::Told() const {
  return {{.name = "batch_mode", .json = batch ? "true" : "false"},
          {.name = "mode_reason", .json = json::Quote(reason)},
          {.name = "estimated_tokens", .json = std::to_string(estimated_tokens)}};
}

BatchMode ModeOfComparison(bool force_batch, std::size_t candidates, std::int64_t tokens) {
  BatchMode mode{.batch = true, .reason = "force_batch", .estimated_tokens = tokens};
  if (force_batch) return mode;
  mode.batch = candidates >= kBatchCandidates;
  mode.reason = mode.batch ? "3 candidates or more" : "fewer than 3 candidates";
  return mode;
}

BatchMode ModeOfQuery(bool force_batch, std::int64_t tokens) {
  BatchMode mode{.batch = true, .reason = "force_batch", .estimated_tokens = tokens};
  if (force_batch) return mode;
  mode.batch = tokens > kMostRealTimeTokens;
  mode.reason = mode.batch ? "more than 42000 tokens" : "42000 tokens or fewer";
  return mode;
}

void Reach(std::vector<jobs::Stage>& stages, std::string step, int percent) {
  jobs::Stage stage{.step = std::move(step), .percent = percent};
  if (stages.empty() || !(stages.back() == stage)) stages.push_back(std::move(stage));
}

}  // namespace llmbatch::workflows
