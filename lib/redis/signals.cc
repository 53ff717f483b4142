#include "redis/signals.h"

#include <csignal>

namespace llmbatch::redis {

void BlockBrokenPipeSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace llmbatch::redis
