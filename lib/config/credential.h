// Credentials: the configuration names where they are, and never has them in it.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"
#include "config/environment.h"
#include "config/section.h"

namespace llmbatch::config {

// Reads a key whose value is "credential:NAME", "file:PATH" or "env:NAME" and fetches what is
// there. Empty if the key is missing, after a problem, or if the environment fetches no secrets.
base::Secret ReadSecret(Section& section, std::string_view key, const Environment& environment);

}  // namespace llmbatch::config
