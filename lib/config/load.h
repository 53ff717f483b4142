// LoadFile: reads a configuration and tells everything that is wrong with it at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/environment.h"

namespace llmbatch::config {

// One thing that is wrong, and what would be right. Never has a credential in it.
struct ConfigProblem {
  std::string file;  // for a value from the environment: "$" and the variable's name
  int line = 0;      // from 1; 0: none, as for a variable or a file that can't be read
  std::string key;   // dotted, such as "limits.concurrency"; empty: none
  std::string what;

  friend bool operator==(const ConfigProblem&, const ConfigProblem&) = default;
};

// "file:line: key: what", without the parts that are missing.
std::string ToString(const ConfigProblem& problem);

struct LoadOutcome {
  std::optional<Config> config;         // only if there are no problems
  std::vector<ConfigProblem> problems;  // in the order of the files and lines
  std::vector<ConfigProblem> warnings;  // of the same form; the configuration can be used
};

// Paths inside the configuration are relative to the file that they stand in. A variable
// LLMBATCHD_SECTION__KEY replaces what the files say.
LoadOutcome LoadFile(const std::string& path, const Environment& environment);

}  // namespace llmbatch::config
