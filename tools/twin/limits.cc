#include "twin/limits.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

namespace llmbatch::twin {
namespace {

// How long a client is told to wait for a free slot; when one gets free can't be known.
constexpr base::Duration kSlotRetryAfter = std::chrono::seconds(1);

base::Duration FromSeconds(double seconds) {
  return base::Duration(static_cast<std::int64_t>(std::ceil(seconds * 1e9)));
}

}  // namespace

Bucket::Bucket(std::uint64_t per_minute, double burst_seconds, base::Timestamp now)
    : rate_(static_cast<double>(per_minute) / 60.0),
      capacity_(std::max(rate_ * burst_seconds, 1.0)),
      available_(capacity_),
      refilled_(now) {}

void Bucket::Refill(base::Timestamp now) {
  if (now <= refilled_) return;
  available_ = std::min(capacity_, available_ + rate_ * base::ToSeconds(now - refilled_));
  refilled_ = now;
}

void Bucket::Take(std::uint64_t amount) {
  if (rate_ > 0) available_ -= static_cast<double>(amount);
}

std::optional<base::Duration> Bucket::Until(std::uint64_t amount) const {
  if (Units(amount) > capacity_) return std::nullopt;
  return FromSeconds(std::max(0.0, static_cast<double>(amount) - available_) / rate_);
}

LimitState Bucket::State() const {
  return LimitState{
      .limit = static_cast<std::uint64_t>(std::llround(rate_ * 60)),
      .remaining = static_cast<std::uint64_t>(std::max(0.0, std::floor(available_ + 1e-6))),
      .reset = FromSeconds((capacity_ - available_) / rate_)};
}

Limiter::Limiter(const LimitOptions& options, base::Timestamp now)
    : options_(options),
      requests_(options.requests_per_minute, options.burst_seconds, now),
      tokens_(options.tokens_per_minute, options.burst_seconds, now) {}

std::optional<OverLimit> Limiter::Admit(base::Timestamp now, std::uint64_t tokens,
                                        std::uint64_t open_requests) {
  requests_.Refill(now);
  tokens_.Refill(now);
  if (options_.concurrency > 0 && open_requests >= options_.concurrency) {
    return OverLimit{LimitKind::kConcurrency, kSlotRetryAfter};
  }
  if (!requests_.Has(1)) return OverLimit{LimitKind::kRequests, requests_.Until(1)};
  if (!tokens_.Has(tokens)) return OverLimit{LimitKind::kTokens, tokens_.Until(tokens)};
  requests_.Take(1);
  tokens_.Take(tokens);
  return std::nullopt;
}

std::optional<LimitState> Limiter::requests() const {
  if (options_.requests_per_minute == 0) return std::nullopt;
  return requests_.State();
}

std::optional<LimitState> Limiter::tokens() const {
  if (options_.tokens_per_minute == 0) return std::nullopt;
  return tokens_.State();
}

std::string FormatGoDuration(base::Duration duration) {
  const std::int64_t ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  if (ms <= 0) return "0s";
  if (ms < 1000) return std::to_string(ms) + "ms";
  const std::int64_t hours = ms / 3'600'000;
  const std::int64_t minutes = ms / 60'000 % 60;
  std::string text;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  text += std::to_string(ms / 1000 % 60);
  if (ms % 1000 != 0) {
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03d", static_cast<int>(ms % 1000));
    text += fraction;
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "s";
}

}  // namespace llmbatch::twin
