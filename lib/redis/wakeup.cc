#include "redis/wakeup.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace llmbatch::redis {

Wakeup::Wakeup() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { LLMBATCH_CHECK(fd_ >= 0); }

Wakeup::~Wakeup() { close(fd_); }

bool Wakeup::raised() const {
  pollfd polled = {.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&polled, 1, 0) > 0;
}

void Wakeup::Raise() {
  const std::uint64_t one = 1;
  // It can fail only when it is raised already.
  [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

void Wakeup::Clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(fd_, &count, sizeof count);
}

}  // namespace llmbatch::redis
