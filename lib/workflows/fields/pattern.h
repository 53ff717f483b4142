// Pattern: a regular expression from a configuration or a message, matched in linear time.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace llmbatch::workflows {

inline constexpr std::size_t kMaxPatternBytes = 1'000;

// RE2's syntax: that of Perl without look-around and back-references. Copies share what was
// compiled.
class Pattern {
 public:
  enum class Case { kExact, kIgnored };
  // The error says what is wrong with it, for whoever wrote it.
  static base::Result<Pattern> Compile(std::string_view text, Case letters);

  // The first match in `text`: the first group if the pattern has one, else the whole match.
  std::optional<std::string> Find(std::string_view text) const;
  bool MatchesWhole(std::string_view text) const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> compiled);

  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace llmbatch::workflows
