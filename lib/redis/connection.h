// One connection to a Redis server: pipelined requests, in time or not at all.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "redis/address.h"
#include "redis/reply.h"
#include "redis/tls.h"

struct redisContext;

namespace llmbatch::redis {

// A command's name and its arguments; binary-safe.
using Request = std::vector<std::string>;

struct Timeouts {
  base::Duration connect = std::chrono::seconds(1);
  base::Duration reply = std::chrono::seconds(1);  // for each reply, counted from the last progress
};

// Belongs to one thread. After any error it is good for nothing but being destroyed: a late reply
// would be taken for the answer to the next request.
class Connection {
 public:
  struct Exchanged {
    std::vector<OwnedReply> replies;   // in order; fewer than requests if it broke
    std::optional<base::Error> error;  // why it broke
  };

  // Connects and logs in. Waiting ends early, as kAborted, when `stop_fd` becomes readable; looking
  // up a host's name is the exception: it takes as long as the resolver does.
  static base::Result<Connection> Open(const Address& address, const Timeouts& timeouts,
                                       int stop_fd);

  // Sends all and waits for all replies. Replies that are errors are replies. Not for a connection
  // that has subscribed.
  Exchanged Exchange(const std::vector<Request>& requests);

  // For subscriptions: sends without waiting for the reply, and waits for whatever comes; nullopt
  // if nothing came in time.
  base::Result<void> Send(const Request& request);
  base::Result<std::optional<OwnedReply>> Receive(base::Duration wait);

  // Readable when there is something to Receive(), such as the connection's end; with TLS also at
  // times when there is nothing.
  int fd() const;
  // Nothing has come that isn't part of a reply given out.
  bool IsQuiet() const;
  const std::string& server() const { return server_; }

 private:
  struct Deleter {
    void operator()(redisContext* context) const;
  };
  Connection(redisContext* context, std::string server, const Timeouts& timeouts, int stop_fd);

  base::Result<void> WaitUntilConnected();
  base::Result<void> StartTls(const Address& address);
  base::Result<bool> WriteSomeTls();
  base::Result<void> ReadSomeTls();
  base::Result<void> LogIn(const Address& address);
  base::Result<bool> WriteSome();
  base::Result<void> ReadSome();
  base::Result<std::optional<OwnedReply>> NextParsed();
  std::size_t UnsentBytes() const;
  base::Error Broken() const;
  base::Error Unavailable(const std::string& why) const;

  std::unique_ptr<redisContext, Deleter> context_;
  std::optional<TlsSession> tls_;
  std::string server_;
  Timeouts timeouts_;
  int stop_fd_;
  std::size_t reply_bytes_ = 0;  // read since the last whole reply
};

}  // namespace llmbatch::redis
