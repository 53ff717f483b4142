// What was asked and what became of it: one compact record a request, counters over all of them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "twin/answer.h"
#include "twin/faults.h"
#include "twin/items.h"
#include "twin/window.h"

namespace llmbatch::twin {

// A request as it arrives, with what is going to be answered.
struct Arrival {
  std::string_view model;
  const std::vector<Item>* items = nullptr;     // never null
  const std::vector<bool>* answered = nullptr;  // null: none is
  int status = 0;                               // 0: no HTTP answer
  Fault fault;
  Usage usage;
};

enum class Delivery { kDone, kClientClosed };

// One thread. When max_requests are recorded the later ones are only counted, so the summary stays
// exact.
class Journal {
 public:
  Journal(std::uint64_t max_requests, base::Timestamp start);

  // Returns the request's sequence number; it goes on over Reset().
  std::uint64_t Open(const Arrival& arrival, base::Timestamp now);
  // Nothing happens if the request isn't open.
  void Close(std::uint64_t sequence, Delivery delivery, base::Timestamp now);
  void CountConnection() { ++connections_; }
  // Forgets everything but the requests that are open, and those no longer show in the figures.
  void Reset();

  // Requests received and not yet answered.
  std::uint64_t open_requests() const { return open_.size(); }

  // Of the first request in the journal, or of the next one if it is empty.
  std::uint64_t first_sequence() const {
    return records_.empty() ? last_sequence_ + 1 : records_.front().sequence;
  }
  // At most `max_lines` JSON lines, beginning with request `from_sequence`.
  std::string Lines(std::uint64_t from_sequence, std::uint64_t max_lines) const;
  std::string Summary(base::Timestamp now) const;
  std::string ItemsAsJson() const;

 private:
  struct Record {
    std::uint64_t sequence = 0;
    std::uint32_t received_ms = 0;
    std::uint32_t completed_ms = 0;
    std::uint32_t first_item = 0;
    std::uint32_t item_count = 0;
    std::uint32_t prompt_tokens = 0;
    std::uint32_t completion_tokens = 0;
    std::uint32_t concurrency = 0;
    std::uint16_t model = 0;
    std::int16_t status = 0;
    Fault fault;
    bool completed = false;
    bool client_closed = false;
  };
  struct OpenRequest {
    bool counted = true;  // false once the journal was reset
    std::vector<std::uint32_t> answered_items;
  };
  struct ItemCount {
    std::string_view key;  // into item_index_
    std::uint32_t asked = 0;
    std::uint32_t answered = 0;
  };

  std::uint32_t ToMs(base::Timestamp now) const;
  std::uint16_t InternModel(std::string_view model);
  std::vector<std::uint32_t> CountItems(const std::vector<Item>& items);
  void Count(const Arrival& arrival, std::uint32_t now_ms);
  void AddRecord(std::uint64_t sequence, const Arrival& arrival,
                 const std::vector<std::uint32_t>& items, std::uint32_t now_ms);
  Record* FindRecord(std::uint64_t sequence);
  void WriteRecord(const Record& record, JsonWriter& writer) const;

  std::uint64_t max_requests_;
  base::Timestamp start_;
  std::uint64_t last_sequence_ = 0;
  std::unordered_map<std::uint64_t, OpenRequest> open_;

  std::deque<Record> records_;  // of consecutive sequence numbers
  std::deque<std::uint32_t> record_items_;
  std::unordered_map<std::string, std::uint16_t> model_index_;
  std::vector<std::string> models_;
  std::unordered_map<std::string, std::uint32_t> item_index_;
  std::deque<ItemCount> item_counts_;

  std::uint64_t requests_ = 0;
  std::map<int, std::uint64_t> by_status_;
  std::map<std::string, std::uint64_t> by_fault_;
  std::uint64_t highest_concurrency_ = 0;
  std::uint64_t items_asked_ = 0;
  std::uint64_t max_items_per_request_ = 0;
  std::uint64_t max_prompt_tokens_ = 0;
  std::uint64_t prompt_tokens_ = 0;
  std::uint64_t completion_tokens_ = 0;
  std::uint64_t client_closed_ = 0;
  std::uint64_t connections_ = 0;
  BusiestMinute received_minute_;
  BusiestMinute answered_minute_;
};

}  // namespace llmbatch::twin
