// App: the daemon at work, from its configuration to the end of its main loop.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"
#include "logging/logger.h"
#include "ports/commands.h"
#include "ports/events.h"

namespace llmbatch::daemon {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitConfiguration =
    78;  // EX_CONFIG of sysexits.h: systemd doesn't start it again

// Sees each round of the main loop, on its thread. For tests that end the process at a named point
// of a request's life.
class Probe {
 public:
  virtual ~Probe() = default;
  virtual void BeforeEvents(const std::vector<ports::Event>& events) = 0;
  virtual void BeforeCommands(const ports::Commands& commands) = 0;
  // The drivers have taken them.
  virtual void AfterCommands() = 0;
};

// Runs until it is told to stop. `path` is read again at a SIGHUP. Returns an exit code.
// `probe` may be null.
// REQUIRES: `loaded` has a configuration
int RunDaemon(const std::string& path, config::LoadOutcome loaded, logging::Logger& logger,
              Probe* probe);

}  // namespace llmbatch::daemon
