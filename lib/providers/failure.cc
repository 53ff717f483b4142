#include "providers/failure.h"

#include <algorithm>
#include <utility>

#include "providers/error_body.h"
#include "providers/failure_rules.h"
#include "providers/headers.h"
#include "providers/told_tokens.h"

namespace llmbatch::providers {
namespace {

using enum FailureClass;
using model::ErrorCode;

struct Meaning {
  FailureClass cls;
  std::string_view name;
  Action action;
  ErrorCode code;
};

constexpr Meaning kMeanings[] = {
    {kRateLimited, "rate_limited", Action::kRetry, ErrorCode::kProviderUnavailable},
    {kQuotaExhausted, "quota_exhausted", Action::kHold, ErrorCode::kProviderQuotaExhausted},
    {kOverloaded, "overloaded", Action::kRetry, ErrorCode::kProviderUnavailable},
    {kContextTooLong, "context_too_long", Action::kSplit, ErrorCode::kItemTooLarge},
    {kRequestTooLarge, "request_too_large", Action::kSplit, ErrorCode::kItemTooLarge},
    {kContentBlocked, "content_blocked", Action::kSplit, ErrorCode::kContentFiltered},
    {kBadRequest, "bad_request", Action::kFail, ErrorCode::kProviderRejected},
    {kAuth, "auth", Action::kHold, ErrorCode::kProviderUnavailable},
    {kTransport, "transport", Action::kRetry, ErrorCode::kProviderUnavailable},
    {kTimeout, "timeout", Action::kRetry, ErrorCode::kProviderUnavailable},
    {kProtocol, "protocol", Action::kRetry, ErrorCode::kProviderUnavailable},
};

const Meaning& MeaningOf(FailureClass cls) {
  for (const Meaning& meaning : kMeanings) {
    if (meaning.cls == cls) return meaning;
  }
  return kMeanings[std::size(kMeanings) - 1];
}

constexpr base::Duration kMaxRetryAfter = std::chrono::hours(1);

// What stands behind `phrase`, up to a blank or the end, without a full stop.
std::string_view WordBehind(std::string_view text, std::string_view phrase) {
  const std::size_t found = text.find(phrase);
  if (found == std::string_view::npos) return {};
  std::string_view word = text.substr(found + phrase.size());
  word = word.substr(0, word.find_first_of(" \n"));
  while (!word.empty() && (word.back() == '.' || word.back() == ',')) word.remove_suffix(1);
  return word;
}

// For those who say it in words only: Azure's "… Please retry after 22 seconds. …", Google's
// "… Please retry in 37.2s.", and OpenAI's "… Please try again in 6m0s. …".
std::optional<base::Duration> RetryAfterInWords(std::string_view message) {
  constexpr std::string_view kAfter = "retry after ";
  const std::string_view number = WordBehind(message, kAfter);
  if (!number.empty() && message.find(std::string(kAfter).append(number).append(" second")) !=
                             std::string_view::npos) {
    return ParseDecimalDuration(number, std::chrono::seconds(1));
  }
  for (const std::string_view phrase : {"retry in ", "try again in "}) {
    if (const auto wait = ParseUnitDuration(WordBehind(message, phrase))) return wait;
  }
  return std::nullopt;
}

std::optional<base::Duration> RetryAfter(const ports::HttpResponse& response,
                                         const ErrorBody& error, base::WallTime now) {
  std::optional<base::Duration> wait;
  if (const auto millis = FindHeader(response.headers, "retry-after-ms")) {
    wait = ParseDecimalDuration(*millis, std::chrono::milliseconds(1));
  }
  if (const auto text = FindHeader(response.headers, "retry-after"); text && !wait) {
    wait = ParseDecimalDuration(*text, std::chrono::seconds(1));
    if (const auto date = ParseHttpDate(*text); date && !wait) {
      wait = std::max(*date - now, base::Duration::zero());
    }
  }
  if (!wait) wait = ParseUnitDuration(error.retry_delay);
  if (!wait) wait = RetryAfterInWords(error.message);
  if (wait) wait = std::min(*wait, kMaxRetryAfter);
  return wait;
}

std::string Describe(int http_status, const ErrorBody& error) {
  std::string text = "HTTP " + std::to_string(http_status);
  const auto append = [&text](std::string_view what, std::string_view name) {
    if (IsName(name)) text.append(", ").append(what).append(" ").append(name);
  };
  append("type", error.type);
  append("code", error.code);
  append("inner code", error.inner_code);
  append("status", error.status);
  append("parameter", error.param);
  return text;
}

// The status that counts: a gateway that answers 200 may have the real one as the error's code.
int EffectiveStatus(int http_status, const ErrorBody& error) {
  if (http_status >= 300) return http_status;
  const auto code = ParseWhole(error.code);
  return code && *code >= 300 && *code <= 599 ? static_cast<int>(*code) : http_status;
}

// What the provider itself says about another try, in `x-should-retry`, where the error alone
// doesn't settle it: who is refused for its key or money, or for its length or content, is refused
// again.
FailureClass Advised(FailureClass cls, const ports::HttpResponse& response) {
  const auto advice = FindHeader(response.headers, "x-should-retry");
  if (!advice) return cls;
  if (*advice == "false" && ActionFor(cls) == Action::kRetry) return kBadRequest;
  if (*advice == "true" && cls == kBadRequest) return kOverloaded;
  return cls;
}

}  // namespace

std::string_view ToString(FailureClass cls) { return MeaningOf(cls).name; }
Action ActionFor(FailureClass cls) { return MeaningOf(cls).action; }
model::ErrorCode ErrorCodeFor(FailureClass cls) { return MeaningOf(cls).code; }

CallFailure Classify(const ports::HttpResponse& response, base::WallTime now) {
  const ErrorBody error = ParseErrorBody(response.body).value_or(ErrorBody{});
  const StatusMeaning by_status = MeaningOfStatus(EffectiveStatus(response.status, error));
  const auto by_error = ClassByError(response.status, error);
  const FailureClass cls = Advised(by_error.value_or(by_status.cls), response);
  return {.cls = cls,
          .http_status = response.status,
          .retry_after = RetryAfter(response, error, now),
          .message = Describe(response.status, error),
          .maybe_billed = !by_error && by_status.maybe_billed,
          .prompt_tokens = cls == kContextTooLong ? ToldPromptTokens(error) : std::nullopt};
}

CallFailure Classify(const ports::TransportFailure& failure) {
  CallFailure result{.cls = kTransport,
                     .message = "no response: " + std::string(ports::ToString(failure.fault)),
                     .maybe_billed = failure.maybe_processed};
  if (failure.fault == ports::TransportFault::kTimeout) result.cls = kTimeout;
  // Fewer items have a smaller answer.
  if (failure.fault == ports::TransportFault::kResponseTooLarge) result.cls = kRequestTooLarge;
  return result;
}

CallFailure ProtocolFailure(const ports::HttpResponse& response, std::string_view what) {
  return {.cls = kProtocol,
          .http_status = response.status,
          .message = "HTTP " + std::to_string(response.status) + ", " + std::string(what),
          .maybe_billed = true};
}

CallFailure WithUsage(CallFailure failure, const std::optional<model::Usage>& usage,
                      std::string tier) {
  failure.usage = usage;
  failure.tier = std::move(tier);
  return failure;
}

}  // namespace llmbatch::providers
