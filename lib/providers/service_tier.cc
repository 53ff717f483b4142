#include "providers/service_tier.h"

#include <utility>

#include "base/ascii.h"
#include "json/value.h"
#include "model/price.h"
#include "providers/fields.h"

namespace llmbatch::providers {

std::string ServiceTier(std::string_view word) {
  constexpr std::string_view kPrefix = "service_tier_";
  constexpr std::pair<std::string_view, std::string_view> kOtherWords[] = {
      {"default", model::kStandardTier},       {"auto", model::kStandardTier},
      {"standard_only", model::kStandardTier}, {"on_demand", model::kStandardTier},
      {"unspecified", model::kStandardTier},   {"fast", "priority"}};
  std::string lower = base::ToLower(word);
  if (lower.starts_with(kPrefix)) lower.erase(0, kPrefix.size());
  for (const auto& [other, usual] : kOtherWords) {
    if (lower == other) return std::string(usual);
  }
  return lower;
}

std::string TierAskedBy(std::string_view parameters_json) {
  const auto document = json::Document::Parse(parameters_json);
  if (document && document->root().is(json::Kind::kObject)) {
    for (const std::string_view name : {"service_tier", "serviceTier"}) {
      std::string tier = ServiceTier(StringAt(document->root(), name));
      if (!tier.empty()) return tier;
    }
  }
  return model::kStandardTier;
}

}  // namespace llmbatch::providers
