// RateLimits: what a provider's answer says about the limits it holds us to.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "model/item.h"

namespace llmbatch::providers {

struct RateLimits {
  // nullopt: not told. Servers write 0 and -1 where they don't know, so "none left" can't be told
  // from "unknown" and is nullopt too.
  struct Window {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> remaining;
    std::optional<base::Duration> reset;  // until it is full again
  };
  Window requests;
  Window tokens;
};

// What can't be read counts as not told, in each of these.

// Reads OpenAI's x-ratelimit-* headers.
RateLimits ParseOpenAiRateLimits(const std::vector<model::Header>& headers);
// Reads Anthropic's anthropic-ratelimit-* headers, which name the time of a reset as a date. The
// tokens are those of the limit that is the closest, or of the input where no such limit is told.
RateLimits ParseAnthropicRateLimits(const std::vector<model::Header>& headers, base::WallTime now);

}  // namespace llmbatch::providers
