// Where a Redis server is, and as whom to log in there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace llmbatch::redis {

struct Address {
  std::string host;
  int port = 6379;
  std::string path;  // of a unix socket; then host and port mean nothing
  std::string user;  // empty: the default user
  base::Secret password;
  std::int64_t database = 0;
  bool tls = false;
  std::string ca_file;  // with tls: PEM; empty: the system's authorities

  // For messages: "redis at host:port", never with credentials.
  std::string Name() const;
};

// Reads redis://[user:password@]host[:port][/database] (percent-encoded, an IPv6 host in brackets)
// the same with rediss:// for TLS, and unix:///path[?db=N]. Errors never repeat the address, as it
// may hold a password.
base::Result<Address> ParseAddress(std::string_view url);

}  // namespace llmbatch::redis
