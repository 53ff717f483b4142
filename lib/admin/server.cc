#include "admin/server.h"

#include <civetweb.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

namespace llmbatch::admin {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";

struct Response {
  int status = 200;
  std::string_view content_type = kText;
  std::string body;
  std::string_view more_headers = "";
};

Response FromCheck(const Check& check) {
  return {.status = check.ok ? 200 : 503, .body = check.text + "\n"};
}

Response Answer(const Handlers& handlers, std::string_view method, std::string_view path) {
  const bool is_page =
      path == "/metrics" || path == "/livez" || path == "/readyz" || path == "/status";
  if (!is_page) return {.status = 404, .body = "try /metrics, /livez, /readyz or /status\n"};
  if (method != "GET") {
    return {.status = 405, .body = "only GET\n", .more_headers = "Allow: GET\r\n"};
  }
  if (path == "/livez") return FromCheck(handlers.alive());
  if (path == "/readyz") return FromCheck(handlers.ready());
  if (path == "/status") return {.content_type = "application/json", .body = handlers.status()};
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = handlers.metrics()};
}

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    default:
      return "Service Unavailable";
  }
}

std::string Encode(const Response& response) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " " + Reason(response.status);
  text.append("\r\nContent-Type: ").append(response.content_type);
  text.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  text.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
  text.append(response.more_headers).append("Connection: close\r\n\r\n").append(response.body);
  return text;
}

// The one entry from the C library: nothing may be thrown through it.
int OnRequest(mg_connection* connection) noexcept {
  const mg_request_info* request = mg_get_request_info(connection);
  const auto* handlers = static_cast<const Handlers*>(request->user_data);
  const char* path = request->local_uri == nullptr ? "" : request->local_uri;
  const Response response = Answer(*handlers, request->request_method, path);
  const std::string bytes = Encode(response);
  mg_write(connection, bytes.data(), bytes.size());
  return response.status;
}

int Discard(const mg_connection*, const char*) { return 1; }

// The library would take lists, options behind the port, and a port alone, which is every address.
bool IsHostAndPort(std::string_view listen) {
  const std::size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = listen.substr(0, colon);
  constexpr std::string_view kAllowed =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
  if (host.find_first_not_of(kAllowed) != std::string_view::npos) return false;
  unsigned port = 0;
  const char* end = listen.data() + listen.size();
  const auto [rest, error] = std::from_chars(listen.data() + colon + 1, end, port);
  return error == std::errc{} && rest == end && port <= 65535;
}

}  // namespace

Server::Server(Handlers handlers) : handlers_(std::move(handlers)) {}

Server::~Server() {
  if (context_ != nullptr) mg_stop(context_);
}

base::Result<std::unique_ptr<Server>> Server::Start(const std::string& listen, Handlers handlers) {
  if (!IsHostAndPort(listen)) {
    return base::Invalid("admin.listen: must be host:port, such as 127.0.0.1:9464");
  }
  std::unique_ptr<Server> server(new Server(std::move(handlers)));
  std::array<const char*, 11> settings{"listening_ports",
                                       listen.c_str(),
                                       "num_threads",
                                       "4",
                                       "request_timeout_ms",
                                       "5000",
                                       "max_request_size",
                                       "8192",
                                       "enable_keep_alive",
                                       "no",
                                       nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = OnRequest;
  callbacks.log_message = Discard;
  callbacks.log_access = Discard;
  mg_init_data start{.callbacks = &callbacks,
                     .user_data = const_cast<Handlers*>(&server->handlers_),
                     .configuration_options = settings.data()};
  std::array<char, 256> why{};
  mg_error_data error{.code = nullptr, .text = why.data(), .text_buffer_size = why.size()};
  server->context_ = mg_start2(&start, &error);
  if (server->context_ == nullptr) {
    return base::MakeError(base::ErrorKind::kUnavailable,
                           "admin.listen: can't listen on " + listen + ": " + why.data());
  }
  mg_server_port port{};
  if (mg_get_server_ports(server->context_, 1, &port) == 1) server->port_ = port.port;
  return server;
}

}  // namespace llmbatch::admin
