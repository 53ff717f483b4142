#include "answers/edits.h"

namespace llmbatch::answers {

std::string_view ToString(EditKind kind) {
  constexpr std::string_view kNames[] = {
      "comment", "comma",     "quote",       "name",    "literal", "number",   "nulled",
      "control", "backslash", "inner_quote", "bracket", "joined",  "unwrapped"};
  static_assert(std::size(kNames) == kEditKinds);
  return kNames[static_cast<std::size_t>(kind)];
}

void Edits::Add(EditKind kind, std::size_t times) {
  counts_[static_cast<std::size_t>(kind)] += times;
  total_ += times;
}

void Edits::Add(const Edits& others) {
  for (std::size_t i = 0; i < kEditKinds; ++i) counts_[i] += others.counts_[i];
  total_ += others.total_;
}

std::size_t Edits::Of(EditKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }

bool Edits::over_limit() const {
  return total_ > kMaxEdits || Of(EditKind::kInnerQuote) + Of(EditKind::kBracket) > kMaxGuesses;
}

}  // namespace llmbatch::answers
