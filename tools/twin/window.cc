#include "twin/window.h"

#include <algorithm>

namespace llmbatch::twin {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;

}  // namespace

BusiestMinute::BusiestMinute() : slots_(kMinuteMs) {}

void BusiestMinute::Add(std::int64_t at_ms, std::uint64_t requests, std::uint64_t tokens) {
  Advance(at_ms);
  Slot& slot = slots_[static_cast<std::size_t>(now_ms_ % kMinuteMs)];
  slot.requests += requests;
  slot.tokens += tokens;
  sum_.requests += requests;
  sum_.tokens += tokens;
  max_requests_ = std::max(max_requests_, sum_.requests);
  max_tokens_ = std::max(max_tokens_, sum_.tokens);
}

void BusiestMinute::Advance(std::int64_t to_ms) {
  // After a pause of a minute every slot is emptied once, no oftener.
  now_ms_ = std::max(now_ms_, to_ms - kMinuteMs);
  while (now_ms_ < to_ms) {
    ++now_ms_;
    Slot& expired = slots_[static_cast<std::size_t>(now_ms_ % kMinuteMs)];
    sum_.requests -= expired.requests;
    sum_.tokens -= expired.tokens;
    expired = Slot{};
  }
}

}  // namespace llmbatch::twin
