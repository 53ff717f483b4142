// An HTTP server on loopback that does to each connection what a test tells it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace llmbatch::http {

struct TlsIdentity {
  std::string certificate_pem;
  std::string key_pem;
};

class FaultyServer;

// One accepted connection, for the thread that serves it.
class Connection {
 public:
  // Reads one request to its end. False: the peer has closed, or the server is ending.
  bool ReadRequest();
  // The last request, header section and body.
  const std::string& request() const { return request_; }
  // False: the peer doesn't take it any more.
  bool Send(std::string_view bytes);
  // Ends the connection with a reset instead of an orderly close.
  void Reset();
  // Keeps the connection open until the peer closes it, or the server ends.
  void WaitForPeer();
  // Counted from 1 in the order of acceptance.
  int number() const { return number_; }

 private:
  friend class FaultyServer;
  Connection(FaultyServer& server, int socket, int number);
  ~Connection();
  bool StartTls(ssl_ctx_st* context);
  long ReadSome(char* bytes, std::size_t size);

  FaultyServer& server_;
  int socket_;
  int number_;
  ssl_st* tls_ = nullptr;
  std::string buffer_;
  std::string request_;
};

// Serves each connection on a thread of its own; when the behaviour returns, the connection is
// closed. Its end ends all connections.
class FaultyServer {
 public:
  using Behaviour = std::function<void(Connection&)>;

  explicit FaultyServer(Behaviour behaviour, TlsIdentity identity = {});
  ~FaultyServer();
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  // "http://127.0.0.1:PORT", or https with an identity.
  std::string Url() const;
  std::uint16_t port() const { return port_; }
  // POST requests whose header section has come in.
  int posts() const { return posts_; }
  int connections() const { return connections_; }
  // False: it took longer than ten seconds.
  bool WaitForPosts(int count);
  bool WaitUntilAllAreClosed();

 private:
  friend class Connection;
  void Accept();
  void Serve(int socket, int number);
  void CountPost();

  Behaviour behaviour_;
  ssl_ctx_st* tls_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> posts_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> open_sockets_;     // guarded by mutex_
  std::vector<std::thread> threads_;  // of connections; only the accepting thread adds
  bool ending_ = false;               // guarded by mutex_
  std::thread acceptor_;
};

// A complete response with a Content-Length.
std::string Response(int status, std::string_view body, std::string_view more_headers = {});

// Answers every request with 200 and this body.
FaultyServer::Behaviour AlwaysAnswer(std::string body);

}  // namespace llmbatch::http
