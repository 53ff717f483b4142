// Where a provider is, and what opens its door: the driver's share of the configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace llmbatch::http {

// Sent with each request as "<header>: <prefix><secret>".
struct Credential {
  std::string header;
  std::string prefix;  // for example "Bearer "
  base::Secret secret;
};

struct Endpoint {
  std::string base_url;  // scheme, host, port and path; no query; a request's path is appended
  std::vector<Credential> credentials;
  // Loopback and private addresses, and plain http, are refused unless this is set.
  bool allow_private = false;
  std::string ca_file;  // PEM; trusted instead of the system's authorities. Empty: the system's
  // URL of a proxy. Empty: none, whatever the environment says. Its address may be private, and
  // where it connects to is then its own affair.
  std::string proxy;
  base::Duration connect_timeout = std::chrono::seconds(10);
  // Connections kept open for the next call; as many as there may be calls at once.
  std::int64_t max_connections = 64;
};

// Finds what could never work. The error names provider and field.
base::Result<void> Validate(std::string_view provider, const Endpoint& endpoint);

// Whether HTTP allows it: a name that is a token, a value without control characters.
bool IsValidHeader(std::string_view name, std::string_view value);

}  // namespace llmbatch::http
