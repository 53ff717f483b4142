// Whether what a configuration names answers.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace llmbatch::daemon {

struct Finding {
  enum class Kind { kFine, kWarning, kError };
  Kind kind = Kind::kFine;
  std::string text;  // begins with what it is about: "kafka: …", "redis: …", "providers.openai: …"
};

// Asks Kafka for its topics, Redis for its state and each provider for its door, and waits for some
// seconds for each. Changes nothing but for the scripts that Redis keeps. A provider gets an empty
// request, which costs nothing: it has to refuse it.
std::vector<Finding> CheckOnline(const config::Config& config);

}  // namespace llmbatch::daemon
