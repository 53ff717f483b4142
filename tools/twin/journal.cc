#include "twin/journal.h"

#include <algorithm>
#include <utility>

#include "twin/json.h"

namespace llmbatch::twin {
namespace {

constexpr std::size_t kMaxModels = 1'000;
constexpr std::size_t kMaxDistinctItems = 4'000'000;
constexpr std::size_t kMaxItemReferences = 20'000'000;

void Field(JsonWriter& writer, const char* name, std::uint64_t value) {
  writer.Key(name);
  writer.Uint64(value);
}

std::uint32_t Clamp32(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

}  // namespace

Journal::Journal(std::uint64_t max_requests, base::Timestamp start)
    : max_requests_(max_requests), start_(start) {}

std::uint64_t Journal::Open(const Arrival& arrival, base::Timestamp now) {
  const std::uint64_t sequence = ++last_sequence_;
  const std::uint32_t now_ms = ToMs(now);
  const std::vector<std::uint32_t> items = CountItems(*arrival.items);
  OpenRequest open;
  for (std::size_t i = 0; arrival.answered != nullptr && i < items.size(); ++i) {
    if ((*arrival.answered)[i] && items[i] != UINT32_MAX) open.answered_items.push_back(items[i]);
  }
  open_.emplace(sequence, std::move(open));
  Count(arrival, now_ms);
  AddRecord(sequence, arrival, items, now_ms);
  return sequence;
}

void Journal::Close(std::uint64_t sequence, Delivery delivery, base::Timestamp now) {
  const auto open = open_.find(sequence);
  if (open == open_.end()) return;
  if (open->second.counted) {
    if (Record* record = FindRecord(sequence)) {
      record->completed_ms = ToMs(now);
      record->completed = true;
      record->client_closed = delivery == Delivery::kClientClosed;
    }
    if (delivery == Delivery::kClientClosed) {
      ++client_closed_;
    } else {
      for (const std::uint32_t item : open->second.answered_items) ++item_counts_[item].answered;
    }
  }
  open_.erase(open);
}

void Journal::Reset() {
  Journal fresh(max_requests_, start_);
  fresh.last_sequence_ = last_sequence_;
  for (const auto& [sequence, open] : open_) {
    fresh.open_.emplace(sequence, OpenRequest{.counted = false, .answered_items = {}});
  }
  *this = std::move(fresh);
}

std::string Journal::Lines(std::uint64_t from_sequence, std::uint64_t max_lines) const {
  std::string lines;
  if (records_.empty()) return lines;
  const std::uint64_t first = records_.front().sequence;
  const std::uint64_t skipped = from_sequence > first ? from_sequence - first : 0;
  rapidjson::StringBuffer buffer;
  for (std::uint64_t i = skipped; i < records_.size() && i - skipped < max_lines; ++i) {
    buffer.Clear();
    JsonWriter writer(buffer);
    WriteRecord(records_[i], writer);
    lines.append(buffer.GetString(), buffer.GetSize()).push_back('\n');
  }
  return lines;
}

void Journal::WriteRecord(const Record& record, JsonWriter& writer) const {
  writer.StartObject();
  Field(writer, "sequence", record.sequence);
  Field(writer, "received_ms", record.received_ms);
  writer.Key("completed_ms");
  if (record.completed) {
    writer.Uint(record.completed_ms);
  } else {
    writer.Null();
  }
  writer.Key("status");
  writer.Int(record.status);
  writer.Key("fault");
  WriteText(writer, FaultName(record.fault));
  writer.Key("model");
  WriteText(writer, models_[record.model]);
  writer.Key("items");
  writer.StartArray();
  for (std::uint32_t i = 0; i < record.item_count; ++i) {
    WriteText(writer, item_counts_[record_items_[record.first_item + i]].key);
  }
  writer.EndArray();
  Field(writer, "prompt_tokens", record.prompt_tokens);
  Field(writer, "completion_tokens", record.completion_tokens);
  Field(writer, "concurrency", record.concurrency);
  writer.Key("client_closed");
  writer.Bool(record.client_closed);
  writer.EndObject();
}

std::string Journal::Summary(base::Timestamp now) const {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  Field(writer, "now_ms", ToMs(now));
  Field(writer, "requests", requests_);
  Field(writer, "open_requests", open_.size());
  writer.Key("by_status");
  writer.StartObject();
  for (const auto& [status, count] : by_status_) {
    Field(writer, std::to_string(status).c_str(), count);
  }
  writer.EndObject();
  writer.Key("by_fault");
  writer.StartObject();
  for (const auto& [fault, count] : by_fault_) Field(writer, fault.c_str(), count);
  writer.EndObject();
  Field(writer, "highest_concurrency", highest_concurrency_);
  writer.Key("busiest_minute");
  writer.StartObject();
  Field(writer, "requests", received_minute_.max_requests());
  Field(writer, "answered_requests", answered_minute_.max_requests());
  Field(writer, "answered_tokens", answered_minute_.max_tokens());
  writer.EndObject();
  Field(writer, "prompt_tokens", prompt_tokens_);
  Field(writer, "completion_tokens", completion_tokens_);
  Field(writer, "items_asked", items_asked_);
  Field(writer, "items_distinct", item_counts_.size());
  Field(writer, "max_items_per_request", max_items_per_request_);
  Field(writer, "max_prompt_tokens", max_prompt_tokens_);
  Field(writer, "client_closed", client_closed_);
  Field(writer, "connections", connections_);
  Field(writer, "journal_dropped", requests_ - records_.size());
  writer.EndObject();
  return TakeText(buffer);
}

std::string Journal::ItemsAsJson() const {
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  writer.StartObject();
  for (const ItemCount& item : item_counts_) {
    writer.Key(item.key.data(), static_cast<rapidjson::SizeType>(item.key.size()));
    writer.StartObject();
    Field(writer, "asked", item.asked);
    Field(writer, "answered", item.answered);
    writer.EndObject();
  }
  writer.EndObject();
  return TakeText(buffer);
}

std::uint32_t Journal::ToMs(base::Timestamp now) const {
  return Clamp32(
      static_cast<std::uint64_t>(std::max<std::int64_t>(base::ToMillis(now - start_), 0)));
}

std::uint16_t Journal::InternModel(std::string_view model) {
  std::string name(model_index_.size() < kMaxModels ? model : "(too many models)");
  const auto [known, added] =
      model_index_.try_emplace(std::move(name), static_cast<std::uint16_t>(models_.size()));
  if (added) models_.push_back(known->first);
  return known->second;
}

std::vector<std::uint32_t> Journal::CountItems(const std::vector<Item>& items) {
  std::vector<std::uint32_t> indexes;
  indexes.reserve(items.size());
  for (const Item& item : items) {
    auto known = item_index_.find(item.key);
    if (known == item_index_.end()) {
      if (item_index_.size() >= kMaxDistinctItems) {
        indexes.push_back(UINT32_MAX);
        continue;
      }
      known = item_index_.emplace(item.key, Clamp32(item_counts_.size())).first;
      item_counts_.push_back(ItemCount{.key = known->first});
    }
    ++item_counts_[known->second].asked;
    indexes.push_back(known->second);
  }
  return indexes;
}

void Journal::Count(const Arrival& arrival, std::uint32_t now_ms) {
  const std::uint64_t tokens = arrival.usage.prompt_tokens + arrival.usage.completion_tokens;
  ++requests_;
  ++by_status_[arrival.status];
  if (arrival.fault.kind != FaultKind::kNone) ++by_fault_[FaultName(arrival.fault)];
  received_minute_.Add(now_ms, 1, tokens);
  highest_concurrency_ = std::max<std::uint64_t>(highest_concurrency_, open_.size());
  items_asked_ += arrival.items->size();
  max_items_per_request_ = std::max<std::uint64_t>(max_items_per_request_, arrival.items->size());
  max_prompt_tokens_ = std::max(max_prompt_tokens_, arrival.usage.prompt_tokens);
  if (arrival.status != 200) return;
  answered_minute_.Add(now_ms, 1, tokens);
  prompt_tokens_ += arrival.usage.prompt_tokens;
  completion_tokens_ += arrival.usage.completion_tokens;
}

void Journal::AddRecord(std::uint64_t sequence, const Arrival& arrival,
                        const std::vector<std::uint32_t>& items, std::uint32_t now_ms) {
  if (records_.size() >= max_requests_) return;
  Record record{.sequence = sequence,
                .received_ms = now_ms,
                .first_item = Clamp32(record_items_.size()),
                .prompt_tokens = Clamp32(arrival.usage.prompt_tokens),
                .completion_tokens = Clamp32(arrival.usage.completion_tokens),
                .concurrency = Clamp32(open_.size()),
                .model = InternModel(arrival.model),
                .status = static_cast<std::int16_t>(arrival.status),
                .fault = arrival.fault};
  if (record_items_.size() + items.size() <= kMaxItemReferences) {
    for (const std::uint32_t item : items) {
      if (item != UINT32_MAX) record_items_.push_back(item);
    }
    record.item_count = Clamp32(record_items_.size()) - record.first_item;
  }
  records_.push_back(record);
}

Journal::Record* Journal::FindRecord(std::uint64_t sequence) {
  if (records_.empty() || sequence < records_.front().sequence) return nullptr;
  const std::uint64_t index = sequence - records_.front().sequence;
  return index < records_.size() ? &records_[index] : nullptr;
}

}  // namespace llmbatch::twin
