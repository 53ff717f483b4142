// App: the daemon at work, from its configuration to the end of its main loop.
#pragma once

#include "config/config.h"
#include "logging/logger.h"

namespace llmbatch::daemon {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration =
    78;  // EX_CONFIG of sysexits.h: systemd doesn't start it again

// Runs until it is told to stop. Returns an exit code.
int RunDaemon(const config::Config& config, logging::Logger& logger);

}  // namespace llmbatch::daemon
