// WaitingItems: items of jobs that came in messages of their own, and whose job isn't under way
// here, or not yet.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/item.h"
#include "model/origin.h"
#include "pipeline/partitions.h"
#include "pipeline/request.h"

namespace llmbatch::pipeline {

struct ArrivedItem {
  model::Item item;
  model::Origin origin;
  std::string identity;
  std::shared_ptr<const Envelope> envelope;
  base::Timestamp since;  // when it began to wait
  bool told = false;      // the job's record says nothing of it, or there is none
};

// Items are named by their records. Belongs to one thread.
class WaitingItems {
 public:
  // REQUIRES: it isn't there
  void Add(ArrivedItem item);
  // nullptr: it doesn't wait (any more).
  ArrivedItem* Find(RecordId record);
  std::optional<ArrivedItem> Take(RecordId record);
  // Those of a job from this partition, in the order in which they were written.
  std::vector<ArrivedItem> TakeOf(std::string_view job_id, const model::TopicPartition& partition);
  // Those that have waited since then or longer.
  std::vector<ArrivedItem> TakeSince(base::Timestamp time);
  std::vector<RecordId> Of(std::string_view job_id) const;
  // Forgets those whose record isn't ours any more.
  void DropForeign(const Partitions& partitions);

  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }

 private:
  std::map<RecordId, ArrivedItem> items_;
  std::map<std::string, std::set<RecordId>, std::less<>> by_job_;
  std::set<std::pair<base::Timestamp, RecordId>> by_age_;
};

}  // namespace llmbatch::pipeline
