// Server: the operator's HTTP endpoints: /metrics, /livez, /readyz, /status.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

struct mg_context;

namespace llmbatch::admin {

// Shown as status 200 or 503, with the text as the page.
struct Check {
  bool ok = true;
  std::string text;  // for people
};

// Called on the server's threads, several at a time. They must not block for long.
struct Handlers {
  std::function<std::string()> metrics;  // Prometheus' text format
  std::function<std::string()> status;   // JSON
  std::function<Check()> alive;
  std::function<Check()> ready;
};

// GET only; reads no bodies, keeps no connection open. Nothing here is encrypted or asks for a
// password, so it belongs on loopback or behind a proxy.
class Server {
 public:
  // `listen` is "host:port", port 0: any free one; IPv4 only, as Debian builds the library. The
  // error names what is wrong with it. The server's threads inherit the caller's signal mask.
  static base::Result<std::unique_ptr<Server>> Start(const std::string& listen, Handlers handlers);
  // Waits for requests under way, and up to two seconds for the library's own thread.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The real one, also where 0 was asked for.
  int port() const { return port_; }

 private:
  explicit Server(Handlers handlers);

  const Handlers handlers_;
  mg_context* context_ = nullptr;
  int port_ = 0;
};

}  // namespace llmbatch::admin
