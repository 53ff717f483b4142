#include "redis/coordinator.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "jobs/record_script.h"
#include "redis/address.h"
#include "redis/requests.h"
#include "redis/server_facts.h"
#include "redis/signals.h"
#include "redis/wake_listener.h"
#include "redis/wakeup.h"

namespace llmbatch::redis {
namespace {

constexpr std::size_t kMaxNameBytes = 200;

base::Error Stopped() {
  return base::MakeError(base::ErrorKind::kAborted, "redis: given up because we stop");
}

// Whatever is the matter with the server, it may have been put right when the core asks again.
base::Error AsUnavailable(base::Error error) {
  if (error.kind != base::ErrorKind::kAborted) error.kind = base::ErrorKind::kUnavailable;
  return error;
}

base::Result<void> CheckName(std::string_view option, std::string_view name) {
  const auto is_bad = [](char c) { return c <= ' ' || c == '{' || c == '}' || c == '\x7f'; };
  if (!name.empty() && name.size() <= kMaxNameBytes &&
      std::none_of(name.begin(), name.end(), is_bad)) {
    return {};
  }
  return base::Invalid("redis." + std::string(option) +
                       ": must be 1 to 200 characters without spaces and braces");
}

// What of a round's replies belongs to one job.
struct Share {
  std::size_t first = 0;
  std::size_t count = 0;
};

// Jobs, their requests and what came of them.
struct Round {
  std::vector<Job> jobs;
  std::vector<Request> requests;
  std::vector<Share> shares;  // one for each job
  Connection::Exchanged exchanged;

  std::span<const OwnedReply> RepliesOf(std::size_t job) const {
    return std::span(exchanged.replies).subspan(shares[job].first, shares[job].count);
  }
  bool IsComplete(std::size_t job) const {
    return shares[job].first + shares[job].count <= exchanged.replies.size();
  }
};

}  // namespace

class RedisCoordinator::Impl {
 public:
  Impl(RedisOptions options, Address address, runtime::Inbox& inbox);
  ~Impl() { Stop(); }

  void Execute(Job job);
  bool up() const;
  void Stop();

 private:
  void Run();
  base::Error ConnectAndServe();
  base::Result<void> WaitForJobs(Connection& connection);
  base::Result<void> RunRound(Connection& connection, std::vector<Job> jobs);
  void RepeatWithoutScripts(Connection& connection, Round& round);
  void PostCompletions(const Round& round, std::string_view server);
  void GoUp();
  void GoDown(const base::Error& error);
  void WarnOfRisks(Connection& connection);
  void Log(ports::LogLevel level, std::string message, std::vector<ports::LogLine::Field> fields);

  const RedisOptions options_;
  const Address address_;
  const Deployment deployment_;
  runtime::Inbox& inbox_;
  Reconnect reconnect_;
  ServerFacts facts_;
  std::string logged_reason_;
  bool risks_told_ = false;

  mutable std::mutex mutex_;
  std::vector<Job> waiting_;
  bool up_ = false;
  std::optional<base::Error> refuse_;  // set: commands are completed with it at once

  Wakeup has_jobs_;
  Wakeup stop_;
  std::optional<WakeListener> listener_;
  std::thread thread_;
};

RedisCoordinator::Impl::Impl(RedisOptions options, Address address, runtime::Inbox& inbox)
    : options_(std::move(options)),
      address_(std::move(address)),
      deployment_{.name_space = options_.name_space,
                  .replica = options_.replica,
                  .ledger_secret = options_.ledger_secret,
                  .learning = options_.learning},
      inbox_(inbox),
      reconnect_(options_.reconnect) {
  listener_.emplace(
      WakeListenerOptions{.address = address_,
                          .wake_channel = deployment_.WakeChannel(),
                          .hold_channel = deployment_.HoldChannel(),
                          .cancel_channel = jobs::ControlChannel(deployment_.Prefix()),
                          .timeouts = options_.timeouts,
                          .reconnect = options_.reconnect,
                          .log = options_.log},
      inbox_);
  thread_ = std::thread([this] { Run(); });
}

void RedisCoordinator::Impl::Execute(Job job) {
  std::optional<base::Error> refused;
  {
    const std::lock_guard lock(mutex_);
    refused = refuse_;
    if (!refused) {
      if (waiting_.empty()) has_jobs_.Raise();
      waiting_.push_back(std::move(job));
    }
  }
  if (!refused) return;
  if (auto failure = FailureOf(job, *refused)) inbox_.Post(*std::move(failure));
}

bool RedisCoordinator::Impl::up() const {
  const std::lock_guard lock(mutex_);
  return up_;
}

void RedisCoordinator::Impl::Stop() {
  if (!thread_.joinable()) return;
  stop_.Raise();
  listener_.reset();
  thread_.join();
}

void RedisCoordinator::Impl::Run() {
  BlockBrokenPipeSignal();
  while (!stop_.raised()) {
    const base::Error error = ConnectAndServe();
    if (error.kind == base::ErrorKind::kAborted) break;
    GoDown(error);
    reconnect_.Wait(stop_.fd());
  }
  GoDown(Stopped());
}

// Serves until the connection breaks, there is none, or we stop; returns which.
base::Error RedisCoordinator::Impl::ConnectAndServe() {
  auto connection = Connection::Open(address_, options_.timeouts, stop_.fd());
  if (!connection) return connection.error();
  auto facts = PrepareServer(*connection);
  if (!facts) return facts.error();
  facts_ = *std::move(facts);
  GoUp();
  WarnOfRisks(*connection);
  for (;;) {
    if (auto ready = WaitForJobs(*connection); !ready) return ready.error();
    std::vector<Job> jobs;
    {
      const std::lock_guard lock(mutex_);
      jobs.swap(waiting_);
    }
    if (auto served = RunRound(*connection, std::move(jobs)); !served) return served.error();
    reconnect_.Reset();
  }
}

base::Result<void> RedisCoordinator::Impl::WaitForJobs(Connection& connection) {
  std::array<pollfd, 3> polled = {
      pollfd{.fd = stop_.fd(), .events = POLLIN, .revents = 0},
      pollfd{.fd = has_jobs_.fd(), .events = POLLIN, .revents = 0},
      pollfd{.fd = connection.fd(), .events = POLLIN, .revents = 0},
  };
  for (;;) {
    while (poll(polled.data(), polled.size(), -1) < 0) {
    }
    if (polled[0].revents != 0) return Stopped();
    if (polled[2].revents != 0) {
      // Nothing was asked, so this is the connection's end, or nothing that we could understand.
      const auto received = connection.Receive(base::Duration::zero());
      if (!received) return received.error();
      if (*received || !connection.IsQuiet()) {
        return base::MakeError(base::ErrorKind::kUnavailable,
                               connection.server() + " spoke unasked");
      }
      // It was TLS alone that spoke.
    }
    if (polled[1].revents == 0) continue;
    has_jobs_.Clear();
    return {};
  }
}

base::Result<void> RedisCoordinator::Impl::RunRound(Connection& connection, std::vector<Job> jobs) {
  Round round{.jobs = std::move(jobs), .requests = {}, .shares = {}, .exchanged = {}};
  for (const Job& job : round.jobs) {
    std::vector<Request> needed = RequestsFor(job, deployment_, facts_);
    round.shares.push_back({.first = round.requests.size(), .count = needed.size()});
    std::move(needed.begin(), needed.end(), std::back_inserter(round.requests));
  }
  round.exchanged = connection.Exchange(round.requests);
  RepeatWithoutScripts(connection, round);
  PostCompletions(round, connection.server());
  if (round.exchanged.error) return *round.exchanged.error;
  for (const OwnedReply& reply : round.exchanged.replies) {
    // Another server may stand behind the name by now.
    if (reply.view().ErrorCode() == "READONLY") return ErrorFrom(reply.view(), connection.server());
  }
  return {};
}

// Someone emptied the script cache: loads the scripts again and repeats what needed them.
void RedisCoordinator::Impl::RepeatWithoutScripts(Connection& connection, Round& round) {
  std::vector<std::size_t> positions;
  std::vector<Request> requests;
  for (std::size_t i = 0; i < round.exchanged.replies.size(); ++i) {
    if (round.exchanged.replies[i].view().ErrorCode() != "NOSCRIPT") continue;
    positions.push_back(i);
    requests.push_back(round.requests[i]);
  }
  if (positions.empty() || round.exchanged.error) return;
  if (auto loaded = LoadScripts(connection); !loaded) {
    round.exchanged.error = loaded.error();
    return;
  }
  auto repeated = connection.Exchange(requests);
  for (std::size_t i = 0; i < repeated.replies.size(); ++i) {
    round.exchanged.replies[positions[i]] = std::move(repeated.replies[i]);
  }
  round.exchanged.error = repeated.error;
}

void RedisCoordinator::Impl::PostCompletions(const Round& round, std::string_view server) {
  std::vector<ports::Event> events;
  events.reserve(round.jobs.size());
  for (std::size_t i = 0; i < round.jobs.size(); ++i) {
    auto event = round.IsComplete(i)
                     ? EventFor(round.jobs[i], round.RepliesOf(i), server)
                     : FailureOf(round.jobs[i], AsUnavailable(*round.exchanged.error));
    if (event) events.push_back(*std::move(event));
  }
  inbox_.PostAll(std::move(events));
}

void RedisCoordinator::Impl::GoUp() {
  {
    const std::lock_guard lock(mutex_);
    up_ = true;
    refuse_.reset();
  }
  logged_reason_.clear();
  Log(ports::LogLevel::kInfo, "Redis answers", {{"server", address_.Name()}});
}

void RedisCoordinator::Impl::GoDown(const base::Error& error) {
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    up_ = false;
    refuse_ = AsUnavailable(error);
    jobs.swap(waiting_);
  }
  has_jobs_.Clear();
  std::vector<ports::Event> events;
  for (const Job& job : jobs) {
    if (auto failure = FailureOf(job, AsUnavailable(error))) events.push_back(*std::move(failure));
  }
  inbox_.PostAll(std::move(events));
  if (error.kind == base::ErrorKind::kAborted || error.message == logged_reason_) return;
  logged_reason_ = error.message;
  Log(ports::LogLevel::kWarning, "Redis is away",
      {{"server", address_.Name()}, {"reason", error.message}});
}

void RedisCoordinator::Impl::WarnOfRisks(Connection& connection) {
  if (std::exchange(risks_told_, true)) return;
  for (const std::string& risk : RiskySettings(connection)) {
    Log(ports::LogLevel::kWarning, risk, {{"server", address_.Name()}});
  }
}

void RedisCoordinator::Impl::Log(ports::LogLevel level, std::string message,
                                 std::vector<ports::LogLine::Field> fields) {
  if (!options_.log) return;
  options_.log({.level = level, .message = std::move(message), .fields = std::move(fields)});
}

base::Result<std::unique_ptr<RedisCoordinator>> RedisCoordinator::Start(RedisOptions options,
                                                                        runtime::Inbox& inbox) {
  auto address = ParseAddress(options.url);
  if (!address) return address.error();
  if (!options.user.empty()) address->user = options.user;
  if (!options.password.empty()) address->password = options.password;
  address->ca_file = options.ca_file;
  if (auto checked = CheckName("namespace", options.name_space); !checked) return checked.error();
  if (auto checked = CheckName("replica", options.replica); !checked) return checked.error();
  if (options.learning < base::Duration::zero()) return base::Invalid("redis.learning: negative");
  return std::unique_ptr<RedisCoordinator>(
      new RedisCoordinator(std::make_unique<Impl>(std::move(options), *std::move(address), inbox)));
}

RedisCoordinator::RedisCoordinator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisCoordinator::~RedisCoordinator() = default;

void RedisCoordinator::Execute(ports::SyncPermits command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::ReserveCalls command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::HoldRoute command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::ShareRatios command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::LookUpOutcomes command) {
  impl_->Execute(std::move(command));
}
void RedisCoordinator::Execute(ports::MarkSent command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::ReleaseClaims command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::StoreOutcomes command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::TakeJobRecord command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::SaveJobRecord command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::AskJobMember command) { impl_->Execute(std::move(command)); }
void RedisCoordinator::Execute(ports::CommandJobRecord command) {
  impl_->Execute(std::move(command));
}
void RedisCoordinator::Execute(ports::FetchDocument command) { impl_->Execute(std::move(command)); }
bool RedisCoordinator::up() const { return impl_->up(); }
void RedisCoordinator::Stop() { impl_->Stop(); }

}  // namespace llmbatch::redis
