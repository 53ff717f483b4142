// The program llmbatchd: its command line, and what it does then.
#pragma once

#include "app.h"

namespace llmbatch::daemon {

// Returns the exit code. `probe` as for RunDaemon().
int RunProgram(int argc, char** argv, Probe* probe);

}  // namespace llmbatch::daemon
