#include "model/money.h"

#include <cstdio>

namespace llmbatch::model {
namespace {

constexpr std::int64_t kNanosPerUsd = 1'000'000'000;
constexpr std::size_t kMaxDigits = 9;

// Reads 1 to kMaxDigits digits, padded on the right to kMaxDigits where `fraction`.
std::optional<std::int64_t> ParseDigits(std::string_view digits, bool fraction) {
  if (digits.empty() || digits.size() > kMaxDigits) return std::nullopt;
  std::int64_t value = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + (digit - '0');
  }
  for (std::size_t i = digits.size(); fraction && i < kMaxDigits; ++i) value *= 10;
  return value;
}

}  // namespace

std::string ToDecimal(NanoUsd amount) {
  const bool negative = amount.nanos < 0;
  const std::int64_t nanos = negative ? -amount.nanos : amount.nanos;
  char buffer[40];
  const int length = std::snprintf(buffer, sizeof buffer, "%s%lld.%09lld", negative ? "-" : "",
                                   static_cast<long long>(nanos / kNanosPerUsd),
                                   static_cast<long long>(nanos % kNanosPerUsd));
  return std::string(buffer, static_cast<std::size_t>(length));
}

std::optional<NanoUsd> ParseDecimal(std::string_view text) {
  const std::size_t point = text.find('.');
  const auto whole = ParseDigits(text.substr(0, point), false);
  if (!whole) return std::nullopt;
  if (point == std::string_view::npos) return NanoUsd{*whole * kNanosPerUsd};
  const auto fraction = ParseDigits(text.substr(point + 1), true);
  if (!fraction) return std::nullopt;
  return NanoUsd{*whole * kNanosPerUsd + *fraction};
}

}  // namespace llmbatch::model
