// Time as a value. Pure code is given a Now and never reads a clock; only runtime/ knows how late
// it is.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmbatch::base {

using Duration = std::chrono::nanoseconds;

// Tags without a now(): a time point of ours can't be made by asking a clock.
struct SteadyTag {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<SteadyTag, Duration>;
  static constexpr bool is_steady = true;
};
struct WallTag {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<WallTag, Duration>;
  static constexpr bool is_steady = false;
};

// Monotone time, for leases, back-off, linger and every other interval. Its zero has no meaning.
using Timestamp = SteadyTag::time_point;
// Time since 1970-01-01 UTC, for dates, deadlines given by users, and budgets. May jump.
using WallTime = WallTag::time_point;

struct Now {
  Timestamp steady;
  WallTime wall;
};

constexpr std::int64_t ToMillis(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}
constexpr double ToSeconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// RFC 3339 in UTC with milliseconds: "2026-11-21T07:51:21.042Z".
std::string FormatRfc3339(WallTime time);
// Reads RFC 3339 with any offset and up to nine digits of a second; nullopt if it is anything else,
// a date that doesn't exist, or outside 1970–2200.
std::optional<WallTime> ParseRfc3339(std::string_view text);

}  // namespace llmbatch::base
