#include "http/download.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "http/address.h"
#include "http/easy_options.h"

namespace llmbatch::http {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr base::Duration kLongestWaitAsked = std::chrono::minutes(1);

// Of an answer with another status than 200.
base::Error ErrorOf(long status, base::Duration retry_after) {
  using base::ErrorKind;
  const std::string text = std::to_string(status);
  if (status >= 300 && status < 400) {
    return base::Invalid("its host answers with a redirect (" + text + "), which is not followed");
  }
  if (status == 404 || status == 410)
    return base::MakeError(ErrorKind::kNotFound, "its host doesn't have it (" + text + ")");
  if (status == 401 || status == 403)
    return base::MakeError(ErrorKind::kDenied, "its host refuses it (" + text + ")");
  const bool is_passing = status == 408 || status == 429 || status >= 500;
  base::Error error = base::MakeError(is_passing ? ErrorKind::kUnavailable : ErrorKind::kInvalid,
                                      "its host answers with status " + text);
  if (is_passing && retry_after > base::Duration::zero()) error.retry_after = retry_after;
  return error;
}

base::ErrorKind KindOf(int curl_code) {
  switch (curl_code) {
    case CURLE_OPERATION_TIMEDOUT:
      return base::ErrorKind::kTimeout;
    case CURLE_ABORTED_BY_CALLBACK:
      return base::ErrorKind::kAborted;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return base::ErrorKind::kInvalid;
    default:
      return base::ErrorKind::kUnavailable;
  }
}

}  // namespace

// What libcurl calls, translated.
struct Download::Callbacks {
  static std::size_t Header(char*, std::size_t, std::size_t size, void* self) {
    auto& download = *static_cast<Download*>(self);
    download.header_bytes_ += size;
    return download.header_bytes_ <= kMaxHeaderBytes ? size : 0;
  }

  static std::size_t Body(char* data, std::size_t, std::size_t size, void* self) {
    auto& download = *static_cast<Download*>(self);
    long status = 0;
    curl_easy_getinfo(download.handle(), CURLINFO_RESPONSE_CODE, &status);
    // What an error says is for nobody.
    if (status != 200) return size;
    if (size > download.max_bytes_ - download.body_.size()) {
      download.too_large_ = true;
      return 0;
    }
    download.body_.append(data, size);
    return size;
  }

  // Asked for each address tried, after the name was resolved, and then connected to just that: no
  // answer of a name server leads inside.
  static curl_socket_t OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& download = *static_cast<Download*>(self);
    if (!download.allow_private_ && IsPrivateAddress(address->addr)) {
      download.address_refused_ = true;
      return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }
};

void Download::HandleDeleter::operator()(void* handle) const { curl_easy_cleanup(handle); }

std::unique_ptr<Download> Download::Create(model::FetchId id, ParsedUrl url, std::int64_t max_bytes,
                                           const DownloadOptions& options) {
  std::unique_ptr<Download> download(
      new Download(id, std::move(url), max_bytes, options.allow_private));
  if (download->handle_ == nullptr || !download->SetOptions(options)) return nullptr;
  return download;
}

Download::Download(model::FetchId id, ParsedUrl url, std::int64_t max_bytes, bool allow_private)
    : id_(id),
      max_bytes_(static_cast<std::size_t>(std::max<std::int64_t>(0, max_bytes))),
      allow_private_(allow_private),
      url_(std::move(url)),
      handle_(curl_easy_init()) {}

bool Download::SetOptions(const DownloadOptions& options) {
  EasyOptions easy(handle_.get());
  easy.Set(CURLOPT_PRIVATE, this)
      .Set(CURLOPT_CURLU, static_cast<CURLU*>(url_.get()))
      .SetGuards(options.ca_file)
      .Set(CURLOPT_HTTPGET, 1L)
      .Set(CURLOPT_PROTOCOLS_STR, "https")
      .Set(CURLOPT_USERAGENT, options.user_agent.c_str())
      // Nothing is left behind that another user's document could come over.
      .Set(CURLOPT_FRESH_CONNECT, 1L)
      .Set(CURLOPT_FORBID_REUSE, 1L);
  easy.SetProxy("").SetCallbacks<Callbacks>(this);
  easy.Set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(options.connect_timeout))
      .Set(CURLOPT_TIMEOUT_MS, Milliseconds(options.timeout))
      .Set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(max_bytes_));
  return easy.all_taken();
}

base::Error Download::TooLarge() const {
  return base::MakeError(base::ErrorKind::kTooLarge,
                         "has more than " + std::to_string(max_bytes_) + " bytes");
}

base::Result<std::string> Download::Take(int curl_code) {
  long status = 0;
  curl_off_t wait_seconds = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &wait_seconds);
  if (status != 0 && status != 200) {
    const auto asked = std::min<base::Duration>(
        std::chrono::seconds(std::min<curl_off_t>(wait_seconds, 3'600)), kLongestWaitAsked);
    return ErrorOf(status, asked);
  }
  if (too_large_ || curl_code == CURLE_FILESIZE_EXCEEDED) return TooLarge();
  if (curl_code == CURLE_OK && status == 200) return std::move(body_);
  if (address_refused_) {
    return base::MakeError(
        base::ErrorKind::kDenied,
        "its host has a private address, and documents.allow_private is not set");
  }
  // libcurl's fixed texts alone: its error buffer may quote the peer.
  const std::string why = curl_code == CURLE_OK
                              ? "the answer broke off"
                              : curl_easy_strerror(static_cast<CURLcode>(curl_code));
  return base::MakeError(KindOf(curl_code), "can't be fetched from its host: " + why);
}

}  // namespace llmbatch::http
