#include "http/loop.h"

#include <cstdint>
#include <utility>

#include "base/check.h"
#include "http/libcurl.h"
#include "runtime/clock.h"

namespace llmbatch::http {
namespace {

using ports::TransportFailure;
using ports::TransportFault;

// A pause in an answer is noticed this much late at the most, beside a second of the wait.
constexpr base::Duration kHaltCheckInterval = std::chrono::milliseconds(250);

TransportFailure NotSent(TransportFault fault, std::string message) {
  return {.fault = fault, .maybe_processed = false, .message = std::move(message)};
}

std::vector<ports::Event> AnswerTooLate(const std::vector<Command>& commands) {
  std::vector<ports::Event> answers;
  for (const Command& command : commands) {
    if (const auto* start = std::get_if<ports::StartCall>(&command)) {
      answers.push_back(ports::CallCompleted{
          start->call, NotSent(TransportFault::kAborted, start->request.provider + ": given up")});
    }
  }
  return answers;
}

}  // namespace

base::Result<std::unique_ptr<Loop>> Loop::Create(ClientOptions options, runtime::Inbox& inbox) {
  std::int64_t max_connections = 0;
  for (const auto& [name, endpoint] : options.endpoints) {
    if (auto valid = Validate(name, endpoint); !valid) return valid.error();
    max_connections += endpoint.max_connections;
  }
  auto multi = Multi::Create(max_connections);
  if (!multi) return multi.error();
  return std::unique_ptr<Loop>(new Loop(std::move(options), std::move(multi).value(), inbox));
}

Loop::Loop(ClientOptions options, std::unique_ptr<Multi> multi, runtime::Inbox& inbox)
    : inbox_(inbox), multi_(std::move(multi)), last_progress_(runtime::ReadClock().steady) {
  auto endpoints = std::move(options.endpoints);
  for (auto& [name, endpoint] : endpoints) {
    pools_[name].provider = {
        .name = name, .endpoint = std::move(endpoint), .user_agent = options.user_agent};
  }
}

Loop::~Loop() = default;

void Loop::Execute(std::vector<Command> commands) {
  if (commands.empty()) return;
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    inbox_.PostAll(AnswerTooLate(commands));
    return;
  }
  handed_over_.push_back({runtime::ReadClock().steady, std::move(commands)});
  const bool wake = std::exchange(waiting_, false);
  lock.unlock();
  if (wake) multi_->Wake();
}

void Loop::RequestStop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  multi_->Wake();
}

void Loop::Run() {
  BlockSignals();
  bool go_on = true;
  while (go_on) {
    last_progress_ = runtime::ReadClock().steady;
    multi_->RunSockets(DecideToWait());
    go_on = TakeCommands();
    // At the end nothing more is begun: what was handed over last has not been sent.
    if (go_on) multi_->RunTimers();
    CollectFinished();
    EndHalted();
    if (!go_on) AbortAll();
    inbox_.PostAll(std::exchange(completed_, {}));
  }
}

Multi::Wait Loop::DecideToWait() {
  const std::lock_guard lock(mutex_);
  waiting_ = handed_over_.empty() && !stopping_;
  return waiting_ ? Multi::Wait::kUntilSomethingHappens : Multi::Wait::kNo;
}

bool Loop::TakeCommands() {
  std::vector<HandedOver> taken;
  bool go_on = true;
  {
    const std::lock_guard lock(mutex_);
    waiting_ = false;
    taken.swap(handed_over_);
    go_on = !stopping_;
  }
  for (HandedOver& hand_over : taken) {
    for (Command& command : hand_over.commands) Apply(std::move(command), hand_over.at);
  }
  return go_on;
}

void Loop::Apply(Command command, base::Timestamp handed_over) {
  if (auto* start = std::get_if<ports::StartCall>(&command)) {
    Start(std::move(*start), handed_over);
  } else if (const auto* abort = std::get_if<ports::AbortCall>(&command)) {
    Abort(abort->call);
  }
}

void Loop::Start(ports::StartCall start, base::Timestamp handed_over) {
  const model::CallId call = start.call;
  LLMBATCH_CHECK(!running_.contains(call));
  const std::string& name = start.request.provider;
  const auto pool = pools_.find(name);
  if (pool == pools_.end()) {
    return Complete(call, NotSent(TransportFault::kRefused, name + ": no such provider"));
  }
  const base::Duration time_left =
      start.request.timeout - (runtime::ReadClock().steady - handed_over);
  if (time_left <= base::Duration::zero()) {
    return Complete(call, NotSent(TransportFault::kTimeout, name + ": no time left to send it"));
  }
  std::unique_ptr<Transfer> transfer = TakeTransfer(pool->second);
  if (transfer == nullptr) {
    return Complete(call, NotSent(TransportFault::kConnect, name + ": out of memory"));
  }
  if (auto failure = transfer->Prepare(std::move(start), time_left)) {
    Complete(call, *std::move(failure));
    return GiveBack(std::move(transfer));
  }
  if (!multi_->Add(*transfer)) {
    Complete(call,
             NotSent(TransportFault::kConnect, pool->first + ": libcurl did not take the request"));
    return;
  }
  if (transfer->may_halt()) may_halt_.insert(call);
  running_.emplace(call, std::move(transfer));
}

void Loop::Abort(model::CallId call) {
  const auto found = running_.find(call);
  if (found == running_.end()) return;  // it has been answered
  std::unique_ptr<Transfer> transfer = Take(found);
  multi_->Remove(*transfer);
  Complete(call, transfer->TakeAborted());
  GiveBack(std::move(transfer));
}

void Loop::AbortAll() {
  while (!running_.empty()) Abort(running_.begin()->first);
}

void Loop::CollectFinished() {
  for (const Multi::Finished& finished : multi_->TakeFinished()) {
    auto found = running_.find(finished.transfer->call());
    LLMBATCH_CHECK(found != running_.end());
    std::unique_ptr<Transfer> transfer = Take(found);
    Complete(transfer->call(), transfer->TakeOutcome(finished.curl_code));
    GiveBack(std::move(transfer));
  }
}

void Loop::EndHalted() {
  const base::Timestamp now = last_progress_;
  if (may_halt_.empty() || now < next_halt_check_) return;
  next_halt_check_ = now + kHaltCheckInterval;
  std::vector<model::CallId> halted;
  for (const model::CallId call : may_halt_) {
    if (running_.at(call)->IsHalted(now)) halted.push_back(call);
  }
  for (const model::CallId call : halted) {
    std::unique_ptr<Transfer> transfer = Take(running_.find(call));
    multi_->Remove(*transfer);
    Complete(call, transfer->TakeHalted());
    GiveBack(std::move(transfer));
  }
}

std::unique_ptr<Transfer> Loop::Take(Running::iterator running) {
  may_halt_.erase(running->first);
  std::unique_ptr<Transfer> transfer = std::move(running->second);
  running_.erase(running);
  return transfer;
}

void Loop::Complete(model::CallId call, ports::HttpOutcome outcome) {
  completed_.emplace_back(ports::CallCompleted{call, std::move(outcome)});
}

std::unique_ptr<Transfer> Loop::TakeTransfer(Pool& pool) {
  if (pool.idle.empty()) return Transfer::Create(pool.provider);
  std::unique_ptr<Transfer> transfer = std::move(pool.idle.back());
  pool.idle.pop_back();
  return transfer;
}

void Loop::GiveBack(std::unique_ptr<Transfer> transfer) {
  Pool& pool = pools_.find(transfer->provider().name)->second;
  const auto max_idle = static_cast<std::size_t>(pool.provider.endpoint.max_connections);
  if (pool.idle.size() < max_idle) pool.idle.push_back(std::move(transfer));
}

}  // namespace llmbatch::http
