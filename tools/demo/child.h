// Child: a program that runs as long as this object lives.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace llmbatch::demo {

class Child {
 public:
  // Standard output and error go to `log_path`.
  static base::Result<std::unique_ptr<Child>> Start(const std::vector<std::string>& arguments,
                                                    const std::string& log_path);
  // Stops.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool running();
  // Asks it to end (SIGTERM) and waits; ends it by force after `patience`.
  void Stop(base::Duration patience = std::chrono::seconds(10));

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace llmbatch::demo
