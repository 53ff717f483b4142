// Cancels the job of a script behind each of its steps, and judges what comes of that.
#pragma once

#include <string>
#include <vector>

#include "scenarios/script.h"

namespace llmbatch::scenarios {

// What is wrong, a line each. The script's own expectations are not looked at.
// REQUIRES: the script has a job, and no command for one.
std::vector<std::string> CancelEverywhere(const Script& script);

}  // namespace llmbatch::scenarios
