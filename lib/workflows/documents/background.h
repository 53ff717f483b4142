// Background: whether a job about documents runs in the background or at once, and the stages that
// it goes through.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/standing.h"
#include "json/object_reader.h"
#include "model/job.h"

namespace llmbatch::workflows {

// The kind of step that makes one outcome of those of a document's parts.
inline constexpr std::string_view kMergeStep = "merge";

// In batch mode steps may share prompts and wait for others; else they go before them. It is chosen
// by `force_batch`, for a comparison with 3 candidates or more, for a query of more than 42,000
// tokens.
struct BatchMode {
  bool batch = false;
  std::string reason;
  std::int64_t estimated_tokens = 0;

  // For the first progress event, and for the result.
  std::vector<model::SummaryMember> Told() const;
};

BatchMode ModeOfComparison(bool force_batch, std::size_t candidates, std::int64_t tokens);
BatchMode ModeOfQuery(bool force_batch, std::int64_t tokens);

// Appends a stage, unless it is the last one already.
void Reach(std::vector<jobs::Stage>& stages, std::string step, int percent);

}  // namespace llmbatch::workflows
