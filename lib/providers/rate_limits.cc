#include "providers/rate_limits.h"

#include <string>
#include <string_view>

#include "providers/headers.h"

namespace llmbatch::providers {
namespace {

std::optional<std::int64_t> PositiveWhole(const std::vector<model::Header>& headers,
                                          std::string_view name) {
  const auto text = FindHeader(headers, name);
  if (!text) return std::nullopt;
  const auto number = ParseWhole(*text);
  if (!number || *number <= 0) return std::nullopt;
  return number;
}

std::optional<base::Duration> PositiveDuration(const std::vector<model::Header>& headers,
                                               std::string_view name) {
  const auto text = FindHeader(headers, name);
  if (!text) return std::nullopt;
  const auto duration = ParseUnitDuration(*text);
  if (!duration || *duration <= base::Duration::zero()) return std::nullopt;
  return duration;
}

RateLimits::Window ParseWindow(const std::vector<model::Header>& headers, const std::string& kind) {
  return {.limit = PositiveWhole(headers, "x-ratelimit-limit-" + kind),
          .remaining = PositiveWhole(headers, "x-ratelimit-remaining-" + kind),
          .reset = PositiveDuration(headers, "x-ratelimit-reset-" + kind)};
}

}  // namespace

RateLimits ParseOpenAiRateLimits(const std::vector<model::Header>& headers) {
  return {.requests = ParseWindow(headers, "requests"), .tokens = ParseWindow(headers, "tokens")};
}

}  // namespace llmbatch::providers
