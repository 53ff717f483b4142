// AdaptiveLimit: how many calls at once a provider bears, found by trying.
//
// The idea is that of CUBIC (RFC 9438): after a refusal the limit goes back to where all was well,
// stays there for a while, and then feels its way up, faster and faster. It differs where a
// provider differs from a network: what was refused tells at once, so going back by a little is
// enough unless refusals go on.
//
//  - A step up that is refused at once is undone; the next one is tried after a while that grows
//    with what a refusal costs: how long calls are held, and how few of them there are.
//  - A limit that was good and is refused has become too large, so it goes down by a twentieth;
//    by a quarter if it is refused again before it was good.
//  - Refusals that don't come at once after a step up speak of a rate: a provider that counts the
//    calls of a minute lets more of them pass for a while. Then the limit goes to just below what
//    it was on average since the last refusal, for as many calls were answered in that time as the
//    rate allows, and it feels its way up slowly.
//  - Answers that take much longer than is usual: down to what would do without that, by a tenth to
//    a half, and up slowly.
//
// A call that was started before the last cut was known tells nothing new when it is refused: one
// burst of refusals counts once, whoever sees it. A limit grows only while it keeps calls waiting,
// and by one for each answer at the most.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "ports/adaptive.h"

namespace llmbatch::admission {

// Means the same as AdaptiveScript(), which keeps it in Redis. Belongs to one thread.
class AdaptiveLimit {
 public:
  // Begins with what the replica knows of it, or at the lower bound.
  AdaptiveLimit(const ports::AdaptiveReport& first, base::Timestamp now);

  // Puts the limit down if the report says so. `used` is what all replicas have in use. Returns
  // whether it did.
  bool OnReport(const ports::AdaptiveReport& report, std::int64_t used, base::Timestamp now);
  // All of it is in use and calls wait for more. Returns whether the limit has grown.
  bool OnFull(const ports::AdaptiveReport& report, std::int64_t live_replicas, base::Timestamp now);

  std::int64_t limit() const { return limit_; }
  ports::AdaptiveState state() const {
    return {.limit = limit_, .version = version_, .change = change_};
  }

 private:
  void Clamp(const ports::AdaptiveBounds& bounds);
  std::int64_t NextStep() const;
  std::int64_t Pause(const ports::AdaptiveReport& report) const;
  std::int64_t WaitForStep(const ports::AdaptiveReport& report) const;
  void CutForLatency(const ports::AdaptiveReport& report);
  void CutForRefusal(const ports::AdaptiveReport& report, std::int64_t used, std::int64_t now);

  // All times in milliseconds.
  std::int64_t limit_;
  std::int64_t good_;              // before the last step up
  std::int64_t version_;           // since the last change
  std::int64_t cut_;               // the version that the last cut made
  std::int64_t since_;             // of the last change, or the end of the hold that it came with
  std::int64_t wait_;              // from then until the next step up
  std::int64_t streak_ = 0;        // steps up since the last cut
  std::int64_t rate_like_ = 0;     // how much it looks as if steps up showed late, 0 to 3
  std::int64_t cut_since_;         // of the last cut
  std::int64_t area_ = 0;          // limit times time, from the last cut until the last change
  std::int64_t refusal_time_ = 0;  // until a refusal came, the last time
  bool ever_cut_ = false;
  ports::AdaptiveChange change_ = ports::AdaptiveChange::kStart;
};

}  // namespace llmbatch::admission
