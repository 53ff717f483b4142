// Calls, fifth part: providers that would fail every call.
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

}  // namespace

void Calls::EndFailed(Call& call, const providers::CallFailure& failure, base::Now now,
                      ports::Commands& out) {
  // Of a burst of refusals only the first tells something, and only that uses up an attempt.
  call.uses_up_attempt = HoldRouteOf(call, failure, now, out);
  if (!queue_.OnEnded(call, SignOf(failure.cls), now.steady)) return;
  const std::string& provider = call.recipe->lanes()[call.lane].route.provider;
  out.emplace_back(
      ports::LogLine{.level = ports::LogLevel::kError,
                     .message = "provider refuses all calls; held until it is probed again",
                     .fields = {{"provider", provider}, {"reason", std::string(failure.message)}}});
  MoveOn(provider, now.steady);
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
