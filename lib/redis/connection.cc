#include "redis/connection.h"

// It doesn't say itself that it is C, and hiredis.h includes it.
extern "C" {
#include <hiredis/sds.h>
}

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace llmbatch::redis {
namespace {

using Clock = std::chrono::steady_clock;

// What a peer that is no Redis, or a broken one, can make us keep.
constexpr std::size_t kMaxReplyBytes = std::size_t{256} << 20;
// The longest array that we ask for tells of 10,000 items of a job, two elements each.
constexpr int kMaxArrayElements = 32'768;
// hiredis moves what is left of its buffer after each write, so the buffer has to stay small.
constexpr std::size_t kMaxUnsentBytes = std::size_t{256} << 10;

enum class Ready { kSocket, kTimeout, kStop };

Ready Wait(int fd, short events, int stop_fd, Clock::time_point deadline) {
  std::array<pollfd, 2> polled = {pollfd{.fd = fd, .events = events, .revents = 0},
                                  pollfd{.fd = stop_fd, .events = POLLIN, .revents = 0}};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    const int millis = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    const int ready = poll(polled.data(), polled.size(), millis);
    if (polled[1].revents != 0) return Ready::kStop;
    if (ready > 0) return Ready::kSocket;
    if (ready == 0 && Clock::now() >= deadline) return Ready::kTimeout;
  }
}

const redisReplyObjectFunctions& DefaultFunctions() {
  static const redisReplyObjectFunctions functions = [] {
    redisReader* reader = redisReaderCreate();
    const redisReplyObjectFunctions found = *reader->fn;
    redisReaderFree(reader);
    return found;
  }();
  return functions;
}

// hiredis reserves memory for as many elements as the peer announces. (Their number's type differs
// between its versions.)
template <typename Count>
void* CreateBoundedArray(const redisReadTask* task, Count elements) {
  if (elements < 0 || elements > static_cast<Count>(kMaxArrayElements)) return nullptr;
  return DefaultFunctions().createArray(task, elements);
}

redisReplyObjectFunctions* BoundedFunctions() {
  static redisReplyObjectFunctions functions = [] {
    redisReplyObjectFunctions bounded = DefaultFunctions();
    bounded.createArray = &CreateBoundedArray;
    return bounded;
  }();
  return &functions;
}

base::Error Aborted(const std::string& server) {
  return base::MakeError(base::ErrorKind::kAborted, server + ": given up because we stop");
}

}  // namespace

void Connection::Deleter::operator()(redisContext* context) const { redisFree(context); }

Connection::Connection(redisContext* context, std::string server, const Timeouts& timeouts,
                       int stop_fd)
    : context_(context), server_(std::move(server)), timeouts_(timeouts), stop_fd_(stop_fd) {}

int Connection::fd() const { return context_->fd; }

base::Error Connection::Unavailable(const std::string& why) const {
  return base::MakeError(base::ErrorKind::kUnavailable, server_ + ": " + why);
}

base::Error Connection::Broken() const {
  if (context_->err == REDIS_ERR_OOM) return Unavailable("its answer is too large");
  return Unavailable(context_->errstr);
}

base::Result<Connection> Connection::Open(const Address& address, const Timeouts& timeouts,
                                          int stop_fd) {
  redisContext* context = address.path.empty()
                              ? redisConnectNonBlock(address.host.c_str(), address.port)
                              : redisConnectUnixNonBlock(address.path.c_str());
  if (context == nullptr) {
    return base::MakeError(base::ErrorKind::kUnavailable, address.Name() + ": out of memory");
  }
  Connection connection(context, address.Name(), timeouts, stop_fd);
  if (context->err != 0) return connection.Broken();
  context->reader->fn = BoundedFunctions();
  if (auto connected = connection.WaitUntilConnected(); !connected) return connected.error();
  if (address.tls) {
    if (auto secured = connection.StartTls(address); !secured) return secured.error();
  }
  if (auto login = connection.LogIn(address); !login) return login.error();
  return connection;
}

base::Result<void> Connection::WaitUntilConnected() {
  const auto deadline = Clock::now() + timeouts_.connect;
  const Ready ready = Wait(context_->fd, POLLOUT, stop_fd_, deadline);
  if (ready == Ready::kStop) return Aborted(server_);
  if (ready == Ready::kTimeout) return Unavailable("no connection in time");
  int failed = 0;
  socklen_t size = sizeof failed;
  getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return Unavailable(std::generic_category().message(failed));
  fcntl(context_->fd, F_SETFD, FD_CLOEXEC);
  if (context_->connection_type == REDIS_CONN_TCP) {
    const int on = 1;
    setsockopt(context_->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    redisEnableKeepAlive(context_.get());
  }
  return {};
}

base::Result<void> Connection::StartTls(const Address& address) {
  auto session = TlsSession::Begin(context_->fd, address.host, address.ca_file);
  if (!session) return session.error();
  tls_ = std::move(session).value();
  const auto deadline = Clock::now() + timeouts_.connect;
  for (;;) {
    const auto progress = tls_->Handshake();
    if (!progress) {
      return base::MakeError(progress.error().kind, server_ + ": " + progress.error().message);
    }
    if (*progress == TlsSession::Progress::kDone) return {};
    if (*progress == TlsSession::Progress::kClosed) return Unavailable("closed the TLS session");
    const short events = *progress == TlsSession::Progress::kWantsRead ? POLLIN : POLLOUT;
    const Ready ready = Wait(context_->fd, events, stop_fd_, deadline);
    if (ready == Ready::kStop) return Aborted(server_);
    if (ready == Ready::kTimeout) return Unavailable("no TLS session in time");
  }
}

base::Result<void> Connection::LogIn(const Address& address) {
  std::vector<Request> requests;
  if (!address.password.empty()) {
    Request login = {"AUTH"};
    if (!address.user.empty()) login.push_back(address.user);
    login.emplace_back(address.password.Reveal());
    requests.push_back(std::move(login));
  } else {
    // Redis cuts off whoever sends it something as long as a script without having logged in; only
    // of something short does it say what it misses.
    requests.push_back({"PING"});
  }
  if (address.database != 0) requests.push_back({"SELECT", std::to_string(address.database)});
  const Exchanged exchanged = Exchange(requests);
  if (exchanged.error) return *exchanged.error;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!exchanged.replies[i].view().IsError()) continue;
    const base::Error error = ErrorFrom(exchanged.replies[i].view(), server_);
    if (error.kind != base::ErrorKind::kInternal) return error;
    // Redis before 6, and a server without a password, answer AUTH with a plain ERR.
    return base::MakeError(base::ErrorKind::kDenied, server_ + " refused " + requests[i].front());
  }
  return {};
}

base::Result<void> Connection::Send(const Request& request) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string& part : request) {
    parts.push_back(part.data());
    sizes.push_back(part.size());
  }
  if (redisAppendCommandArgv(context_.get(), static_cast<int>(parts.size()), parts.data(),
                             sizes.data()) != REDIS_OK) {
    return Broken();
  }
  return {};
}

Connection::Exchanged Connection::Exchange(const std::vector<Request>& requests) {
  Exchanged exchanged;
  std::size_t sent = 0;
  while (exchanged.replies.size() < requests.size()) {
    for (; sent < requests.size() && UnsentBytes() < kMaxUnsentBytes; ++sent) {
      if (auto appended = Send(requests[sent]); !appended) {
        exchanged.error = appended.error();
        return exchanged;
      }
    }
    auto reply = Receive(timeouts_.reply);
    if (!reply || !*reply) {
      exchanged.error = reply ? Unavailable("no answer in time") : reply.error();
      return exchanged;
    }
    exchanged.replies.push_back(**std::move(reply));
  }
  if (!IsQuiet()) {
    exchanged.error = Unavailable("answered more than was asked");
  }
  return exchanged;
}

base::Result<std::optional<OwnedReply>> Connection::Receive(base::Duration wait) {
  auto deadline = Clock::now() + wait;
  for (;;) {
    auto parsed = NextParsed();
    if (!parsed || *parsed) return parsed;
    const short events = UnsentBytes() > 0 ? POLLIN | POLLOUT : POLLIN;
    switch (Wait(context_->fd, events, stop_fd_, deadline)) {
      case Ready::kStop:
        return Aborted(server_);
      case Ready::kTimeout:
        return std::optional<OwnedReply>();
      case Ready::kSocket:
        break;
    }
    const auto written = WriteSome();
    if (!written) return written.error();
    // A large value may need longer to be sent; answers have no such excuse.
    if (*written) deadline = Clock::now() + wait;
    if (auto read = ReadSome(); !read) return read.error();
  }
}

base::Result<std::optional<OwnedReply>> Connection::NextParsed() {
  void* reply = nullptr;
  if (redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK) return Broken();
  if (reply == nullptr) return std::optional<OwnedReply>();
  reply_bytes_ = 0;
  return std::optional(OwnedReply(static_cast<redisReply*>(reply)));
}

std::size_t Connection::UnsentBytes() const {
  return context_->obuf == nullptr ? 0 : sdslen(context_->obuf);
}

base::Result<bool> Connection::WriteSome() {
  const std::size_t before = UnsentBytes();
  if (before == 0) return false;
  if (tls_) return WriteSomeTls();
  int done = 0;
  if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return Broken();
  return UnsentBytes() < before;
}

// hiredis has only formatted: what it means to write lies in its buffer.
base::Result<bool> Connection::WriteSomeTls() {
  const auto step = tls_->Write({context_->obuf, UnsentBytes()});
  if (!step) return Unavailable(step.error().message);
  if (step->progress == TlsSession::Progress::kClosed) return Unavailable("closed the connection");
  if (step->bytes == 0) return false;
  if (step->bytes == UnsentBytes()) {
    sdsclear(context_->obuf);
  } else {
    // An int in hiredis' older versions; the buffer is kept far smaller.
    sdsrange(context_->obuf, static_cast<int>(step->bytes), -1);
  }
  return true;
}

// To the end of what has come: what is left inside of the session makes no socket readable.
base::Result<void> Connection::ReadSomeTls() {
  std::array<char, 16 * 1024> buffer;
  for (;;) {
    const auto step = tls_->Read(buffer);
    if (!step) return Unavailable(step.error().message);
    if (step->progress == TlsSession::Progress::kClosed)
      return Unavailable("closed the connection");
    if (step->progress != TlsSession::Progress::kDone) return {};
    if (redisReaderFeed(context_->reader, buffer.data(), step->bytes) != REDIS_OK) return Broken();
    reply_bytes_ += step->bytes;
    if (reply_bytes_ > kMaxReplyBytes) return Unavailable("its answer is too large");
  }
}

bool Connection::IsQuiet() const { return context_->reader->pos >= context_->reader->len; }

base::Result<void> Connection::ReadSome() {
  if (tls_) return ReadSomeTls();
  const std::size_t before = context_->reader->len;
  if (redisBufferRead(context_.get()) != REDIS_OK) return Broken();
  reply_bytes_ += context_->reader->len - before;
  if (reply_bytes_ > kMaxReplyBytes) return Unavailable("its answer is too large");
  return {};
}

}  // namespace llmbatch::redis
