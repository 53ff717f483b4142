// App: the daemon at work, from its configuration to the end of its main loop.
#pragma once

#include <string>

#include "config/load.h"
#include "logging/logger.h"

namespace llmbatch::daemon {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration =
    78;  // EX_CONFIG of sysexits.h: systemd doesn't start it again

// Runs until it is told to stop. `path` is read again at a SIGHUP. Returns an exit code.
// REQUIRES: `loaded` has a configuration
int RunDaemon(const std::string& path, config::LoadOutcome loaded, logging::Logger& logger);

}  // namespace llmbatch::daemon
