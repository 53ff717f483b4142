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

// Of one provider. Closed, calls go as they like. Open, none goes but one after each interval,
// which doubles; when that one finds the provider answering, the breaker closes. Replicas tell each
// other when theirs opens, probes or closes. Belongs to one thread.
class Breaker {
 public:
  // What the end of a call tells of its provider.
  enum class Sign {
    kAnswers,  // it was there and took our key, whatever it made of the call
    kFails,    // it was not there, or had a fault
    kRefuses   // it refuses every call until someone acts: the key, the account
  };
  enum class Change {
    kNone,
    kOpened,  // or kept open, for longer
    kClosed
  };

  explicit Breaker(BreakerOptions options) : options_(options) {}

  bool open() const { return open_; }
  // How many times in a row it was opened or probed in vain; 0: it is closed.
  int openings() const { return openings_; }
  // From a probe to the next one.
  base::Duration Interval() const;

  // Whether a call may start; an open breaker lets only a probe go, and one at a time.
  bool MayStart(base::Timestamp now) const { return !open_ || (!probing_ && now >= probe_at_); }
  // Returns whether the call that starts is a probe.
  bool OnStarted();
  // A call has ended; nullopt: it was given up and tells nothing. Of an open breaker only a probe
  // tells something: other calls were started before.
  Change OnEnded(std::optional<Sign> sign, bool probe, base::Timestamp now);

  // Another replica's has opened, or probes now, so that this one is not to probe for `left`. What
  // was on its way when this one closed counts for nothing. Returns whether this one was closed.
  bool OnToldOpen(int openings, base::Duration left, base::Timestamp now);
  // Another replica was answered. Returns whether this one was open.
  bool OnToldClosed(base::Timestamp now);

  // When the next probe may go; nullopt: closed, or one is under way.
  std::optional<base::Timestamp> ProbeAt() const;

 private:
  // Returns whether it was open.
  bool Close(base::Timestamp now);

  BreakerOptions options_;
  bool open_ = false;
  bool probing_ = false;
  int openings_ = 0;
  base::Timestamp probe_at_;
  std::optional<base::Timestamp> closed_at_;
  std::int64_t failures_ = 0;  // in a row
  base::Timestamp failing_since_;
};

}  // namespace llmbatch::admission
