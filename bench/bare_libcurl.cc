#include <curl/curl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "http_load.h"

namespace llmbatch::bench {
namespace {

struct Loop {
  int epoll = -1;
  CURLM* multi = nullptr;
  long timeout_ms = -1;
};

int OnSocket(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& loop = *static_cast<Loop*>(self);
  if (what == CURL_POLL_REMOVE) return epoll_ctl(loop.epoll, EPOLL_CTL_DEL, socket, nullptr), 0;
  epoll_event event{};
  event.data.fd = socket;
  if (what != CURL_POLL_OUT) event.events |= EPOLLIN;
  if (what != CURL_POLL_IN) event.events |= EPOLLOUT;
  epoll_ctl(loop.epoll, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event);
  if (known == nullptr) curl_multi_assign(loop.multi, socket, self);
  return 0;
}

int OnTimer(CURLM*, long timeout_ms, void* self) {
  static_cast<Loop*>(self)->timeout_ms = timeout_ms;
  return 0;
}

std::size_t OnBody(char* data, std::size_t, std::size_t size, void* body) {
  static_cast<std::string*>(body)->append(data, size);
  return size;
}

struct Handle {
  CURL* easy = nullptr;
  std::string body;
};

std::vector<std::unique_ptr<Handle>> MakeHandles(const HttpLoad& load, const std::string& url,
                                                 const std::string& request, curl_slist* headers) {
  std::vector<std::unique_ptr<Handle>> handles;
  for (std::int64_t i = 0; i < load.in_flight; ++i) {
    auto handle = std::make_unique<Handle>();
    handle->easy = curl_easy_init();
    curl_easy_setopt(handle->easy, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.size()));
    curl_easy_setopt(handle->easy, CURLOPT_POSTFIELDS, request.c_str());
    curl_easy_setopt(handle->easy, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(handle->easy, CURLOPT_WRITEDATA, &handle->body);
    curl_easy_setopt(handle->easy, CURLOPT_PRIVATE, handle.get());
    curl_easy_setopt(handle->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle->easy, CURLOPT_TIMEOUT_MS, 600'000L);
    handles.push_back(std::move(handle));
  }
  return handles;
}

// Serves sockets and timers once.
void RunOnce(Loop& loop) {
  std::array<epoll_event, 256> ready;
  const int count = epoll_wait(loop.epoll, ready.data(), static_cast<int>(ready.size()),
                               static_cast<int>(loop.timeout_ms));
  int running = 0;
  if (count == 0) {
    loop.timeout_ms = -1;
    curl_multi_socket_action(loop.multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    int what = 0;
    if ((event.events & EPOLLIN) != 0) what |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
    curl_multi_socket_action(loop.multi, event.data.fd, what, &running);
  }
}

}  // namespace

std::optional<std::int64_t> RunBareLibcurl(const HttpLoad& load) {
  Loop loop{.epoll = epoll_create1(EPOLL_CLOEXEC), .multi = curl_multi_init()};
  if (loop.epoll < 0 || loop.multi == nullptr) return std::nullopt;
  curl_multi_setopt(loop.multi, CURLMOPT_SOCKETFUNCTION, &OnSocket);
  curl_multi_setopt(loop.multi, CURLMOPT_SOCKETDATA, &loop);
  curl_multi_setopt(loop.multi, CURLMOPT_TIMERFUNCTION, &OnTimer);
  curl_multi_setopt(loop.multi, CURLMOPT_TIMERDATA, &loop);
  curl_multi_setopt(loop.multi, CURLMOPT_MAXCONNECTS, static_cast<long>(load.in_flight));

  const std::string request = ChatCompletion(1024);
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Authorization: Bearer none");
  const auto handles = MakeHandles(load, load.base_url + "/chat/completions", request, headers);
  std::int64_t started = 0;
  std::int64_t finished = 0;
  std::int64_t failed = 0;
  for (const auto& handle : handles) {
    if (started++ < load.requests) curl_multi_add_handle(loop.multi, handle->easy);
  }
  while (finished < load.requests) {
    RunOnce(loop);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(loop.multi, &left)) {
      Handle* handle = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &handle);
      long status = 0;
      curl_easy_getinfo(handle->easy, CURLINFO_RESPONSE_CODE, &status);
      if (message->data.result != CURLE_OK || status != 200 || handle->body.empty()) ++failed;
      handle->body.clear();
      curl_multi_remove_handle(loop.multi, handle->easy);
      ++finished;
      if (started++ < load.requests) curl_multi_add_handle(loop.multi, handle->easy);
    }
  }
  for (const auto& handle : handles) curl_easy_cleanup(handle->easy);
  curl_multi_cleanup(loop.multi);
  curl_slist_free_all(headers);
  close(loop.epoll);
  return failed;
}

}  // namespace llmbatch::bench
