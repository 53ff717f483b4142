// Calls, fifth part: providers that would fail every call.
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/calls.h"

namespace llmbatch::pipeline {
namespace {

using Sign = admission::Breaker::Sign;

Sign SignOf(providers::FailureClass cls) {
  using providers::FailureClass;
  if (providers::ActionFor(cls) == providers::Action::kHold) return Sign::kRefuses;
  switch (cls) {
    case FailureClass::kTransport:
    case FailureClass::kTimeout:
    case FailureClass::kOverloaded:
    case FailureClass::kProtocol:
      return Sign::kFails;
    default:
      return Sign::kAnswers;
  }
}

// Later than the replica that opened the breaker, and by a quarter of an interval at the most.
constexpr std::int64_t kLeastProbeDelayPermille = 50;
constexpr std::uint64_t kProbeDelaySpreadPermille = 200;

ports::RouteHold NewsOf(const std::string& provider, const admission::Breaker& breaker) {
  ports::RouteHold news{.provider = provider, .model = {}};
  if (!breaker.open()) return news;
  news.left = breaker.Interval();
  news.bursts = breaker.openings();
  return news;
}

}  // namespace

void Calls::EndFailed(Call& call, const providers::CallFailure& failure, base::Now now,
                      ports::Commands& out) {
  // Of a burst of refusals only the first tells something, and only that uses up an attempt.
  call.uses_up_attempt = HoldRouteOf(call, failure, now, out);
  NoteEnd(call, SignOf(failure.cls), failure.message, now.steady, out);
}

void Calls::NoteStart(Call& call, ports::Commands& out) {
  queue_.OnStarted(call);
  const std::string& provider = LaneOf(call).route.provider;
  admission::Breaker& breaker = queue_.BreakerOf(provider);
  call.probe = breaker.OnStarted();
  // The others leave it to this one.
  if (call.probe) out.emplace_back(ports::HoldRoute{NewsOf(provider, breaker)});
}

void Calls::NoteEnd(const Call& call, std::optional<Sign> sign, std::string_view reason,
                    base::Timestamp now, ports::Commands& out) {
  using Change = admission::Breaker::Change;
  queue_.OnEnded(call);
  const std::string& provider = LaneOf(call).route.provider;
  admission::Breaker& breaker = queue_.BreakerOf(provider);
  const Change change = breaker.OnEnded(sign, call.probe, now);
  if (change == Change::kNone) return;
  out.emplace_back(ports::HoldRoute{NewsOf(provider, breaker)});
  if (change == Change::kClosed) return;
  out.emplace_back(
      ports::LogLine{.level = ports::LogLevel::kError,
                     .message = "provider refuses all calls; held until it is probed again",
                     .fields = {{"provider", provider}, {"reason", std::string(reason)}}});
  MoveOn(provider, now);
}

void Calls::OnBreakerTold(const ports::RouteHold& hold, base::Timestamp now) {
  admission::Breaker& breaker = queue_.BreakerOf(hold.provider);
  if (ports::IsOver(hold)) {
    breaker.OnToldClosed(now);
    return;
  }
  if (!probe_delay_permille_) {
    probe_delay_permille_ =
        kLeastProbeDelayPermille + static_cast<std::int64_t>(rng_.Below(kProbeDelaySpreadPermille));
  }
  const base::Duration delay = breaker.Interval() * *probe_delay_permille_ / 1'000;
  if (breaker.OnToldOpen(hold.bursts, hold.left + delay, now)) MoveOn(hold.provider, now);
}

void Calls::MoveOn(const std::string& provider, base::Timestamp now) {
  if (stopped_) return;
  for (auto& [id, call] : calls_) {
    const std::vector<Lane>& lanes = call.recipe->lanes();
    const bool waits =
        call.state == CallState::kWaitingForPermit || call.state == CallState::kWaitingForLimit;
    if (!waits || lanes[call.lane].route.provider != provider) continue;
    if (call.lane + 1 == lanes.size()) continue;
    StopWaiting(call);
    Enqueue(call, now);
  }
}

void Calls::ChooseLane(Call& call, base::Timestamp now) const {
  const std::vector<Lane>& lanes = call.recipe->lanes();
  for (std::size_t lane = call.lane; lane < lanes.size(); ++lane) {
    if (queue_.IsClosedOff(lanes[lane].route.provider, now)) continue;
    if (lane != call.lane) call.attempts = 0;
    call.lane = lane;
    return;
  }
}

}  // namespace llmbatch::pipeline
