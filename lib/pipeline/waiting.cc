// Calls, third part: what calls wait for, in words.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>

#include "pipeline/calls.h"

namespace llmbatch::pipeline {
namespace {

// The reasons as metrics and /status name them.
constexpr std::array<std::string_view, 6> kReasons{"permit", "provider", "rate",
                                                   "budget", "hold",     "back_off"};

std::string About(base::Duration left) {
  const auto seconds = static_cast<std::int64_t>(std::ceil(base::ToSeconds(left)));
  return ", about " + std::to_string(std::max<std::int64_t>(0, seconds)) + " s";
}

}  // namespace

Calls::Reason Calls::ReasonOf(const Call& call, base::Timestamp now) const {
  if (call.state == CallState::kBackingOff) {
    return {.word = "back_off", .text = "back-off" + About(call.not_before - now)};
  }
  const std::string& provider = LaneOf(call).route.provider;
  if (const auto until = queue_.HeldUntil(call, now)) {
    return {.word = "hold", .text = "provider " + provider + ": hold" + About(*until - now)};
  }
  if (const auto waiting = limits_.WaitingFor(call.id, now)) {
    const bool rate = waiting->kind == ports::Limit::Kind::kRate;
    return {.word = rate ? "rate" : "budget",
            .text = (rate ? "provider " : "budget ") + std::string(waiting->limit) +
                    About(waiting->left)};
  }
  if (queue_.IsBusy(call)) {
    return {.word = "provider", .text = "provider " + provider + ": its calls of this replica"};
  }
  const std::string_view pool = permits_.FullPoolOf(call.permit_class);
  if (pool == admission::kPoolOfAll) return {.word = "permit", .text = "permit"};
  return {.word = "permit", .text = "permit of " + std::string(pool)};
}

std::map<std::string, std::int64_t> Calls::CountWaiting(base::Timestamp now) const {
  std::map<std::string, std::int64_t> counts;
  for (const std::string_view reason : kReasons) counts.emplace(reason, 0);
  for (const auto& [id, call] : calls_) {
    if (call.state != CallState::kInFlight) ++counts[std::string(ReasonOf(call, now).word)];
  }
  return counts;
}

std::map<model::RequestId, std::string> Calls::WaitingReasons(base::Timestamp now) const {
  std::map<model::RequestId, std::string> reasons;
  for (const auto& [id, call] : calls_) {
    if (call.state == CallState::kInFlight) continue;
    std::optional<std::string> text;
    for (const model::RequestId request : call.requests) {
      const auto found = requests_.find(request);
      if (found == requests_.end() || !found->second.job) continue;
      if (!text) text = ReasonOf(call, now).text;
      reasons.emplace(found->second.job->job, *text);
    }
  }
  return reasons;
}

}  // namespace llmbatch::pipeline
