#include "driver/http/faulty_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace llmbatch::http {
namespace {

std::size_t ContentLength(std::string_view headers) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const auto found = headers.find(kName);
  if (found == std::string_view::npos) return 0;
  return std::strtoul(headers.data() + found + kName.size(), nullptr, 10);
}

SSL_CTX* MakeContext(const TlsIdentity& identity) {
  const auto open = [](const std::string& pem) {
    return BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  };
  BIO* certificate_bio = open(identity.certificate_pem);
  BIO* key_bio = open(identity.key_pem);
  X509* certificate = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  const bool usable = SSL_CTX_use_certificate(context, certificate) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
  if (!usable) throw std::runtime_error("unusable TLS identity");
  return context;
}

}  // namespace

Connection::Connection(FaultyServer& server, int socket, int number)
    : server_(server), socket_(socket), number_(number) {}

Connection::~Connection() { SSL_free(tls_); }

bool Connection::StartTls(ssl_ctx_st* context) {
  tls_ = SSL_new(context);
  return SSL_set_fd(tls_, socket_) == 1 && SSL_accept(tls_) == 1;
}

long Connection::ReadSome(char* bytes, std::size_t size) {
  if (tls_ != nullptr) return SSL_read(tls_, bytes, static_cast<int>(size));
  return recv(socket_, bytes, size, 0);
}

bool Connection::ReadRequest() {
  std::array<char, 16384> piece;
  std::size_t wanted = 0;  // 0: the header section is not complete
  while (true) {
    if (const auto end = buffer_.find("\r\n\r\n"); wanted == 0 && end != std::string::npos) {
      wanted = end + 4 + ContentLength(std::string_view(buffer_).substr(0, end + 2));
      if (buffer_.starts_with("POST ")) server_.CountPost();
    }
    if (wanted > 0 && buffer_.size() >= wanted) {
      request_ = buffer_.substr(0, wanted);
      buffer_.erase(0, wanted);
      return true;
    }
    const long count = ReadSome(piece.data(), piece.size());
    if (count <= 0) return false;
    buffer_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

bool Connection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long count = tls_ != nullptr
                           ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                           : send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Connection::Reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Connection::WaitForPeer() {
  std::array<char, 4096> ignored;
  while (recv(socket_, ignored.data(), ignored.size(), 0) > 0) {
  }
}

FaultyServer::FaultyServer(Behaviour behaviour, TlsIdentity identity)
    : behaviour_(std::move(behaviour)) {
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  if (!identity.key_pem.empty()) tls_ = MakeContext(identity);
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 1024) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("can't listen on loopback");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FaultyServer::~FaultyServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int socket : open_sockets_) shutdown(socket, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  close(listener_);
  SSL_CTX_free(tls_);
}

void FaultyServer::Accept() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const int no_delay = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof no_delay);
    const std::lock_guard lock(mutex_);
    if (ending_) {
      close(socket);
      return;
    }
    open_sockets_.push_back(socket);
    const int number = ++connections_;
    threads_.emplace_back([this, socket, number] { Serve(socket, number); });
  }
}

void FaultyServer::Serve(int socket, int number) {
  {
    Connection connection(*this, socket, number);
    if (tls_ == nullptr || connection.StartTls(tls_)) behaviour_(connection);
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_sockets_, socket);
  close(socket);
  changed_.notify_all();
}

void FaultyServer::CountPost() {
  ++posts_;
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

bool FaultyServer::WaitForPosts(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return posts_ >= count; });
}

bool FaultyServer::WaitUntilAllAreClosed() {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return open_sockets_.empty(); });
}

std::string FaultyServer::Url() const {
  return (tls_ != nullptr ? "https" : "http") + std::string("://127.0.0.1:") +
         std::to_string(port_);
}

std::string Response(int status, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Status\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

FaultyServer::Behaviour AlwaysAnswer(std::string body) {
  return [body = std::move(body)](Connection& connection) {
    while (connection.ReadRequest() && connection.Send(Response(200, body))) {
    }
  };
}

}  // namespace llmbatch::http
