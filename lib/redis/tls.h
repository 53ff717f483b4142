// TlsSession: TLS over a connected socket that doesn't block.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

struct ssl_st;

namespace llmbatch::redis {

// Belongs to one thread. The peer's certificate must be valid for the host, by the authorities
// given; TLS 1.2 is the oldest version spoken.
class TlsSession {
 public:
  // What a step came to: some bytes, or what to wait for first. kClosed: the peer has ended the
  // session in good order.
  enum class Progress { kDone, kWantsRead, kWantsWrite, kClosed };
  struct Step {
    Progress progress = Progress::kDone;
    std::size_t bytes = 0;
  };

  // `ca_file`: PEM; empty: the system's authorities. The socket stays the caller's and must outlive
  // the session. An error for a file that can't be used.
  static base::Result<TlsSession> Begin(int socket, const std::string& host,
                                        const std::string& ca_file);

  // To be called until it is done. The error says what is wrong with the certificate.
  base::Result<Progress> Handshake();
  base::Result<Step> Read(std::span<char> into);
  base::Result<Step> Write(std::span<const char> bytes);

 private:
  struct Deleter {
    void operator()(ssl_st* session) const;
  };
  explicit TlsSession(ssl_st* session) : session_(session) {}
  base::Result<Progress> Outcome(int returned) const;

  std::unique_ptr<ssl_st, Deleter> session_;
};

}  // namespace llmbatch::redis
