#include "http/transfer.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "http/address.h"
#include "http/easy_options.h"
#include "runtime/clock.h"

namespace llmbatch::http {
namespace {

constexpr std::size_t kMaxHeaderBytes = 64 * 1024;
constexpr std::size_t kMaxErrorBodyBytes = 64 * 1024;
constexpr std::size_t kUsualHeaders = 24;
constexpr long kMaxIdleSeconds = 30;
constexpr std::string_view kHidden = "[redacted]";
// One shorter than this is found in ordinary words.
constexpr std::size_t kMinHiddenBytes = 6;
// Held by each call from its start to its end, mostly waiting; an answer of a usual length fits.
constexpr long kReceiveBufferBytes = 4 * 1024;
// For the connection's end behind the last event: only then can it serve the next call.
constexpr base::Duration kMaxWaitForEnd = std::chrono::milliseconds(500);
constexpr long kKeepAliveIdleSeconds = 30;
constexpr long kKeepAliveIntervalSeconds = 15;

void Wipe(std::string& text) { explicit_bzero(text.data(), text.size()); }

std::string_view Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// libcurl's notation: "Name:" alone would remove a header, "Name;" sends it without a value.
std::string HeaderText(std::string_view name, std::string_view prefix, std::string_view value) {
  std::string text;
  text.reserve(name.size() + 2 + prefix.size() + value.size());
  text.append(name);
  if (prefix.empty() && value.empty()) return text.append(";");
  return text.append(": ").append(prefix).append(value);
}

template <typename T>
T Info(CURL* handle, CURLINFO info) {
  T value{};
  (curl_easy_getinfo)(handle, info, &value);
  return value;
}

}  // namespace

// What libcurl calls, translated.
struct Transfer::Callbacks {
  static std::size_t Header(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->OnHeader({data, size});
  }

  static std::size_t Body(char* data, std::size_t, std::size_t size, void* self) {
    return static_cast<Transfer*>(self)->OnBody({data, size});
  }

  // Asked for each address tried, after the name was resolved: no answer of a name server leads
  // inside.
  static curl_socket_t OpenSocket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(self);
    const Endpoint& endpoint = transfer.provider_->endpoint;
    if (!endpoint.allow_private && endpoint.proxy.empty() && IsPrivateAddress(address->addr)) {
      transfer.call_.address_refused = true;
      return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }

  // Asked each time before the request is sent. libcurl sends a POST again by itself when a reused
  // connection ends without an answer; the provider may have served, and billed, the first one.
  static int BeforeSend(void* self, char*, char*, int, int) {
    const int sends_begun = ++static_cast<Transfer*>(self)->call_.sends_begun;
    return sends_begun == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }
};

void Transfer::HandleDeleter::operator()(void* handle) const { curl_easy_cleanup(handle); }

void Transfer::HeaderListDeleter::operator()(curl_slist* list) const {
  for (curl_slist* entry = list; entry != nullptr; entry = entry->next) {
    explicit_bzero(entry->data, std::strlen(entry->data));
  }
  curl_slist_free_all(list);
}

std::unique_ptr<Transfer> Transfer::Create(const Provider& provider) {
  std::unique_ptr<Transfer> transfer(new Transfer(provider));
  if (transfer->handle_ == nullptr || !transfer->SetConstantOptions()) return nullptr;
  return transfer;
}

Transfer::Transfer(const Provider& provider) : provider_(&provider), handle_(curl_easy_init()) {}

Transfer::~Transfer() = default;

bool Transfer::SetConstantOptions() {
  const Endpoint& endpoint = provider_->endpoint;
  EasyOptions options(handle_.get());
  options.Set(CURLOPT_PRIVATE, this)
      .SetGuards(endpoint.ca_file)
      .Set(CURLOPT_POST, 1L)
      .Set(CURLOPT_BUFFERSIZE, kReceiveBufferBytes)
      .Set(CURLOPT_PROTOCOLS_STR, endpoint.allow_private ? "http,https" : "https")
      .Set(CURLOPT_ACCEPT_ENCODING, "gzip")
      .Set(CURLOPT_USERAGENT, provider_->user_agent.c_str());
  options.SetProxy(endpoint.proxy).Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  options.Set(CURLOPT_CONNECTTIMEOUT_MS, Milliseconds(endpoint.connect_timeout))
      .Set(CURLOPT_TCP_NODELAY, 1L)
      .Set(CURLOPT_TCP_KEEPALIVE, 1L)
      .Set(CURLOPT_TCP_KEEPIDLE, kKeepAliveIdleSeconds)
      .Set(CURLOPT_TCP_KEEPINTVL, kKeepAliveIntervalSeconds)
      .Set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
  options.SetCallbacks<Callbacks>(this)
      .Set(CURLOPT_PREREQFUNCTION, &Callbacks::BeforeSend)
      .Set(CURLOPT_PREREQDATA, this);
  return options.all_taken();
}

std::optional<ports::TransportFailure> Transfer::Prepare(ports::StartCall start,
                                                         base::Duration time_left) {
  ports::HttpRequest& request = start.request;
  const auto refused = [this](std::string_view why) {
    return ports::TransportFailure{.fault = ports::TransportFault::kRefused,
                                   .maybe_processed = false,
                                   .message = provider_->name + ": " + std::string(why)};
  };
  call_ = Call{.id = start.call,
               .body = std::move(request.body),
               .time_left = time_left,
               .idle_timeout = request.idle_timeout,
               .last_piece = {},
               .max_response_bytes =
                   static_cast<std::size_t>(std::max<std::int64_t>(0, request.max_response_bytes)),
               .end_mark = EndMark(std::move(request.end_marks)),
               .response = {}};
  if (!request.path.starts_with('/')) return refused("the path must begin with a slash");
  if (header_list_ == nullptr || headers_ != request.headers) {
    for (const model::Header& header : request.headers) {
      if (!IsValidHeader(header.name, header.value)) {
        return refused("a request header has a character that HTTP does not allow");
      }
    }
    header_list_ = MakeHeaderList(request.headers);
    headers_ = std::move(request.headers);
  }
  if (header_list_ == nullptr || !SetCallOptions(request.path)) {
    return ports::TransportFailure{.fault = ports::TransportFault::kConnect,
                                   .maybe_processed = false,
                                   .message = provider_->name + ": out of memory"};
  }
  return std::nullopt;
}

bool Transfer::SetCallOptions(const std::string& path) {
  EasyOptions options(handle_.get());
  if (path != path_) {
    options.Set(CURLOPT_URL, (provider_->endpoint.base_url + path).c_str());
    path_ = options.all_taken() ? path : "";
  }
  options.Set(CURLOPT_HTTPHEADER, header_list_.get())
      .Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call_.body.size()))
      .Set(CURLOPT_POSTFIELDS, call_.body.data())
      .Set(CURLOPT_TIMEOUT_MS, Milliseconds(call_.time_left));
  return options.all_taken();
}

Transfer::HeaderList Transfer::MakeHeaderList(const std::vector<model::Header>& headers) const {
  HeaderList list;
  const auto append = [&list](std::string text) {
    curl_slist* longer = curl_slist_append(list.get(), text.c_str());
    Wipe(text);
    if (longer == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(longer);
    return true;
  };
  // Taken out, or a long request would wait a second for a server that never says "continue".
  if (!append("Expect:")) return nullptr;
  for (const model::Header& header : headers) {
    if (!append(HeaderText(header.name, {}, header.value))) return nullptr;
  }
  for (const Credential& credential : provider_->endpoint.credentials) {
    if (!append(HeaderText(credential.header, credential.prefix, credential.secret.Reveal()))) {
      return nullptr;
    }
  }
  return list;
}

std::size_t Transfer::OnHeader(std::string_view line) {
  call_.header_bytes += line.size();
  if (call_.header_bytes > kMaxHeaderBytes) {
    call_.too_large = true;
    return 0;
  }
  ports::HttpResponse& response = call_.response;
  if (!call_.in_headers) {
    // Fields that follow the body are counted and dropped.
    if (!line.starts_with("HTTP/")) return line.size();
    // A new status line: what came before was provisional.
    response = {};
    response.headers.reserve(kUsualHeaders);
    call_.in_headers = true;
    return line.size();
  }
  if (Trim(line).empty()) {
    call_.in_headers = false;
    response.status = static_cast<int>(Info<long>(handle_.get(), CURLINFO_RESPONSE_CODE));
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    response.headers.push_back(
        {base::ToLower(Trim(line.substr(0, colon))), std::string(Trim(line.substr(colon + 1)))});
  }
  return line.size();
}

std::size_t Transfer::OnBody(std::string_view piece) {
  if (may_halt()) call_.last_piece = runtime::ReadClock().steady;
  if (call_.end_mark.is_expected()) call_.end_mark.Feed(piece);
  std::string& body = call_.response.body;
  const bool is_error = call_.response.status >= 400;
  const std::size_t limit =
      is_error ? std::min(kMaxErrorBodyBytes, call_.max_response_bytes) : call_.max_response_bytes;
  if (piece.size() <= limit - body.size()) {
    body.append(piece);
    return piece.size();
  }
  if (is_error) {
    body.append(piece.substr(0, limit - body.size()));
  } else {
    call_.too_large = true;
  }
  return 0;
}

// A provider that refuses a key may quote it, where what it says becomes an item's error.
void Transfer::HideCredentials(std::string& body) const {
  for (const Credential& credential : provider_->endpoint.credentials) {
    const std::string_view secret = credential.secret.Reveal();
    if (secret.size() < kMinHiddenBytes) continue;
    for (std::size_t at = body.find(secret); at != std::string::npos; at = body.find(secret, at)) {
      body.replace(at, secret.size(), kHidden);
    }
  }
}

// An error's status and headers say all that matters, even if its body broke off or was cut. A
// header section without its end is no response, although libcurl takes it for one.
bool Transfer::HasResponse(int curl_code) const {
  if (call_.in_headers || call_.too_large) return false;
  const bool whole = curl_code == CURLE_OK || call_.end_mark.is_seen();
  return whole ? call_.response.status >= 200 : call_.response.status >= 400;
}

ports::HttpResponse Transfer::TakeResponse() {
  HideCredentials(call_.response.body);
  return std::move(call_.response);
}

ports::HttpOutcome Transfer::TakeOutcome(int curl_code) {
  call_.body = {};
  if (HasResponse(curl_code)) return TakeResponse();
  // Fine for libcurl, but not for us.
  return Failure(curl_code == CURLE_OK ? CURLE_PARTIAL_FILE : curl_code);
}

ports::TransportFailure Transfer::TakeAborted() {
  ports::TransportFailure failure = Failure(CURLE_ABORTED_BY_CALLBACK);
  failure.fault = ports::TransportFault::kAborted;
  failure.message = provider_->name + ": given up";
  call_.body = {};
  return failure;
}

bool Transfer::IsHalted(base::Timestamp now) const {
  if (!call_.last_piece) return false;
  const base::Duration pause = now - *call_.last_piece;
  if (call_.end_mark.is_seen() && pause > kMaxWaitForEnd) return true;
  return call_.idle_timeout > base::Duration::zero() && pause > call_.idle_timeout;
}

ports::HttpOutcome Transfer::TakeHalted() {
  if (call_.end_mark.is_seen() && HasResponse(CURLE_OK)) {
    call_.body = {};
    return TakeResponse();
  }
  ports::TransportFailure failure = Failure(CURLE_OPERATION_TIMEDOUT);
  failure.fault = ports::TransportFault::kTimeout;
  failure.message = provider_->name + ": the answer came to a halt";
  call_.body = {};
  return failure;
}

ports::TransportFailure Transfer::Failure(int curl_code) const {
  const bool bytes_were_sent =
      call_.sends_begun > 0 && Info<long>(handle_.get(), CURLINFO_REQUEST_SIZE) > 0;
  return {.fault = FaultOf(curl_code),
          .maybe_processed = bytes_were_sent,
          .message = provider_->name + ": " + Describe(curl_code)};
}

ports::TransportFault Transfer::FaultOf(int curl_code) const {
  using ports::TransportFault;
  const bool connected = call_.sends_begun > 0;
  if (call_.too_large) return TransportFault::kResponseTooLarge;
  if (curl_code == CURLE_OPERATION_TIMEDOUT) {
    const std::chrono::microseconds taken(Info<curl_off_t>(handle_.get(), CURLINFO_TOTAL_TIME_T));
    // The time for connecting ends with the same code.
    return !connected && taken < call_.time_left - std::chrono::milliseconds(1)
               ? TransportFault::kConnect
               : TransportFault::kTimeout;
  }
  if (connected) return TransportFault::kConnectionLost;
  const bool is_refused = call_.address_refused || curl_code == CURLE_URL_MALFORMAT ||
                          curl_code == CURLE_UNSUPPORTED_PROTOCOL;
  return is_refused ? TransportFault::kRefused : TransportFault::kConnect;
}

// Made of libcurl's and the system's fixed texts alone: libcurl's error buffer may quote the peer.
std::string Transfer::Describe(int curl_code) const {
  if (call_.too_large) return "the response is larger than allowed";
  if (call_.sends_begun > 1) return "the connection ended after the request, not sent again";
  if (call_.sends_begun == 0 && call_.address_refused) {
    return "a private address, and allow_private is not set";
  }
  std::string text = curl_easy_strerror(static_cast<CURLcode>(curl_code));
  if (const long code = Info<long>(handle_.get(), CURLINFO_OS_ERRNO); code != 0) {
    text += " (" + std::generic_category().message(static_cast<int>(code)) + ")";
  }
  return text;
}

}  // namespace llmbatch::http
