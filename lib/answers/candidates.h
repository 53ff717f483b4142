// FindCandidates: the parts of a model's text that could be its answer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "answers/edits.h"
#include "answers/mender.h"
#include "answers/scanner.h"

namespace llmbatch::answers {

// More are not looked at.
inline constexpr std::size_t kMaxCandidates = 4096;

// Whether only JSON is taken, or broken JSON as well.
enum class Mode { kStrict, kTolerant };

struct Candidate {
  Range range;
  Scan scan;                          // kWhole or kCut; positions in what `ScannedIn` gives
  std::optional<std::string> mended;  // kTolerant: the range as right JSON
  Edits edits;

  // The text that `scan` has positions of. `text` is the one that the candidate was found in.
  std::string_view ScannedIn(std::string_view text) const { return mended ? *mended : text; }
  // The value itself.
  std::string_view JsonIn(std::string_view text) const { return mended ? *mended : range.In(text); }
};

struct Candidates {
  // Arrays and objects, none within another, in the order of the text. At most the last is cut.
  std::vector<Candidate> values;
  bool alone = false;  // there is one, and nothing but blanks around it
};

// What was mended at which bracket, kept for the next look at the same text.
using Mends = std::unordered_map<std::size_t, Mended>;

// Fences, prose and a leading block of thoughts (<think>…</think>) are passed over. Damaged JSON is
// passed over as a whole: what is nested in it is never taken for an answer of its own. Linear.
Candidates FindCandidates(std::string_view text, Mode mode, Mends& mends);

}  // namespace llmbatch::answers
