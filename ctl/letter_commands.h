// llmbatchctl dlq list | show | replay.
#pragma once

#include <cstddef>

#include "ctl/exit_codes.h"
#include "ctl/letters.h"
#include "ctl/session.h"

namespace llmbatch::ctl {

inline constexpr std::size_t kMaxLetters = 100'000;
inline constexpr std::size_t kUsualLetters = 1'000;
// Beyond that many a replay asks people first.
inline constexpr std::size_t kMaxUnasked = 10;

struct ReplayOptions {
  std::size_t max_letters = kMaxLetters;
  bool dry_run = false;
  bool yes = false;  // ask nothing
};

// The topic of the dead letters is read up to where it ends when the command begins.
ExitCode ListLetters(const Session& session, const LetterFilter& filter, std::size_t max_letters);
// `detail` counts for JSON only.
ExitCode ShowLetter(const Session& session, Place place, Detail detail);
// The original value and nothing else. A terminal gets it in a form that does it no harm.
ExitCode ShowValue(const Session& session, Place place);
// Publishes what can be replayed; the rest is told. The letters stay where they are.
ExitCode ReplayLetters(const Session& session, const LetterFilter& filter,
                       const ReplayOptions& options);

}  // namespace llmbatch::ctl
