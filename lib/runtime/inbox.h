// Inbox: where the drivers leave events for the main loop. The only state that threads share.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "ports/events.h"

namespace llmbatch::runtime {

// Post from any thread; wait from one. Not bounded by itself: what can come in is bounded by the
// commands under way and by paused partitions.
class Inbox {
 public:
  // Never blocks for longer than it takes to append.
  void Post(ports::Event event);
  // Several in one go, which costs one wake-up.
  void PostAll(std::vector<ports::Event> events);

  // Returns all events in the order they were posted; waits while there are none, until `deadline`
  // at the longest (nullopt: without end). An empty vector means that the deadline has come.
  // Doesn't return before `not_before`, so that events gather: many cost hardly more than one.
  std::vector<ports::Event> WaitUntil(std::optional<base::Timestamp> deadline,
                                      base::Timestamp not_before = {});

  // Events posted and not yet taken.
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable not_empty_;
  std::vector<ports::Event> events_;
};

}  // namespace llmbatch::runtime
