#include "twin/server.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "base/ascii.h"
#include "twin/control.h"

namespace llmbatch::twin {
namespace {

constexpr int kBacklog = 4096;
constexpr int kIdleTimeoutSeconds = 3600;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using HttpPtr = std::unique_ptr<evhttp, Freer<evhttp_free>>;
using EventPtr = std::unique_ptr<event, Freer<event_free>>;
using BufferPtr = std::unique_ptr<evbuffer, Freer<evbuffer_free>>;
using ListenerPtr = std::unique_ptr<evconnlistener, Freer<evconnlistener_free>>;

in_port_t& PortOf(sockaddr_storage& address) {
  return address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(address).sin6_port
                                       : reinterpret_cast<sockaddr_in&>(address).sin_port;
}

base::Duration ReadClock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

timeval ToTimeval(base::Duration duration) {
  // Rounded up: an answer is never earlier than it was asked for.
  const auto us = std::chrono::ceil<std::chrono::microseconds>(duration).count();
  return timeval{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

std::string_view BodyOf(evhttp_request* request) {
  evbuffer* buffer = evhttp_request_get_input_buffer(request);
  const std::size_t size = evbuffer_get_length(buffer);
  if (size == 0) return {};
  return {reinterpret_cast<const char*>(evbuffer_pullup(buffer, -1)), size};
}

Headers HeadersOf(evhttp_request* request) {
  Headers headers;
  const evkeyvalq* in = evhttp_request_get_input_headers(request);
  for (const evkeyval* header = in->tqh_first; header != nullptr; header = header->next.tqe_next) {
    headers.emplace_back(base::ToLower(header->key), header->value);
  }
  return headers;
}

Method MethodOf(evhttp_request* request) {
  switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
      return Method::kGet;
    case EVHTTP_REQ_POST:
      return Method::kPost;
    default:
      return Method::kOther;
  }
}

int SocketOf(evhttp_connection* connection) {
  return bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
}

void Send(evhttp_request* request, int status, const Headers& headers, std::string_view body) {
  evkeyvalq* out = evhttp_request_get_output_headers(request);
  for (const auto& [name, value] : headers) evhttp_add_header(out, name.c_str(), value.c_str());
  evbuffer_add(evhttp_request_get_output_buffer(request), body.data(), body.size());
  evhttp_send_reply(request, status, nullptr, nullptr);
}

// The answer's head and the first half of its body, past evhttp, which would see to it that the
// rest follows.
void SendHalf(int socket, const Reply& reply) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  for (const auto& [name, value] : reply.headers) {
    text.append(name).append(": ").append(value).append("\r\n");
  }
  text.append("content-length: ").append(std::to_string(reply.body.size())).append("\r\n\r\n");
  text.append(reply.body, 0, reply.body.size() / 2);
  // If the socket takes less than that, it is still an answer that ends in the middle.
  static_cast<void>(send(socket, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

// Makes the kernel send RST at once; closing would send FIN first.
void ResetPeer(int socket) {
  sockaddr none{};
  none.sa_family = AF_UNSPEC;
  static_cast<void>(connect(socket, &none, sizeof none));
}

bool PeerIsGone(int socket) {
  char byte = 0;
  const ssize_t got = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

class EvhttpServer final : public Server {
 public:
  EvhttpServer(event_base* base, Twin& twin) : base_(base), twin_(twin), http_(evhttp_new(base)) {
    evhttp_set_max_body_size(http_.get(), static_cast<ev_ssize_t>(kMaxRequestBytes));
    evhttp_set_timeout(http_.get(), kIdleTimeoutSeconds);
    evhttp_set_bevcb(http_.get(), &EvhttpServer::OnConnection, this);
    evhttp_set_gencb(http_.get(), &EvhttpServer::OnRequest, this);
  }

  base::Result<void> Bind(const std::string& address, std::uint16_t port);
  std::uint16_t port() const override { return port_; }

 private:
  // A request whose answer waits, or will never come.
  struct Held {
    EvhttpServer* server = nullptr;
    evhttp_request* request = nullptr;
    evhttp_connection* connection = nullptr;
    int socket = -1;
    Reply reply;
    EventPtr timer;
    EventPtr readable;
  };

  static bufferevent* OnConnection(event_base* base, void* self);
  static void OnRequest(evhttp_request* request, void* self);
  static void OnTimer(int, short, void* held);
  static void OnReadable(int, short, void* held);

  void Handle(evhttp_request* request);
  void Hold(evhttp_request* request, Reply reply);
  void Act(Held& held);
  void Drop(Held& held, Delivery delivery);

  event_base* base_;
  Twin& twin_;
  // Declared before held_: the events of the held ones must go before their connections.
  HttpPtr http_;
  std::unordered_map<std::uint64_t, Held> held_;
  std::uint16_t port_ = 0;
};

base::Result<void> EvhttpServer::Bind(const std::string& address, std::uint16_t port) {
  sockaddr_storage where{};
  int size = sizeof where;
  auto* const generic = reinterpret_cast<sockaddr*>(&where);
  if (evutil_parse_sockaddr_port(address.c_str(), generic, &size) != 0) {
    return base::Invalid("--listen: must be a numeric address");
  }
  PortOf(where) = htons(port);
  ListenerPtr listener(evconnlistener_new_bind(
      base_, nullptr, nullptr, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
      kBacklog, generic, size));
  if (!listener) {
    return base::MakeError(base::ErrorKind::kUnavailable,
                           "cannot listen on " + address + ": " + std::strerror(errno));
  }
  const int socket = evconnlistener_get_fd(listener.get());
  const int on = 1;  // accepted sockets inherit it
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  socklen_t length = sizeof where;
  getsockname(socket, generic, &length);
  port_ = ntohs(PortOf(where));
  evhttp_bind_listener(http_.get(), listener.release());
  return {};
}

bufferevent* EvhttpServer::OnConnection(event_base* base, void* self) {
  static_cast<EvhttpServer*>(self)->twin_.CountConnection();
  return bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
}

void EvhttpServer::OnRequest(evhttp_request* request, void* self) {
  static_cast<EvhttpServer*>(self)->Handle(request);
}

void EvhttpServer::Handle(evhttp_request* request) {
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(request);
  const char* path_text = evhttp_uri_get_path(uri);
  const std::string path = path_text == nullptr ? "" : path_text;
  const base::Now now = ReadClocks();
  if (IsControlPath(path)) {
    const char* query = evhttp_uri_get_query(uri);
    const ControlReply reply = HandleControl(
        twin_, MethodOf(request), path, query == nullptr ? "" : query, BodyOf(request), now.steady);
    return Send(request, reply.status, {{"content-type", reply.content_type}}, reply.body);
  }
  const Headers headers = twin_.needs_headers() ? HeadersOf(request) : Headers();
  Reply reply = twin_.Receive(path, headers, BodyOf(request), now);
  if (reply.delay > base::Duration::zero() || reply.wire != FaultKind::kNone) {
    return Hold(request, std::move(reply));
  }
  Send(request, reply.status, reply.headers, reply.body);
  twin_.Finished(reply.sequence, Delivery::kDone, now.steady);
}

void EvhttpServer::Hold(evhttp_request* request, Reply reply) {
  const timeval delay = ToTimeval(reply.delay);
  Held& held = held_[reply.sequence];
  held.server = this;
  held.request = request;
  held.connection = evhttp_request_get_connection(request);
  held.socket = SocketOf(held.connection);
  held.reply = std::move(reply);
  held.timer.reset(evtimer_new(base_, &EvhttpServer::OnTimer, &held));
  evtimer_add(held.timer.get(), &delay);
  // evhttp doesn't read while a request is being answered, so it wouldn't see that the client left.
  held.readable.reset(
      event_new(base_, held.socket, EV_READ | EV_PERSIST, &EvhttpServer::OnReadable, &held));
  event_add(held.readable.get(), nullptr);
}

void EvhttpServer::OnTimer(int, short, void* held) {
  auto* const due = static_cast<Held*>(held);
  due->server->Act(*due);
}

void EvhttpServer::OnReadable(int, short, void* held) {
  auto* const waiting = static_cast<Held*>(held);
  if (PeerIsGone(waiting->socket)) {
    waiting->server->Drop(*waiting, Delivery::kClientClosed);
  } else {
    // The next request is there already; it waits its turn in the socket.
    event_del(waiting->readable.get());
  }
}

void EvhttpServer::Act(Held& held) {
  switch (held.reply.wire) {
    case FaultKind::kTimeout:
      return;
    case FaultKind::kStall:
      return SendHalf(held.socket, held.reply);
    case FaultKind::kHalfClose:
      shutdown(held.socket, SHUT_WR);
      return;
    case FaultKind::kReset:
      ResetPeer(held.socket);
      return Drop(held, Delivery::kDone);
    case FaultKind::kCloseMidBody:
      SendHalf(held.socket, held.reply);
      return Drop(held, Delivery::kDone);
    default:
      break;
  }
  const auto node = held_.extract(held.reply.sequence);
  const Held due = std::move(node.mapped());
  event_del(due.readable.get());
  Send(due.request, due.reply.status, due.reply.headers, due.reply.body);
  twin_.Finished(due.reply.sequence, Delivery::kDone, ReadClocks().steady);
}

void EvhttpServer::Drop(Held& held, Delivery delivery) {
  const auto node = held_.extract(held.reply.sequence);
  Held gone = std::move(node.mapped());
  gone.timer.reset();
  gone.readable.reset();
  evhttp_connection_free(gone.connection);
  twin_.Finished(gone.reply.sequence, delivery, ReadClocks().steady);
}

}  // namespace

base::Now ReadClocks() {
  return base::Now{.steady = base::Timestamp(ReadClock(CLOCK_MONOTONIC)),
                   .wall = base::WallTime(ReadClock(CLOCK_REALTIME))};
}

base::Result<std::unique_ptr<Server>> Server::Listen(event_base* base, Twin& twin,
                                                     const std::string& address,
                                                     std::uint16_t port) {
  auto server = std::make_unique<EvhttpServer>(base, twin);
  const auto bound = server->Bind(address, port);
  if (!bound) return bound.error();
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace llmbatch::twin
