// The limits of a provider account: requests and tokens a minute, requests at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"

namespace llmbatch::twin {

// Zero means no limit.
struct LimitOptions {
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::uint64_t concurrency = 0;
  // What can be used at once after a pause, in seconds of the rate.
  double burst_seconds = 60;
};

// What is left of one limit, as the x-ratelimit headers tell it.
struct LimitState {
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  base::Duration reset{};  // until all of it is there again
};

enum class LimitKind { kRequests, kTokens, kConcurrency };

struct OverLimit {
  LimitKind kind = LimitKind::kRequests;
  // Nullopt: waiting doesn't help, the request is larger than the limit ever allows.
  std::optional<base::Duration> retry_after;
};

// Fills steadily and is full at the beginning. A limit of 0 never refuses.
class Bucket {
 public:
  Bucket(std::uint64_t per_minute, double burst_seconds, base::Timestamp now);

  bool Has(std::uint64_t amount) const { return rate_ == 0 || available_ >= Units(amount); }
  void Refill(base::Timestamp now);
  void Take(std::uint64_t amount);
  // Until `amount` is there; nullopt if it never will be.
  std::optional<base::Duration> Until(std::uint64_t amount) const;
  LimitState State() const;

 private:
  static double Units(std::uint64_t amount) { return static_cast<double>(amount) - 1e-6; }

  double rate_;  // a second
  double capacity_;
  double available_;
  base::Timestamp refilled_;
};

// One thread; time is given and must not go back.
class Limiter {
 public:
  Limiter(const LimitOptions& options, base::Timestamp now);

  // Takes one request and its tokens, or takes nothing and tells why. `open_requests` counts those
  // before it.
  std::optional<OverLimit> Admit(base::Timestamp now, std::uint64_t tokens,
                                 std::uint64_t open_requests);
  // Nullopt where there is no such limit.
  std::optional<LimitState> requests() const;
  std::optional<LimitState> tokens() const;

 private:
  LimitOptions options_;
  Bucket requests_;
  Bucket tokens_;
};

// "120ms", "1.5s", "6m0s", "1h2m3s", in whole milliseconds, rounded up.
std::string FormatGoDuration(base::Duration duration);

}  // namespace llmbatch::twin
