// The closed list of codes that results, dead letters and metrics name their errors by.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace llmbatch::model {

enum class ErrorCode {
  kInvalidMessage,
  kUnknownTask,
  kUnknownJob,
  kForbidden,
  kItemTooLarge,
  kDocumentUnavailable,
  kDeadlineExceeded,
  kBudgetExceeded,
  kCancelled,
  kProviderRejected,
  kProviderUnavailable,
  kProviderQuotaExhausted,
  kJobStateLost,
  kItemsMissing,
  kContentFiltered,
  kAnswerTruncated,
  kAnswerInvalid,
  kAnswerMissingItem,
  kInternal,
};

// As written in messages, e.g. "item_too_large".
std::string_view ToString(ErrorCode code);
std::optional<ErrorCode> ParseErrorCode(std::string_view text);
// Whether sending the same request again later may succeed.
bool IsRetryable(ErrorCode code);

}  // namespace llmbatch::model
