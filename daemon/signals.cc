#include "signals.h"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "ports/events.h"

namespace llmbatch::daemon {
namespace {

// Not used by anything else here: ends the thread's wait.
constexpr int kEndSignal = SIGUSR1;

sigset_t WaitedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, kEndSignal}) sigaddset(&signals, signal);
  return signals;
}

void WaitForSignals(runtime::Inbox& inbox, const std::function<void()>& reload) {
  const sigset_t signals = WaitedSignals();
  bool stopping = false;
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0 || signal == kEndSignal) return;
    if (signal == SIGHUP) {
      reload();
      continue;
    }
    inbox.Post(ports::StopRequested{.at_once = stopping});
    stopping = true;
  }
}

}  // namespace

void SignalThread::BlockSignals() {
  const sigset_t signals = WaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A peer that closes its connection must not end the process.
  ::signal(SIGPIPE, SIG_IGN);
}

SignalThread::SignalThread(runtime::Inbox& inbox, std::function<void()> reload)
    : thread_([&inbox, reload = std::move(reload)] { WaitForSignals(inbox, reload); }) {}

SignalThread::~SignalThread() {
  pthread_kill(thread_.native_handle(), kEndSignal);
  thread_.join();
}

}  // namespace llmbatch::daemon
