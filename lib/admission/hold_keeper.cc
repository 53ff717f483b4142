#include "admission/hold_keeper.h"

#include <algorithm>

namespace llmbatch::admission {
namespace {

// After so long without a refusal the next one is the first again.
constexpr base::Duration kForgetAfter = std::chrono::minutes(1);
constexpr base::Duration kForgetWhenLower = std::chrono::seconds(1);
// Until what runs has come down to the lower limit.
constexpr base::Duration kShortestWhenLower = std::chrono::milliseconds(200);
constexpr int kMaxBursts = 20;

}  // namespace

HoldKeeper::Refusal HoldKeeper::OnRefused(const model::RouteEntry& route, base::Timestamp started,
                                          std::optional<base::Duration> retry_after, Cure cure,
                                          base::Timestamp now, base::Rng& rng) {
  State& state = routes_[route];
  const bool lower = cure == Cure::kLowerLimit;
  const base::Duration forget_after = lower ? kForgetWhenLower : kForgetAfter;
  const bool first = state.bursts == 0 || now >= state.until + forget_after;
  Refusal refusal;
  refusal.new_burst = first || started >= state.known_since;
  base::Timestamp until = state.until;
  if (refusal.new_burst) {
    state.bursts = first ? 1 : std::min(kMaxBursts, state.bursts + 1);
    state.known_since = now;
    const base::Duration longest = NextDelay(backoff_, state.bursts, rng);
    // Not below half of what chance may give: all the others wait for this one draw.
    until = std::max(until, now + std::max(longest, backoff_.first / 2));
    if (retry_after) until = std::max(state.until, now + *retry_after);
  } else if (retry_after) {
    until = std::max(until, now + *retry_after);
  }
  if (lower && refusal.new_burst) until = std::max(until, now + kShortestWhenLower);
  refusal.longer = until > state.until && until > now;
  state.until = until;
  refusal.hold = ports::RouteHold{.provider = route.provider,
                                  .model = route.model,
                                  .left = std::max(base::Duration::zero(), until - now),
                                  .bursts = state.bursts};
  return refusal;
}

void HoldKeeper::OnTold(const ports::RouteHold& hold, base::Timestamp now) {
  State& state = routes_[{.provider = hold.provider, .model = hold.model}];
  const base::Timestamp until = now + hold.left;
  if (hold.bursts > state.bursts || now >= state.until) state.known_since = now;
  state.bursts = std::clamp(hold.bursts, state.bursts, kMaxBursts);
  state.until = std::max(state.until, until);
}

}  // namespace llmbatch::admission
