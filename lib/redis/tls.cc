#include "redis/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace llmbatch::redis {
namespace {

using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

base::Error Failed(const std::string& why) {
  return base::MakeError(base::ErrorKind::kUnavailable, "TLS: " + why);
}

// The reason of OpenSSL's oldest error: the others follow from it.
std::string Reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(code);
  return text == nullptr ? "failed" : text;
}

bool IsAddress(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// The name that the certificate must have. Servers of several names are told it only if it is one.
bool Expect(SSL* session, const std::string& host) {
  if (IsAddress(host)) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  }
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

}  // namespace

void TlsSession::Deleter::operator()(ssl_st* session) const { SSL_free(session); }

base::Result<TlsSession> TlsSession::Begin(int socket, const std::string& host,
                                           const std::string& ca_file) {
  ERR_clear_error();
  const Context context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  if (context == nullptr) return Failed(Reason());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  // What isn't taken at once is offered again from where it then lies.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                      : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (trusted != 1) {
    ERR_clear_error();
    return base::Invalid("redis.ca_file: has no certificates in PEM");
  }
  TlsSession session(SSL_new(context.get()));
  if (session.session_ == nullptr || !Expect(session.session_.get(), host) ||
      SSL_set_fd(session.session_.get(), socket) != 1) {
    return Failed(Reason());
  }
  SSL_set_connect_state(session.session_.get());
  return session;
}

base::Result<TlsSession::Progress> TlsSession::Outcome(int returned) const {
  const int system_error = errno;
  switch (SSL_get_error(session_.get(), returned)) {
    case SSL_ERROR_NONE:
      return Progress::kDone;
    case SSL_ERROR_WANT_READ:
      return Progress::kWantsRead;
    case SSL_ERROR_WANT_WRITE:
      return Progress::kWantsWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Progress::kClosed;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      return Failed(system_error == 0 ? "the connection ended"
                                      : std::generic_category().message(system_error));
    default:
      return Failed(Reason());
  }
}

base::Result<TlsSession::Progress> TlsSession::Handshake() {
  ERR_clear_error();
  errno = 0;
  auto progress = Outcome(SSL_do_handshake(session_.get()));
  const long verified = SSL_get_verify_result(session_.get());
  if (progress || verified == X509_V_OK) return progress;
  return base::MakeError(base::ErrorKind::kDenied,
                         std::string("TLS: the server's certificate is refused: ") +
                             X509_verify_cert_error_string(verified));
}

base::Result<TlsSession::Step> TlsSession::Read(std::span<char> into) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const auto progress = Outcome(SSL_read_ex(session_.get(), into.data(), into.size(), &bytes));
  if (!progress) return progress.error();
  return Step{.progress = *progress, .bytes = bytes};
}

base::Result<TlsSession::Step> TlsSession::Write(std::span<const char> bytes) {
  ERR_clear_error();
  errno = 0;
  std::size_t written = 0;
  const auto progress = Outcome(SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written));
  if (!progress) return progress.error();
  return Step{.progress = *progress, .bytes = written};
}

}  // namespace llmbatch::redis
