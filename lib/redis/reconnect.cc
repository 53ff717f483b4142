#include "redis/reconnect.h"

#include <poll.h>

#include <algorithm>
#include <random>

namespace llmbatch::redis {

Reconnect::Reconnect(ReconnectOptions options)
    : options_(options), bound_(options.first), rng_(std::random_device{}()) {}

void Reconnect::Wait(int stop_fd) {
  const double millis = static_cast<double>(base::ToMillis(bound_)) * rng_.Unit();
  bound_ = std::min(bound_ * 2, options_.longest);
  pollfd polled = {.fd = stop_fd, .events = POLLIN, .revents = 0};
  poll(&polled, 1, static_cast<int>(millis));
}

}  // namespace llmbatch::redis
