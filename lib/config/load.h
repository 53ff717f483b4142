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

// One key and what it means for this configuration.
struct ConfigValue {
  std::string section;  // dotted, such as models."openai/gpt-6-luna"; empty: the top of the file
  std::string key;
  // As TOML writes it, on one line; a table as JSON. A credential's is its reference, never what it
  // refers to.
  std::string value;
  // "file:line", "$VARIABLE", or empty: the default.
  std::string source;

  friend bool operator==(const ConfigValue&, const ConfigValue&) = default;
};

struct LoadOutcome {
  std::optional<Config> config;         // only if there are no problems
  std::vector<ConfigProblem> problems;  // in the order of the files and lines
  std::vector<ConfigProblem> warnings;  // of the same form; the configuration can be used
  // Every key that is known or was given, sections kept together; only if there are no problems.
  std::vector<ConfigValue> values;
};

// Whose credentials are fetched. The others are empty and need not be within reach.
enum class Credentials { kAll, kKafka, kRedis, kNone };

// Paths inside the configuration are relative to the file that they stand in. A variable
// LLMBATCHD_SECTION__KEY replaces what the files say.
LoadOutcome LoadFile(const std::string& path, const Environment& environment,
                     Credentials credentials = Credentials::kAll);

}  // namespace llmbatch::config
