#include "workflows/registry.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "workflows/chain/chain_units.h"
#include "workflows/fields/fields_workflow.h"
#include "workflows/map/map_workflow.h"

namespace llmbatch::workflows {
namespace {

using Maker = Made (*)(model::Job& job, const model::Task& task);

constexpr std::array<std::string_view, 3> kNames{"chain", "fields", "map"};
constexpr std::array<Maker, kNames.size()> kMakers{MakeChain, MakeFields, MakeMap};

}  // namespace

std::span<const std::string_view> Names() { return kNames; }

bool IsKnown(std::string_view workflow) {
  return std::find(kNames.begin(), kNames.end(), workflow) != kNames.end();
}

Made Make(model::Job& job, const model::Task& task) {
  std::string choice;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == job.workflow) return kMakers[i](job, task);
    choice += (i == 0 ? "" : i + 1 == kNames.size() ? " or " : ", ") + std::string(kNames[i]);
  }
  return wire::Malformed{.reason = wire::MalformedReason::kInvalidValue,
                         .detail = "workflow: must be " + choice};
}

}  // namespace llmbatch::workflows
