// Reading the configuration, with the checks of all parts that will use it.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "config/load.h"

namespace llmbatch::daemon {

config::LoadOutcome LoadConfiguration(const std::string& path);

// All that must not be seen in a log.
std::vector<base::Secret> SecretsOf(const config::Config& config);

}  // namespace llmbatch::daemon
