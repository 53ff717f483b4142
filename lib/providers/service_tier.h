// Service tiers: how fast and how dear a call is served, in the words of price lists.
#pragma once

#include <string>
#include <string_view>

namespace llmbatch::providers {

// Every provider's word in one spelling: "standard", "flex", "batch", "priority"; words that are
// not known stay as they are, in lower case. Empty stays empty.
std::string ServiceTier(std::string_view word);

// The tier that a task's `parameters` ask for; "standard" if they ask for none.
std::string TierAskedBy(std::string_view parameters_json);

}  // namespace llmbatch::providers
