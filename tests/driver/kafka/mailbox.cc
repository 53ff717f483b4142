#include "driver/kafka/mailbox.h"

#include <iterator>

#include "runtime/clock.h"

namespace llmbatch::kafka {

bool Mailbox::Until(const std::function<bool()>& condition, base::Duration deadline) {
  const base::Timestamp until = runtime::ReadClock().steady + deadline;
  Take();
  while (!condition()) {
    if (runtime::ReadClock().steady >= until) return false;
    // Conditions that no event announces are looked at now and then.
    auto events = inbox_.WaitUntil(runtime::ReadClock().steady + std::chrono::milliseconds(20));
    events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                   std::make_move_iterator(events.end()));
  }
  return true;
}

void Mailbox::Take() {
  auto events = inbox_.WaitUntil(runtime::ReadClock().steady);
  events_.insert(events_.end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
}

std::vector<std::string> Mailbox::Records() const {
  std::vector<std::string> records;
  for (const auto& [record] : All<ports::RecordReceived>()) {
    records.push_back(record.partition.topic + "/" + std::to_string(record.partition.partition) +
                      "/" + std::to_string(record.offset) + " " + record.value.value_or("(null)"));
  }
  return records;
}

}  // namespace llmbatch::kafka
