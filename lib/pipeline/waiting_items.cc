#include "pipeline/waiting_items.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::pipeline {

void WaitingItems::Add(ArrivedItem item) {
  const RecordId record = item.envelope->record;
  by_job_[item.item.job_id].insert(record);
  by_age_.emplace(item.since, record);
  const bool added = items_.emplace(record, std::move(item)).second;
  LLMBATCH_CHECK(added);
}

ArrivedItem* WaitingItems::Find(RecordId record) {
  const auto found = items_.find(record);
  return found == items_.end() ? nullptr : &found->second;
}

std::optional<ArrivedItem> WaitingItems::Take(RecordId record) {
  auto node = items_.extract(record);
  if (node.empty()) return std::nullopt;
  ArrivedItem& item = node.mapped();
  const auto job = by_job_.find(item.item.job_id);
  job->second.erase(record);
  if (job->second.empty()) by_job_.erase(job);
  by_age_.erase({item.since, record});
  return std::move(item);
}

std::vector<ArrivedItem> WaitingItems::TakeOf(std::string_view job_id,
                                              const model::TopicPartition& partition) {
  std::vector<ArrivedItem> taken;
  for (const RecordId record : Of(job_id)) {
    if (items_.at(record).origin.partition == partition) taken.push_back(*Take(record));
  }
  std::sort(taken.begin(), taken.end(), [](const ArrivedItem& one, const ArrivedItem& other) {
    return one.origin.offset < other.origin.offset;
  });
  return taken;
}

std::vector<ArrivedItem> WaitingItems::TakeSince(base::Timestamp time) {
  std::vector<ArrivedItem> taken;
  while (!by_age_.empty() && by_age_.begin()->first <= time)
    taken.push_back(*Take(by_age_.begin()->second));
  return taken;
}

std::vector<RecordId> WaitingItems::Of(std::string_view job_id) const {
  const auto found = by_job_.find(job_id);
  if (found == by_job_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

void WaitingItems::DropForeign(const Partitions& partitions) {
  std::vector<RecordId> foreign;
  for (const auto& [record, item] : items_) {
    if (!partitions.Owns(record)) foreign.push_back(record);
  }
  for (const RecordId record : foreign) Take(record);
}

}  // namespace llmbatch::pipeline
