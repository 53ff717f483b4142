#include "notify.h"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>
#include <ctime>

namespace llmbatch::daemon {
namespace {

// So that one late round doesn't count as death.
constexpr int kSignsOfLifePerTimeout = 3;

}  // namespace

void NotifyReady() { sd_notify(0, "READY=1"); }
void NotifyReloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec.count())).c_str());
}
void NotifyStopping() { sd_notify(0, "STOPPING=1"); }
void NotifyStatus(const std::string& status) { sd_notify(0, ("STATUS=" + status).c_str()); }
void NotifyAlive() { sd_notify(0, "WATCHDOG=1"); }

std::optional<base::Duration> WatchdogInterval() {
  std::uint64_t timeout_us = 0;
  if (sd_watchdog_enabled(0, &timeout_us) <= 0) return std::nullopt;
  return base::Duration(std::chrono::microseconds(timeout_us)) / kSignsOfLifePerTimeout;
}

}  // namespace llmbatch::daemon
