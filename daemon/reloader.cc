#include "reloader.h"

#include <utility>
#include <vector>

#include "config/reload.h"
#include "configuration.h"
#include "notify.h"

namespace llmbatch::daemon {
namespace {

ports::LiveLimits ToLiveLimits(const config::Limits& limits) {
  return {.concurrency = limits.concurrency,
          .max_pending_bytes = limits.max_pending_bytes,
          .drain_timeout = limits.drain_timeout,
          .max_wait = limits.max_wait,
          .progress_interval = limits.progress_interval,
          .items_timeout = limits.items_timeout,
          .commit_interval = limits.commit_interval};
}

void LogEach(logging::Logger& logger, ports::LogLevel level, const std::string& message,
             const std::vector<config::ConfigProblem>& problems) {
  for (const config::ConfigProblem& problem : problems) {
    logger.Write({.level = level, .message = message, .fields = {{"problem", ToString(problem)}}});
  }
}

}  // namespace

Reloader::Reloader(std::string path, config::LoadOutcome running, runtime::Inbox& inbox,
                   logging::Logger& logger)
    : path_(std::move(path)), running_(std::move(running)), inbox_(inbox), logger_(logger) {
  thread_ = std::thread([this] { Run(); });
}

Reloader::~Reloader() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Reloader::Request() {
  {
    const std::lock_guard lock(mutex_);
    requested_ = true;
  }
  changed_.notify_all();
}

void Reloader::SetDealtWith(std::int64_t events) {
  {
    const std::lock_guard lock(mutex_);
    if (events == dealt_with_) return;
    dealt_with_ = events;
  }
  changed_.notify_all();
}

void Reloader::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return requested_ || ending_; });
    if (ending_) return;
    requested_ = false;
    ++posted_;
    lock.unlock();
    NotifyReloading();
    inbox_.Post(Read());
    lock.lock();
    // Or else the next one's beginning could be told before this one's end.
    changed_.wait(lock, [this] { return dealt_with_ == posted_ || ending_; });
    if (ending_) return;
    NotifyReady();
  }
}

ports::Event Reloader::Read() {
  const config::LoadOutcome changed = LoadConfiguration(path_);
  if (!changed.config) {
    LogEach(logger_, ports::LogLevel::kError, "the new configuration is refused", changed.problems);
    return ports::ConfigurationRefused{};
  }
  logger_.AddSecrets(SecretsOf(*changed.config));
  config::ReloadPlan plan = PlanReload(running_, changed);
  if (!plan.problems.empty()) {
    LogEach(logger_, ports::LogLevel::kError, "the new configuration is refused", plan.problems);
    return ports::ConfigurationRefused{};
  }
  LogEach(logger_, ports::LogLevel::kWarning, "configuration", changed.warnings);
  LogEach(logger_, ports::LogLevel::kWarning, "a change of the configuration waits for a restart",
          plan.waiting);
  return ports::ConfigurationLoaded{.catalog = std::move(plan.catalog),
                                    .limits = ToLiveLimits(plan.limits)};
}

}  // namespace llmbatch::daemon
