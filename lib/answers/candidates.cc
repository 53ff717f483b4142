#include "answers/candidates.h"

#include <algorithm>
#include <utility>

#include "answers/loose_text.h"
#include "answers/mender.h"

namespace llmbatch::answers {
namespace {

struct ThoughtTag {
  std::string_view open;
  std::string_view close;
};
constexpr ThoughtTag kThoughtTags[] = {{"<think>", "</think>"}, {"<thinking>", "</thinking>"}};

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

// What begins at a bracket. If it is a candidate, its scan isn't kBroken.
struct Attempt {
  Candidate candidate;
  std::size_t open_brackets = 0;  // where it is broken
  bool has_member = false;
};

Attempt TryScan(std::string_view text, std::size_t at) {
  Attempt attempt;
  attempt.candidate.scan = ScanValue(text, at);
  const Scan& scan = attempt.candidate.scan;
  attempt.candidate.range = {at, scan.end};
  attempt.open_brackets = scan.open_brackets;
  attempt.has_member = scan.has_member;
  return attempt;
}

Attempt TryMend(std::string_view text, std::size_t at, Mends& mends) {
  const auto known = mends.find(at);
  Mended mended = known == mends.end() ? MendValue(text, at) : std::move(known->second);
  Attempt attempt{.candidate = {.range = {at, mended.end}, .edits = mended.edits},
                  .open_brackets = mended.open_brackets,
                  .has_member = mended.has_member};
  if (mended.outcome != Token::kBroken) {
    attempt.candidate.scan = ScanValue(mended.json, 0);
    attempt.candidate.mended = std::move(mended.json);
  }
  return attempt;
}

bool IsBroken(const Attempt& attempt) {
  return attempt.candidate.scan.outcome == Scan::Outcome::kBroken;
}

// Of what is no JSON, how far it is damaged JSON: nothing in that is to be found.
Attempt TryStrict(std::string_view text, std::size_t at, Mends& mends) {
  Attempt attempt = TryScan(text, at);
  if (!IsBroken(attempt)) return attempt;
  Mended mended = MendValue(text, at);
  if (!mended.has_member) return attempt;
  Attempt damaged{.candidate = {.range = {at, mended.end}},
                  .open_brackets = mended.outcome == Token::kBroken ? mended.open_brackets : 0,
                  .has_member = true};
  mends.emplace(at, std::move(mended));
  return damaged;
}

// Of what isn't like an answer, how far it is JSON all the same: nothing in that is to be found.
Attempt TryTolerant(std::string_view text, std::size_t at, Mends& mends) {
  Attempt attempt = TryMend(text, at, mends);
  return IsBroken(attempt) && !attempt.has_member ? TryScan(text, at) : attempt;
}

}  // namespace

Candidates FindCandidates(std::string_view text, Mode mode, Mends& mends) {
  Candidates candidates;
  std::size_t at = SkipThoughts(text);
  const bool has_thoughts = at != SkipBlanks(text, 0);
  const std::size_t begin = at;
  while (candidates.values.size() < kMaxCandidates) {
    at = text.find_first_of("{[", at);
    if (at == std::string_view::npos) break;
    Attempt attempt =
        mode == Mode::kStrict ? TryStrict(text, at, mends) : TryTolerant(text, at, mends);
    const std::size_t end = attempt.candidate.range.end;
    if (!IsBroken(attempt)) {
      at = end;
      candidates.values.push_back(std::move(attempt.candidate));
    } else if (attempt.has_member && mode == Mode::kTolerant) {
      // Where it ends cannot be told, and what is nested in it must not be found.
      break;
    } else if (attempt.has_member) {
      at = SkipDamaged(text, end, attempt.open_brackets);
    } else {
      // Prose in brackets. What is wrong at `end` may be the begin of the answer.
      at = std::max(end, at + 1);
    }
  }
  candidates.alone = candidates.values.size() == 1 && !has_thoughts &&
                     candidates.values[0].range.begin == begin &&
                     SkipBlanks(text, candidates.values[0].range.end) == text.size();
  return candidates;
}

}  // namespace llmbatch::answers
