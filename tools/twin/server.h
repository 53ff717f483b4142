// HTTP around a Twin: one thread, one event loop, answers that wait on timers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "twin/twin.h"

struct event_base;

namespace llmbatch::twin {

inline constexpr std::size_t kMaxRequestBytes = 64 << 20;

class Server {
 public:
  // Listens on a numeric address; port 0 takes any free one. `base` and `twin` must outlive it.
  static base::Result<std::unique_ptr<Server>> Listen(event_base* base, Twin& twin,
                                                      const std::string& address,
                                                      std::uint16_t port);
  virtual ~Server() = default;

  virtual std::uint16_t port() const = 0;
};

// The two clocks, read now.
base::Now ReadClocks();

}  // namespace llmbatch::twin
