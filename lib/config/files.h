// From files and variables to one table.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>

#include "config/environment.h"
#include "config/report.h"

namespace llmbatch::config {

// The main file, with the tasks of its `task_files` and the models of its `prices` put in. Each
// value still knows its own file and line. nullopt after a problem that leaves nothing to read.
std::optional<toml::table> ReadFiles(const std::string& path, const Environment& environment,
                                     Report& report);

// Puts the values of LLMBATCHD_SECTION__KEY in place of what the files say, as texts; they are read
// as what the key needs.
void ApplyVariables(toml::table& root, const Environment& environment, Report& report);

}  // namespace llmbatch::config
