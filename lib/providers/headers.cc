#include "providers/headers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace llmbatch::providers {
namespace {

constexpr base::Duration kMaxDuration = std::chrono::hours(24 * 365 * 10);
constexpr std::size_t kMaxDecimalLength = 24;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsDecimalChar(char c) { return IsDigit(c) || c == '.'; }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

struct Unit {
  std::string_view name;
  base::Duration length;
};
constexpr Unit kUnits[] = {
    {"ns", std::chrono::nanoseconds(1)},  {"us", std::chrono::microseconds(1)},
    {"ms", std::chrono::milliseconds(1)}, {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},       {"h", std::chrono::hours(1)},
    {"d", std::chrono::hours(24)},
};

std::optional<base::Duration> LengthOfUnit(std::string_view name) {
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.length;
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> ParseFixed(std::string_view digits) {
  const auto number = ParseWhole(digits);
  if (!number) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

std::optional<std::string_view> FindHeader(const std::vector<model::Header>& headers,
                                           std::string_view name) {
  for (const model::Header& header : headers) {
    if (header.name == name) return Trim(header.value);
  }
  return std::nullopt;
}

std::optional<std::int64_t> ParseWhole(std::string_view text) {
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<base::Duration> ParseDecimalDuration(std::string_view text, base::Duration unit) {
  if (text.empty() || text.size() > kMaxDecimalLength || !IsDigit(text.front()) ||
      !std::all_of(text.begin(), text.end(), IsDecimalChar)) {
    return std::nullopt;
  }
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const double nanos = number * static_cast<double>(unit.count());
  if (nanos > static_cast<double>(kMaxDuration.count())) return std::nullopt;
  return base::Duration(static_cast<base::Duration::rep>(nanos));
}

std::optional<base::Duration> ParseUnitDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  base::Duration sum{};
  while (!text.empty()) {
    const auto number_end = std::find_if_not(text.begin(), text.end(), IsDecimalChar);
    const auto unit_end = std::find_if(number_end, text.end(), IsDecimalChar);
    const auto number_length = static_cast<std::size_t>(number_end - text.begin());
    const auto part_length = static_cast<std::size_t>(unit_end - text.begin());
    const auto unit = LengthOfUnit(text.substr(number_length, part_length - number_length));
    if (!unit) return std::nullopt;
    const auto part = ParseDecimalDuration(text.substr(0, number_length), *unit);
    if (!part || *part > kMaxDuration - sum) return std::nullopt;
    sum += *part;
    text.remove_prefix(part_length);
  }
  return sum;
}

std::optional<base::WallTime> ParseHttpDate(std::string_view text) {
  constexpr std::size_t kLength = 29;
  if (text.size() != kLength || text.substr(3, 2) != ", " || text.substr(25) != " GMT" ||
      text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return std::nullopt;
  }
  const auto day = ParseFixed(text.substr(5, 2));
  const auto month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
  const auto year = ParseFixed(text.substr(12, 4));
  const auto hour = ParseFixed(text.substr(17, 2));
  const auto minute = ParseFixed(text.substr(20, 2));
  const auto second = ParseFixed(text.substr(23, 2));
  if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
  if (*year < 1970 || *year > 2200 || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return base::WallTime(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                        std::chrono::minutes(*minute) + std::chrono::seconds(*second));
}

}  // namespace llmbatch::providers
