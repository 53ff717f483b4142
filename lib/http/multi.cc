#include "http/multi.h"

#include <curl/curl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <utility>

#include "http/libcurl.h"

namespace llmbatch::http {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kMaxReadyAtOnce = 256;
// So that whoever watches the thread sees it come round.
constexpr int kLongestWaitMillis = 1'000;

// libcurl asks by a look at the next byte whether a connection has ended, so what came in is taken
// out as well.
void EndConnection(int socket) {
  shutdown(socket, SHUT_RDWR);
  std::array<char, 4096> ignored;
  while (recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
  }
}

// What an epoll event carries beside the socket.
constexpr std::uint64_t kWakeup = std::uint64_t{1} << 32;
// No transfer uses the connection. Whatever comes in now, nobody asked for; libcurl 7.88 would read
// it as the answer to the next request. Such a connection is ended, which libcurl does notice.
constexpr std::uint64_t kIdle = std::uint64_t{1} << 33;

std::uint32_t EpollEvents(int what) {
  std::uint32_t events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
  return events;
}

int CurlEvents(std::uint32_t events) {
  int what = 0;
  if ((events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
  if ((events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) what |= CURL_CSELECT_ERR;
  return what;
}

}  // namespace

// What libcurl calls, translated.
struct Multi::Callbacks {
  static int Socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    static_cast<Multi*>(self)->Watch(socket, what);
    return 0;
  }

  static int Timer(CURLM*, long milliseconds, void* self) {
    auto& timer = static_cast<Multi*>(self)->timer_;
    if (milliseconds < 0) {
      timer.reset();
    } else {
      timer = SteadyClock::now() + std::chrono::milliseconds(milliseconds);
    }
    return 0;
  }
};

Multi::Descriptor::~Descriptor() {
  if (value_ >= 0) close(value_);
}

void Multi::HandleDeleter::operator()(void* handle) const { curl_multi_cleanup(handle); }

base::Result<std::unique_ptr<Multi>> Multi::Create(std::int64_t max_connections) {
  const bool ready = IsLibcurlReady();
  std::unique_ptr<Multi> multi(new Multi());
  if (!ready || multi->handle_ == nullptr || multi->epoll_.get() < 0 || multi->wakeup_.get() < 0 ||
      !multi->SetOptions(max_connections)) {
    return base::MakeError(base::ErrorKind::kInternal,
                           "http: no memory or no file descriptors for libcurl");
  }
  return multi;
}

Multi::Multi()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      handle_(curl_multi_init()) {}

Multi::~Multi() = default;

bool Multi::SetOptions(std::int64_t max_connections) {
  const auto set = [this](CURLMoption option, auto value) {
    return (curl_multi_setopt)(handle_.get(), option, value) == CURLM_OK;
  };
  // Edge-triggered, so that it need not be read to be quiet again.
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = kWakeup}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) == 0 &&
         set(CURLMOPT_SOCKETFUNCTION, &Callbacks::Socket) && set(CURLMOPT_SOCKETDATA, this) &&
         set(CURLMOPT_TIMERFUNCTION, &Callbacks::Timer) && set(CURLMOPT_TIMERDATA, this) &&
         // A smaller cache would close connections that the next call needs.
         set(CURLMOPT_MAXCONNECTS, static_cast<long>(max_connections));
}

bool Multi::Add(Transfer& transfer) {
  return curl_multi_add_handle(handle_.get(), transfer.handle()) == CURLM_OK;
}

void Multi::Remove(Transfer& transfer) {
  curl_multi_remove_handle(handle_.get(), transfer.handle());
}

void Multi::Watch(int socket, int what) {
  const bool idle = what == CURL_POLL_REMOVE;
  epoll_event event{.events = idle ? EPOLLIN | EPOLLRDHUP | EPOLLONESHOT : EpollEvents(what),
                    .data = {.u64 = static_cast<std::uint32_t>(socket) | (idle ? kIdle : 0)}};
  // Watched sockets leave epoll only by being closed, so most are known to it. libcurl tells of the
  // end of one that was still connecting only after it closed it; epoll then knows no such socket.
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket, &event) != 0 && !idle) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket, &event);
  }
}

void Multi::RunSockets(Wait wait) {
  std::array<epoll_event, kMaxReadyAtOnce> ready;
  const int timeout = wait == Wait::kNo ? 0 : MillisToWait();
  const int count = epoll_wait(epoll_.get(), ready.data(), kMaxReadyAtOnce, timeout);
  const auto events = std::span(ready).first(static_cast<std::size_t>(std::max(0, count)));
  // Idle ones first: as soon as libcurl acts, their numbers may belong to other connections.
  for (const epoll_event& event : events) {
    if ((event.data.u64 & kIdle) != 0) {
      EndConnection(static_cast<int>(event.data.u64 & ~kIdle));
    }
  }
  for (const epoll_event& event : events) {
    if ((event.data.u64 & (kIdle | kWakeup)) != 0) continue;
    int running = 0;
    curl_multi_socket_action(handle_.get(), static_cast<int>(event.data.u64),
                             CurlEvents(event.events), &running);
  }
}

void Multi::RunTimers() {
  if (!timer_ || *timer_ > SteadyClock::now()) return;
  timer_.reset();
  int running = 0;
  curl_multi_socket_action(handle_.get(), CURL_SOCKET_TIMEOUT, 0, &running);
}

int Multi::MillisToWait() const {
  if (!timer_) return kLongestWaitMillis;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*timer_ - SteadyClock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongestWaitMillis));
}

std::vector<Multi::Finished> Multi::TakeFinished() {
  std::vector<Finished> finished;
  TakeEnded(handle_.get(), [&finished](void* owner, int curl_code) {
    finished.push_back({static_cast<Transfer*>(owner), curl_code});
  });
  return finished;
}

void Multi::Wake() {
  const std::uint64_t one = 1;
  // It can't fail before 2^64 wake-ups.
  static_cast<void>(write(wakeup_.get(), &one, sizeof one));
}

}  // namespace llmbatch::http
