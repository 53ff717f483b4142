#include "app.h"

#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "admin/server.h"
#include "drivers.h"
#include "kafka/connection.h"
#include "metrics/metrics.h"
#include "notify.h"
#include "pipeline/pipeline.h"
#include "reloader.h"
#include "runtime/clock.h"
#include "runtime/inbox.h"
#include "signals.h"
#include "status_page.h"

namespace llmbatch::daemon {
namespace {

constexpr base::Duration kStatusInterval = std::chrono::milliseconds(250);
constexpr base::Duration kNotifyInterval = std::chrono::seconds(5);
// Rounds begin at least so far apart. At full load an event then shares its round, and every
// wake-up that follows from it, with others; a single one doesn't wait.
constexpr base::Duration kRoundInterval = std::chrono::microseconds(500);

std::uint64_t DrawSeed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

// Differs for every start, also of the same instance within one second.
std::string MakeStartId(std::uint64_t seed) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string id;
  for (int i = 0; i < 12; ++i) id += kDigits[seed >> (4 * i) & 0xFU];
  return id;
}

pipeline::Options PipelineOptions(const config::Config& config, const std::string& start_id,
                                  std::uint64_t seed) {
  pipeline::Options options;
  options.catalog = config.catalog;
  options.bpe = config.bpe;
  options.topics.results = config.kafka.results;
  options.topics.progress = config.kafka.progress;
  options.topics.dead_letters = config.kafka.dead_letters;
  options.topics.control = config.kafka.control;
  for (const config::Binding& binding : config.kafka.bindings) {
    options.topics.bindings.emplace(binding.topic, binding.task);
  }
  options.limits.max_message_bytes = static_cast<std::size_t>(config.kafka.max_message_bytes);
  options.limits.max_pending_bytes = config.limits.max_pending_bytes;
  options.start_id = start_id;
  options.seed = seed;
  options.permits = {.limit = config.limits.concurrency,
                     .lease = config.redis.lease,
                     .when_away = config.limits.on_redis_down,
                     .local_limit = config.limits.local_concurrency};
  options.call_limits.exhausted_ends = config.budgets.spent_ends;
  options.budgets = {.all = config.budgets.all, .each_user = config.budgets.each_user};
  options.jobs.progress_interval = config.limits.progress_interval;
  options.items_timeout = config.limits.items_timeout;
  options.documents.max_bytes = config.documents.max_bytes;
  options.documents.max_job_bytes = config.documents.max_job_bytes;
  options.documents.max_held_bytes = config.documents.max_held_bytes;
  options.delivery = config.kafka.exactly_once ? pipeline::Delivery::kExactlyOnce
                                               : pipeline::Delivery::kAtLeastOnce;
  options.commit_interval = config.limits.commit_interval;
  options.drain_timeout = config.limits.drain_timeout;
  options.max_wait = config.limits.max_wait;
  options.ledger_ttl = config.redis.ledger_ttl;
  return options;
}

std::string Summary(const pipeline::Status& status) {
  std::int64_t open = 0;
  for (const pipeline::PartitionStatus& each : status.assigned) open += each.open;
  return std::to_string(status.assigned.size()) + " partitions, " + std::to_string(open) +
         " records open, " + std::to_string(status.calls.at("in_flight")) + " calls in flight";
}

// The main loop, and what it does now and then besides.
class Loop {
 public:
  Loop(pipeline::Pipeline& core, Drivers& drivers, runtime::Inbox& inbox, Reloader& reloader,
       StatusPage& page, std::atomic<base::Timestamp>& alive_until, Probe* probe)
      : core_(core),
        drivers_(drivers),
        inbox_(inbox),
        reloader_(reloader),
        page_(page),
        alive_until_(alive_until),
        probe_(probe),
        watchdog_(WatchdogInterval()) {}

  void Run() {
    while (!core_.stopped()) {
      auto events = inbox_.WaitUntil(Deadline(), next_round_);
      const base::Now begin = runtime::ReadClock();
      next_round_ = begin.steady + kRoundInterval;
      if (probe_ != nullptr) probe_->BeforeEvents(events);
      ports::Commands commands = core_.Handle(std::move(events), begin);
      if (probe_ != nullptr) probe_->BeforeCommands(commands);
      drivers_.Execute(std::move(commands));
      if (probe_ != nullptr) probe_->AfterCommands();
      if (core_.reloads() != told_reloads_) {
        told_reloads_ = core_.reloads();
        reloader_.SetDealtWith(told_reloads_);
      }
      const base::Timestamp now = runtime::ReadClock().steady;
      if (now >= next_status_) ReportStatus(now);
    }
  }

 private:
  base::Timestamp Deadline() const {
    const auto deadline = core_.NextDeadline(runtime::ReadClock().steady);
    return deadline ? std::min(*deadline, next_status_) : next_status_;
  }

  void ReportStatus(base::Timestamp now) {
    next_status_ = now + kStatusInterval;
    const pipeline::Status status = core_.GetStatus();
    page_.Update(status);
    drivers_.ReportLag();
    const bool alive = drivers_.alive(now);
    alive_until_ = alive ? now + kHangs : base::Timestamp();
    if (watchdog_ && alive && now >= next_sign_of_life_) {
      NotifyAlive();
      next_sign_of_life_ = now + *watchdog_;
    }
    if (status.stopping && !told_stopping_) {
      NotifyStopping();
      told_stopping_ = true;
    }
    if (now >= next_notify_) {
      NotifyStatus(Summary(status));
      next_notify_ = now + kNotifyInterval;
    }
  }

  pipeline::Pipeline& core_;
  Drivers& drivers_;
  runtime::Inbox& inbox_;
  Reloader& reloader_;
  StatusPage& page_;
  std::atomic<base::Timestamp>& alive_until_;  // unless this thread tells more
  Probe* const probe_;                         // may be null
  const std::optional<base::Duration> watchdog_;
  base::Timestamp next_round_;
  base::Timestamp next_status_;
  base::Timestamp next_notify_;
  base::Timestamp next_sign_of_life_;
  std::int64_t told_reloads_ = 0;
  bool told_stopping_ = false;
};

// Connections to providers are kept while nobody needs their descriptors, and others then find
// none, the admin pages among them.
void WarnOfFewDescriptors(const config::Config& config, logging::Logger& logger) {
  constexpr std::int64_t kOthers = 100;  // brokers, Redis, pages, epoll
  std::int64_t wanted = kOthers;
  for (const auto& [name, provider] : config.providers) wanted += provider.provider.concurrency;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= static_cast<rlim_t>(wanted)) {
    return;
  }
  logger.Write(
      {.level = ports::LogLevel::kWarning,
       .message = "there may be too few file descriptors; raise LimitNOFILE=",
       .fields = {{"limit", std::to_string(limit.rlim_cur)}, {"wanted", std::to_string(wanted)}}});
}

int Fail(logging::Logger& logger, const base::Error& error, int exit_code) {
  logger.Write({.level = ports::LogLevel::kError, .message = error.message, .fields = {}});
  return exit_code;
}

}  // namespace

int RunDaemon(const std::string& path, config::LoadOutcome loaded, logging::Logger& logger,
              Probe* probe) {
  const config::Config config = *loaded.config;
  const std::uint64_t seed = DrawSeed();
  const std::string start_id = MakeStartId(seed);
  runtime::Inbox inbox;
  metrics::Metrics metrics(
      {.version = LLMBATCH_VERSION,
       .instance = config.kafka.instance,
       .started_at_s = base::ToSeconds(runtime::ReadClock().wall.time_since_epoch())});
  StatusPage page({.version = LLMBATCH_VERSION,
                   .instance = config.kafka.instance,
                   .librdkafka = kafka::LibraryVersion()});
  std::atomic<base::Timestamp> alive_until = runtime::ReadClock().steady + kHangs;

  auto core = pipeline::Pipeline::Create(PipelineOptions(config, start_id, DrawSeed()));
  if (!core) return Fail(logger, core.error(), kExitConfiguration);
  const admin::Handlers handlers{
      .metrics = [&metrics] { return metrics.Scrape(); },
      .status = [&page] { return page.Json(); },
      .alive =
          [&alive_until] {
            const bool alive = runtime::ReadClock().steady < alive_until.load();
            return admin::Check{.ok = alive, .text = alive ? "alive" : "a thread hangs"};
          },
      .ready =
          [&page] {
            return admin::Check{.ok = page.ready(), .text = page.ready() ? "ready" : "not ready"};
          }};
  auto server = admin::Server::Start(config.admin.listen, handlers);
  if (!server) return Fail(logger, server.error(), kExitFailure);
  auto drivers = Drivers::Start(config, start_id, inbox, metrics, logger);
  if (!drivers) {
    // What may pass, such as a thread that can't be started, is for the service manager to try
    // again.
    const bool is_configured_wrongly = drivers.error().kind == base::ErrorKind::kInvalid;
    return Fail(logger, drivers.error(), is_configured_wrongly ? kExitConfiguration : kExitFailure);
  }
  Reloader reloader(path, std::move(loaded), inbox, logger);
  const SignalThread signals(inbox, [&reloader] { reloader.Request(); });

  logger.Write({.level = ports::LogLevel::kInfo,
                .message = "started",
                .fields = {{"version", LLMBATCH_VERSION},
                           {"instance", config.kafka.instance},
                           {"start_id", start_id},
                           {"admin_port", std::to_string((*server)->port())},
                           {"coordinator", config.redis.url.empty() ? "in process" : "redis"},
                           {"librdkafka", kafka::LibraryVersion()}}});
  WarnOfFewDescriptors(config, logger);
  NotifyReady();
  Loop(**core, **drivers, inbox, reloader, page, alive_until, probe).Run();
  (*drivers)->Stop();
  logger.Write({.level = ports::LogLevel::kInfo, .message = "stopped", .fields = {}});
  return kExitDone;
}

}  // namespace llmbatch::daemon
