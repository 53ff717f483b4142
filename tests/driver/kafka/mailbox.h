// The inbox of a driver under test: waits for events and keeps all of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "ports/events.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {

inline constexpr base::Duration kDeadline = std::chrono::seconds(30);

class Mailbox {
 public:
  runtime::Inbox& inbox() { return inbox_; }
  // Everything so far, in order.
  const std::vector<ports::Event>& events() const { return events_; }

  // Reads on until `condition` holds. False: the deadline has come.
  bool Until(const std::function<bool()>& condition, base::Duration deadline = kDeadline);
  // What has come, without waiting.
  void Take();
  void Clear() { events_.clear(); }

  template <typename T>
  std::vector<T> All() const {
    std::vector<T> found;
    for (const ports::Event& event : events_) {
      if (const T* each = std::get_if<T>(&event)) found.push_back(*each);
    }
    return found;
  }
  template <typename T>
  std::size_t Count() const {
    std::size_t count = 0;
    for (const ports::Event& event : events_) count += std::holds_alternative<T>(event) ? 1 : 0;
    return count;
  }
  // Waits until at least `count` of them have come. Fewer: the deadline has come.
  template <typename T>
  std::vector<T> Wait(std::size_t count, base::Duration deadline = kDeadline) {
    Until([&] { return Count<T>() >= count; }, deadline);
    return All<T>();
  }

  // "topic/partition/offset value", in the order they were read.
  std::vector<std::string> Records() const;
  // Positions in events(), or -1.
  template <typename T>
  std::ptrdiff_t First() const {
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (std::holds_alternative<T>(events_[i])) return static_cast<std::ptrdiff_t>(i);
    }
    return -1;
  }
  template <typename T>
  std::ptrdiff_t Last() const {
    for (std::size_t i = events_.size(); i > 0; --i) {
      if (std::holds_alternative<T>(events_[i - 1])) return static_cast<std::ptrdiff_t>(i) - 1;
    }
    return -1;
  }

 private:
  runtime::Inbox inbox_;
  std::vector<ports::Event> events_;
};

}  // namespace llmbatch::kafka
