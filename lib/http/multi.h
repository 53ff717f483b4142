// Many transfers at once on one thread: libcurl's socket interface on epoll.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "http/transfer.h"

namespace llmbatch::http {

// Belongs to one thread, except for Wake(). A transfer must be removed, or have been returned as
// finished, before it ends.
class Multi {
 public:
  enum class Wait { kNo, kUntilSomethingHappens };
  struct Finished {
    Transfer* transfer = nullptr;
    int curl_code = 0;
  };

  // Keeps up to `max_connections` connections open, over all hosts.
  static base::Result<std::unique_ptr<Multi>> Create(std::int64_t max_connections);
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  // Begins it at the next RunTimers(). False: libcurl didn't take it.
  [[nodiscard]] bool Add(Transfer& transfer);
  void Remove(Transfer& transfer);

  // Serves the sockets that are ready; if told to, waits for one, for a timer or for Wake(), but no
  // longer than a second.
  void RunSockets(Wait wait);
  // Does what is due, which includes beginning what was added.
  void RunTimers();
  // Those that have ended since the last call; they are no longer part of this.
  std::vector<Finished> TakeFinished();

  // Ends a wait, from any thread.
  void Wake();

 private:
  struct Callbacks;
  class Descriptor {
   public:
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }

   private:
    int value_;
  };
  struct HandleDeleter {
    void operator()(void* handle) const;
  };

  Multi();
  bool SetOptions(std::int64_t max_connections);
  void Watch(int socket, int what);
  int MillisToWait() const;

  Descriptor epoll_;
  Descriptor wakeup_;
  std::unique_ptr<void, HandleDeleter> handle_;
  std::optional<std::chrono::steady_clock::time_point> timer_;
};

}  // namespace llmbatch::http
