// How the twin behaves: one table of settings, read from flags and from the script alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "twin/faults.h"
#include "twin/latency.h"
#include "twin/limits.h"

namespace llmbatch::twin {

// What happens to certain requests, whatever the rates say.
struct Step {
  Fault fault{};
  std::optional<double> latency_ms{};
  std::optional<double> retry_after_seconds{};
  // The completion's text, word for word, instead of a generated one.
  std::optional<std::string> answer{};
  // For how many requests; in a rule 0 means all.
  std::uint64_t times = 1;
};

// A step for the requests whose prompt, or one of whose items, contains a text.
struct Rule {
  std::string text_contains;
  Step step;
};

struct Behaviour {
  std::uint64_t seed = 1;
  Latency latency{};
  double latency_per_output_token_ms = 0;
  double latency_per_item_ms = 0;
  std::uint64_t workers = 0;  // 0: as many as requests
  LimitOptions limits{};
  std::optional<double> retry_after_seconds{};
  double chars_per_token = 4;
  std::uint64_t context_window = 0;  // in tokens; 0: none
  std::string api_key{};             // empty: keys are not looked at
  FaultRates error_rate{};
  FaultRates answer_fault{};
  std::vector<Step> next{};
  std::vector<Rule> match{};
};

// Changes one setting, named as in the script (`latency_ms`).
base::Result<void> ApplySetting(std::string_view name, std::string_view value,
                                Behaviour& behaviour);
// One line for each setting, as flags, for --help.
std::string DescribeSettings();

// `base` with what the script, a JSON object, says otherwise. The error names the key.
base::Result<Behaviour> ParseScript(std::string_view json, Behaviour base);

}  // namespace llmbatch::twin
