// CallFailure: why a call brought no completion, and what is to be done about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/error_code.h"
#include "model/usage.h"
#include "ports/record.h"

namespace llmbatch::providers {

enum class FailureClass {
  kRateLimited,
  kQuotaExhausted,  // money or a long-term quota is used up: waiting minutes does not help
  kOverloaded,
  kContextTooLong,
  kRequestTooLarge,  // in bytes, or over a rate limit all by itself
  kContentBlocked,
  kBadRequest,
  kAuth,
  kTransport,
  kTimeout,
  kProtocol,  // an answer that is none
};
// As in metrics, e.g. "rate_limited".
std::string_view ToString(FailureClass cls);

enum class Action {
  kRetry,  // the same call again, after a while
  kSplit,  // the batch in two halves; an item alone fails
  kFail,   // the same call will fail again
  kHold,   // every call to this provider will fail until someone acts
};
Action ActionFor(FailureClass cls);

// What items end with if the failure is their last.
model::ErrorCode ErrorCodeFor(FailureClass cls);

struct CallFailure {
  FailureClass cls = FailureClass::kProtocol;
  int http_status = 0;                        // 0: no response
  std::optional<base::Duration> retry_after;  // as the provider asked, one hour at the most
  // For people: status, error type, codes and parameter, as far as they look like names. Never the
  // provider's own message, which may quote the prompt.
  std::string message;
  bool maybe_billed = false;  // the provider may have done the work
  // How long the prompt was that is too long, if the provider tells.
  std::optional<std::int64_t> prompt_tokens;
  // What the provider reported of it all the same, and the tier that served it; empty if it isn't
  // told.
  std::optional<model::Usage> usage;
  std::string tier;
  // A stream that broke off: more may have been used than was reported by then.
  bool usage_is_partial = false;
};

// For a response without a completion, of any provider. `now` is there for dates in Retry-After.
CallFailure Classify(const ports::HttpResponse& response, base::WallTime now);
CallFailure Classify(const ports::TransportFailure& failure);
// For a response with a status of success that makes no sense; `what` names the part.
CallFailure ProtocolFailure(const ports::HttpResponse& response, std::string_view what);
// The failure of a response that reports a usage nevertheless; nullopt: it doesn't.
CallFailure WithUsage(CallFailure failure, const std::optional<model::Usage>& usage,
                      std::string tier);

}  // namespace llmbatch::providers
