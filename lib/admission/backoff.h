// Backoff: how long to wait before the next attempt.
#pragma once

#include "base/rng.h"
#include "base/time.h"

namespace llmbatch::admission {

// Exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"): uniform
// between zero and a ceiling that doubles with every attempt.
struct BackoffOptions {
  base::Duration first = std::chrono::milliseconds(500);
  base::Duration longest = std::chrono::seconds(30);
};

// `attempts` is how many were made already, at least 1.
base::Duration NextDelay(const BackoffOptions& options, int attempts, base::Rng& rng);

}  // namespace llmbatch::admission
