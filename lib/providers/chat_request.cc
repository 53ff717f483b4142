#include "providers/chat_request.h"

#include <algorithm>

namespace llmbatch::providers {

Completion::FinishReason FinishReasonOf(std::string_view name,
                                        std::span<const NamedFinishReason> names) {
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const NamedFinishReason& each) { return each.name == name; });
  return found == names.end() ? Completion::FinishReason::kUnknown : found->reason;
}

}  // namespace llmbatch::providers
