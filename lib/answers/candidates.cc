#include "answers/candidates.h"

#include <algorithm>
#include <utility>

namespace llmbatch::answers {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

struct ThoughtTag {
  std::string_view open;
  std::string_view close;
};
constexpr ThoughtTag kThoughtTags[] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}};

std::size_t SkipBlanks(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(kBlanks, at), text.size());
}

// Behind one block of thoughts that begins at `at`; `at` itself if none does. A block without an
// end goes on to the end of the text.
std::size_t SkipThought(std::string_view text, std::size_t at) {
  for (const ThoughtTag& tag : kThoughtTags) {
    if (!text.substr(at).starts_with(tag.open)) continue;
    const std::size_t close = text.find(tag.close, at);
    return close == std::string_view::npos ? text.size() : close + tag.close.size();
  }
  return at;
}

std::size_t SkipThoughts(std::string_view text) {
  std::size_t at = SkipBlanks(text, 0);
  while (true) {
    const std::size_t behind = SkipBlanks(text, SkipThought(text, at));
    if (behind == at) return at;
    at = behind;
  }
}

// Behind the bracket that closes the last open one, as far as that can be told of damaged JSON.
std::size_t SkipDamaged(std::string_view text, std::size_t at, std::size_t open_brackets) {
  bool in_string = false;
  for (; at < text.size() && open_brackets > 0; ++at) {
    const char c = text[at];
    if (c == '"') {
      in_string = !in_string;
    } else if (c == '\n') {
      in_string = false;  // no string goes over a line's end: a quotation mark was lost
    } else if (in_string) {
      if (c == '\\') ++at;
    } else if (c == '{' || c == '[') {
      ++open_brackets;
    } else if (c == '}' || c == ']') {
      --open_brackets;
    }
  }
  return std::min(at, text.size());
}

}  // namespace

Candidates FindCandidates(std::string_view text) {
  Candidates candidates;
  std::size_t at = SkipThoughts(text);
  const bool has_thoughts = at != SkipBlanks(text, 0);
  const std::size_t begin = at;
  while (candidates.values.size() < kMaxCandidates) {
    at = text.find_first_of("{[", at);
    if (at == std::string_view::npos) break;
    Scan scan = ScanValue(text, at);
    const Range range{at, scan.end};
    if (scan.outcome != Scan::Outcome::kBroken) {
      at = scan.end;
      candidates.values.push_back({range, std::move(scan)});
    } else if (scan.has_member) {
      at = SkipDamaged(text, scan.end, scan.open_brackets);
    } else {
      // Prose in brackets. What is wrong at `end` may be the begin of the answer.
      at = std::max(scan.end, at + 1);
    }
  }
  candidates.alone = candidates.values.size() == 1 && !has_thoughts &&
                     candidates.values[0].range.begin == begin &&
                     SkipBlanks(text, candidates.values[0].range.end) == text.size();
  return candidates;
}

}  // namespace llmbatch::answers
