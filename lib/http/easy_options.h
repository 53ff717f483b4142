// EasyOptions: what a libcurl handle is told.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace llmbatch::http {

// Sets options and remembers whether all were taken: one that was dropped for want of memory, such
// as the proxy or the authorities, must not go unnoticed.
class EasyOptions {
 public:
  explicit EasyOptions(CURL* handle) : handle_(handle) {}

  template <typename T>
  EasyOptions& Set(CURLoption option, T value) {
    // In brackets, because the macro of the same name wants a literal option.
    if ((curl_easy_setopt)(handle_, option, value) != CURLE_OK) all_taken_ = false;
    return *this;
  }
  // What holds for every transfer: HTTP/1.1 and no redirects; TLS from 1.2 on with a peer that is
  // who it says, by the authorities of `ca_file`, or the system's if that is empty.
  EasyOptions& SetGuards(const std::string& ca_file) {
    Set(CURLOPT_NOSIGNAL, 1L)
        .Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1))
        .Set(CURLOPT_HTTP09_ALLOWED, 0L)
        .Set(CURLOPT_FOLLOWLOCATION, 0L)
        .Set(CURLOPT_SSL_VERIFYPEER, 1L)
        .Set(CURLOPT_SSL_VERIFYHOST, 2L)
        .Set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2))
        // Without it the end of a transfer waits for its name look-up, and all others with it.
        .Set(CURLOPT_QUICK_EXIT, 1L);
    if (!ca_file.empty()) {
      Set(CURLOPT_CAINFO, ca_file.c_str()).Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    }
    return *this;
  }
  // No proxy if it is empty. Both are set even then, or else the environment would be asked.
  EasyOptions& SetProxy(const std::string& proxy) {
    return Set(CURLOPT_PROXY, proxy.c_str()).Set(CURLOPT_NOPROXY, "");
  }
  // What is read, and sockets that are to be opened, go to Callbacks' Header, Body and OpenSocket,
  // with `self`.
  template <typename Callbacks>
  EasyOptions& SetCallbacks(void* self) {
    return Set(CURLOPT_HEADERFUNCTION, &Callbacks::Header)
        .Set(CURLOPT_HEADERDATA, self)
        .Set(CURLOPT_WRITEFUNCTION, &Callbacks::Body)
        .Set(CURLOPT_WRITEDATA, self)
        .Set(CURLOPT_OPENSOCKETFUNCTION, &Callbacks::OpenSocket)
        .Set(CURLOPT_OPENSOCKETDATA, self);
  }
  bool all_taken() const { return all_taken_; }

 private:
  CURL* handle_;
  bool all_taken_ = true;
};

// libcurl takes 0 for its own default.
inline long Milliseconds(base::Duration duration) {
  return static_cast<long>(std::max<std::int64_t>(1, base::ToMillis(duration)));
}

}  // namespace llmbatch::http
