// FindCandidates: the parts of a model's text that could be its answer.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "answers/scanner.h"

namespace llmbatch::answers {

// More are not looked at.
inline constexpr std::size_t kMaxCandidates = 256;

struct Candidate {
  Range range;
  Scan scan;  // kWhole or kCut
};

struct Candidates {
  // Arrays and objects, none within another, in the order of the text. At most the last is cut.
  std::vector<Candidate> values;
  bool alone = false;  // there is one, and nothing but blanks around it
};

// Fences, prose and a leading block of thoughts (<think>…</think>) are passed over. Damaged JSON is
// passed over as a whole: what is nested in it is never taken for an answer of its own. Linear.
Candidates FindCandidates(std::string_view text);

}  // namespace llmbatch::answers
