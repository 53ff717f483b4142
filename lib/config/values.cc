#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

namespace llmbatch::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// From the largest to the smallest.
const std::array<std::pair<std::string_view, base::Duration>, 5> kUnits{{{"d", hours(24)},
                                                                         {"h", hours(1)},
                                                                         {"m", minutes(1)},
                                                                         {"s", seconds(1)},
                                                                         {"ms", milliseconds(1)}}};
constexpr base::Duration kLongest = hours(24 * 3650);

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

bool IsAsciiLetterOrDigit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool HasOnlyNameCharacters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsAsciiLetterOrDigit(c) || c == '.' || c == '_' || c == '-';
  });
}

}  // namespace

std::optional<base::Duration> ParseDuration(std::string_view text) {
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  for (const auto& [name, length] : kUnits) {
    if (unit != name) continue;
    if (count > kLongest / length) return std::nullopt;
    return count * length;
  }
  return std::nullopt;
}

std::string ToText(base::Duration duration) {
  for (const auto& [name, length] : kUnits) {
    if (duration >= length && duration % length == base::Duration{}) {
      return std::to_string(duration / length) + std::string(name);
    }
  }
  return std::to_string(base::ToMillis(duration)) + "ms";
}

std::string ToText(std::int64_t number) {
  std::string text = std::to_string(number);
  const std::size_t first_digit = number < 0 ? 1 : 0;
  for (std::size_t i = text.size(); i > first_digit + 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::optional<std::string> Nearest(std::string_view word,
                                   const std::vector<std::string>& candidates) {
  constexpr std::size_t kMaxWordBytes = 100;
  if (word.size() > kMaxWordBytes) return std::nullopt;
  std::optional<std::string> nearest;
  std::size_t smallest = std::max<std::size_t>((word.size() + 1) / 3, 1) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(word, candidate);
    if (distance < smallest) {
      smallest = distance;
      nearest = candidate;
    }
  }
  if (nearest || word.empty()) return nearest;
  // What is left out at the end is a unit, most of the time.
  for (const std::string& candidate : candidates) {
    if (!candidate.starts_with(std::string(word) + '_')) continue;
    if (nearest) return std::nullopt;
    nearest = candidate;
  }
  return nearest;
}

std::string Enumerate(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += '"' + words[i] + '"';
  }
  return text;
}

bool IsTopicName(std::string_view text) {
  return !text.empty() && text.size() <= 249 && text != "." && text != ".." &&
         HasOnlyNameCharacters(text);
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= 64 && HasOnlyNameCharacters(text);
}

std::string FaultOfBaseUrl(std::string_view url, bool allow_http) {
  const std::size_t colon = url.find("://");
  const std::string_view scheme = colon == std::string_view::npos ? "" : url.substr(0, colon);
  if (scheme != "https" && scheme != "http") return "must begin with https://";
  if (scheme == "http" && !allow_http) {
    return "must begin with https://; http is allowed only with allow_private = true";
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (authority.empty() || authority.front() == ':') return "has no host";
  if (authority.find('@') != std::string_view::npos) {
    return "must have no credentials in it; use api_key";
  }
  if (rest.find_first_of("?#") != std::string_view::npos) return "must have no query or fragment";
  const bool printable = std::all_of(rest.begin(), rest.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  });
  if (!printable) return "may have only printable ASCII characters, without spaces";
  return {};
}

bool MatchesPattern(std::string_view name, std::string_view pattern) {
  // The classic walk with one point of return: the last star seen.
  std::size_t at = 0, in_pattern = 0, star = std::string_view::npos, star_at = 0;
  while (at < name.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      star_at = at;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == name[at]) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++star_at;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace llmbatch::config
