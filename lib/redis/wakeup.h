// A flag that a thread can wait for together with sockets.
#pragma once

namespace llmbatch::redis {

// Raise() from any thread; everything else from the one that waits.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  // Readable from Raise() until Clear().
  int fd() const { return fd_; }
  bool raised() const;
  void Raise();
  void Clear();

 private:
  int fd_;
};

}  // namespace llmbatch::redis
