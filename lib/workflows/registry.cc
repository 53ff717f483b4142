#include "workflows/registry.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "workflows/chain/chain_units.h"
#include "workflows/classification/classification_workflow.h"
#include "workflows/comparison/comparison_workflow.h"
#include "workflows/documents/background.h"
#include "workflows/fields/fields_workflow.h"
#include "workflows/map/map_workflow.h"
#include "workflows/query/query_workflow.h"

namespace llmbatch::workflows {
namespace {

using Maker = Made (*)(model::Job& job, const model::Task& task, std::int64_t room_tokens);

constexpr std::array<std::string_view, 1> kResolving{kResolveStep};
constexpr std::array<std::string_view, 1> kMerging{kMergeStep};

struct Known {
  Maker make;
  std::span<const std::string_view> kinds;  // of steps that other tasks are named for
};
constexpr std::array<std::string_view, 6> kNames{"chain", "classification", "comparison", "fields",
                                                 "map",   "query"};
constexpr std::array<Known, kNames.size()> kWorkflows{
    {{.make = MakeChain, .kinds = {}},
     {.make = MakeClassification, .kinds = kResolving},
     {.make = MakeComparison, .kinds = kMerging},
     {.make = MakeFields, .kinds = {}},
     {.make = MakeMap, .kinds = {}},
     {.make = MakeQuery, .kinds = kMerging}}};

}  // namespace

std::span<const std::string_view> Names() { return kNames; }

bool IsKnown(std::string_view workflow) {
  return std::find(kNames.begin(), kNames.end(), workflow) != kNames.end();
}

std::span<const std::string_view> KindsOf(std::string_view workflow) {
  const auto* const found = std::find(kNames.begin(), kNames.end(), workflow);
  LLMBATCH_CHECK(found != kNames.end());
  return kWorkflows[static_cast<std::size_t>(found - kNames.begin())].kinds;
}

Made Make(model::Job& job, const model::Task& task, std::int64_t room_tokens) {
  std::string choice;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == job.workflow) return kWorkflows[i].make(job, task, room_tokens);
    choice += (i == 0 ? "" : i + 1 == kNames.size() ? " or " : ", ") + std::string(kNames[i]);
  }
  return wire::Malformed{.reason = wire::MalformedReason::kInvalidValue,
                         .detail = "workflow: must be " + choice};
}

}  // namespace llmbatch::workflows
