// Breaker: stops the calls to a provider that would all fail, and finds out when they wouldn't.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace llmbatch::admission {

struct BreakerOptions {
  base::Duration probe_interval = std::chrono::seconds(30);
  base::Duration longest_interval = std::chrono::minutes(10);
  // An outage: so many calls in a row have failed, over so long at least.
  std::int64_t outage_failures = 10;
  base::Duration outage_time = std::chrono::seconds(30);
};

// One provider's key. Closed, calls go as they like. Open, none goes but one after each interval,
// which doubles; when that one finds the provider answering, the breaker closes. Belongs to one
// thread.
class Breaker {
 public:
  // What the end of a call tells of its provider.
  enum class Sign {
    kAnswers,  // it was there and took our key, whatever it made of the call
    kFails,    // it was not there, or had a fault
    kRefuses   // it refuses every call until someone acts: the key, the account
  };

  explicit Breaker(BreakerOptions options) : options_(options) {}

  bool open() const { return open_; }
  // Whether a call may start; an open breaker lets only a probe go, and one at a time.
  bool MayStart(base::Timestamp now) const { return !open_ || (!probing_ && now >= probe_at_); }
  void OnStarted() { probing_ = open_; }
  // A call that was started has ended; nullopt: it was given up and tells nothing.
  // Returns whether the breaker was opened by it or kept open.
  bool OnEnded(std::optional<Sign> sign, base::Timestamp now);

  // When the next probe may go; nullopt: closed, or one is under way.
  std::optional<base::Timestamp> ProbeAt() const;

 private:
  void Open(base::Timestamp now);

  BreakerOptions options_;
  bool open_ = false;
  bool probing_ = false;
  base::Timestamp probe_at_;
  base::Duration interval_{};
  std::int64_t failures_ = 0;  // in a row
  base::Timestamp failing_since_;
};

}  // namespace llmbatch::admission
