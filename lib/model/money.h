// Money in integer nano-dollars: prices go down to 1e-8 dollars a token, and sums must not drift.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmbatch::model {

struct NanoUsd {
  std::int64_t nanos = 0;

  friend constexpr auto operator<=>(NanoUsd, NanoUsd) = default;
  friend constexpr NanoUsd operator+(NanoUsd a, NanoUsd b) { return {a.nanos + b.nanos}; }
  friend constexpr NanoUsd operator-(NanoUsd a, NanoUsd b) { return {a.nanos - b.nanos}; }
  constexpr NanoUsd& operator+=(NanoUsd other) {
    nanos += other.nanos;
    return *this;
  }
};

// A sum that an unknown part is in is unknown.
constexpr void Add(std::optional<NanoUsd>& sum, const std::optional<NanoUsd>& part) {
  if (sum && part) {
    *sum += *part;
  } else {
    sum.reset();
  }
}

// Decimal dollars with nine digits after the point: "0.004215000".
std::string ToDecimal(NanoUsd amount);
// Reads a decimal of at most nine digits on either side of the point, not negative; nullopt
// otherwise.
std::optional<NanoUsd> ParseDecimal(std::string_view text);

}  // namespace llmbatch::model
