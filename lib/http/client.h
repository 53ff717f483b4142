// HTTP driver: makes the POSTs that the core asks for, with libcurl, on a thread of its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "http/endpoint.h"
#include "ports/commands.h"
#include "runtime/inbox.h"

namespace llmbatch::http {

class Loop;

struct ClientOptions {
  std::map<std::string, Endpoint> endpoints;  // by the provider's name
  std::string user_agent = "llmbatchd";
};

using Command = std::variant<ports::StartCall, ports::AbortCall>;

// Each StartCall is answered by exactly one CallCompleted in the inbox, and leads to one POST at
// most. Redirects come as responses. A response with an error status comes even if its body broke
// off, and with 64 KiB of it at the most.
class Client {
 public:
  // The error names provider and field. The inbox must outlive the client.
  static base::Result<std::unique_ptr<Client>> Start(ClientOptions options, runtime::Inbox& inbox);
  // Stops.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // From any thread; never blocks. What belongs together is best handed over together: it costs at
  // most one wake-up.
  void Execute(std::vector<Command> commands);

  // When the thread last came round; it does so every second. From any thread.
  base::Timestamp last_progress() const;

  // Gives up all calls and ends the thread; their completions are in the inbox when it returns.
  // What is handed over later is answered with kAborted at once.
  void Stop();

 private:
  explicit Client(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace llmbatch::http
