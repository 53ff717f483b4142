// The busiest minute so far: what a client asked for within any 60 seconds.
#pragma once

#include <cstdint>
#include <vector>

namespace llmbatch::twin {

// Exact to the millisecond; about a megabyte. Times must not go back.
class BusiestMinute {
 public:
  BusiestMinute();

  void Add(std::int64_t at_ms, std::uint64_t requests, std::uint64_t tokens);
  std::uint64_t max_requests() const { return max_requests_; }
  std::uint64_t max_tokens() const { return max_tokens_; }

 private:
  struct Slot {
    std::uint64_t requests = 0;
    std::uint64_t tokens = 0;
  };
  void Advance(std::int64_t to_ms);

  std::vector<Slot> slots_;  // one a millisecond, used in a circle
  std::int64_t now_ms_ = 0;
  Slot sum_;
  std::uint64_t max_requests_ = 0;
  std::uint64_t max_tokens_ = 0;
};

}  // namespace llmbatch::twin
