#include "model/error_code.h"

#include <algorithm>
#include <utility>

namespace llmbatch::model {
namespace {

using enum ErrorCode;

constexpr std::array<std::pair<ErrorCode, std::string_view>, 19> kNames{{
    {kInvalidMessage, "invalid_message"},
    {kUnknownTask, "unknown_task"},
    {kUnknownJob, "unknown_job"},
    {kForbidden, "forbidden"},
    {kItemTooLarge, "item_too_large"},
    {kDocumentUnavailable, "document_unavailable"},
    {kDeadlineExceeded, "deadline_exceeded"},
    {kBudgetExceeded, "budget_exceeded"},
    {kCancelled, "cancelled"},
    {kProviderRejected, "provider_rejected"},
    {kProviderUnavailable, "provider_unavailable"},
    {kProviderQuotaExhausted, "provider_quota_exhausted"},
    {kJobStateLost, "job_state_lost"},
    {kItemsMissing, "items_missing"},
    {kContentFiltered, "content_filtered"},
    {kAnswerTruncated, "answer_truncated"},
    {kAnswerInvalid, "answer_invalid"},
    {kAnswerMissingItem, "answer_missing_item"},
    {kInternal, "internal"},
}};

}  // namespace

std::string_view ToString(ErrorCode code) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [code](const auto& entry) { return entry.first == code; });
  return found == kNames.end() ? "internal" : found->second;
}

std::optional<ErrorCode> ParseErrorCode(std::string_view text) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [text](const auto& entry) { return entry.second == text; });
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

bool IsRetryable(ErrorCode code) {
  switch (code) {
    case kDocumentUnavailable:
    case kDeadlineExceeded:
    case kBudgetExceeded:
    case kProviderUnavailable:
    case kProviderQuotaExhausted:
    case kJobStateLost:
    case kItemsMissing:
    case kAnswerTruncated:
    case kAnswerInvalid:
    case kAnswerMissingItem:
    case kInternal:
      return true;
    default:
      return false;
  }
}

}  // namespace llmbatch::model
