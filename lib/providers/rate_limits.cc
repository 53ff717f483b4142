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

std::optional<base::Duration> TimeUntil(const std::vector<model::Header>& headers,
                                        std::string_view name, base::WallTime now) {
  const auto text = FindHeader(headers, name);
  if (!text) return std::nullopt;
  const auto time = base::ParseRfc3339(*text);
  if (!time || *time <= now) return std::nullopt;
  return *time - now;
}

RateLimits::Window ParseDatedWindow(const std::vector<model::Header>& headers,
                                    const std::string& kind, base::WallTime now) {
  const std::string prefix = "anthropic-ratelimit-" + kind;
  return {.limit = PositiveWhole(headers, prefix + "-limit"),
          .remaining = PositiveWhole(headers, prefix + "-remaining"),
          .reset = TimeUntil(headers, prefix + "-reset", now)};
}

}  // namespace

RateLimits ParseOpenAiRateLimits(const std::vector<model::Header>& headers) {
  return {.requests = ParseWindow(headers, "requests"), .tokens = ParseWindow(headers, "tokens")};
}

RateLimits ParseAnthropicRateLimits(const std::vector<model::Header>& headers, base::WallTime now) {
  const bool has_closest = FindHeader(headers, "anthropic-ratelimit-tokens-limit").has_value();
  return {.requests = ParseDatedWindow(headers, "requests", now),
          .tokens = ParseDatedWindow(headers, has_closest ? "tokens" : "input-tokens", now)};
}

}  // namespace llmbatch::providers
