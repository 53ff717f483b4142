#include "runtime/inbox.h"

#include <chrono>
#include <iterator>
#include <thread>
#include <utility>

#include "runtime/clock.h"

namespace llmbatch::runtime {

void Inbox::Post(ports::Event event) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = events_.empty();
    events_.push_back(std::move(event));
  }
  // The main loop takes everything at once, so only the first event of a round needs to wake it.
  if (was_empty) not_empty_.notify_one();
}

void Inbox::PostAll(std::vector<ports::Event> events) {
  if (events.empty()) return;
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    was_empty = events_.empty();
    if (was_empty) {
      events_ = std::move(events);
    } else {
      events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                     std::make_move_iterator(events.end()));
    }
  }
  if (was_empty) not_empty_.notify_one();
}

std::vector<ports::Event> Inbox::WaitUntil(std::optional<base::Timestamp> deadline,
                                           base::Timestamp not_before) {
  // Nobody has to wake a thread that sleeps by the clock.
  std::this_thread::sleep_until(ToSteadyClock(not_before));
  std::unique_lock lock(mutex_);
  const auto has_events = [this] { return !events_.empty(); };
  if (deadline) {
    not_empty_.wait_until(lock, ToSteadyClock(*deadline), has_events);
  } else {
    not_empty_.wait(lock, has_events);
  }
  return std::exchange(events_, {});
}

std::size_t Inbox::size() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

}  // namespace llmbatch::runtime
