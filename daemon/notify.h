// What the service manager is told (sd_notify). Does nothing when the daemon doesn't run under
// systemd.
#pragma once

#include <optional>
#include <string>

#include "base/time.h"

namespace llmbatch::daemon {

// Also when a reload has ended.
void NotifyReady();
// A reload begins; it ends with NotifyReady().
void NotifyReloading();
void NotifyStopping();
void NotifyStatus(const std::string& status);
void NotifyAlive();
// How often NotifyAlive() must be called; nullopt: there is no watchdog.
std::optional<base::Duration> WatchdogInterval();

}  // namespace llmbatch::daemon
