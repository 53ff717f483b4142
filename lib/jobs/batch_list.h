// BatchList: the batches that a job's items are in, as its record lists them.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/result.h"
#include "model/usage.h"

namespace llmbatch::jobs {

enum class BatchStatus {
  kPending,     // waits for its call
  kInProgress,  // is in a call
  kCompleted,   // the model has answered; which items it left out, their results tell
  kFailed       // ended without an answer: its items failed, or are in other batches
};
std::string_view ToString(BatchStatus status);

struct BatchNews {
  struct Member {
    model::RequestId job;
    std::string item_id;
  };
  std::string batch_id;
  BatchStatus status = BatchStatus::kPending;
  std::string model;                  // "provider/model"
  std::vector<Member> members;        // those that are in it now
  std::optional<model::Usage> usage;  // of the whole batch
};

// The most that a batch tells of its items' answers. Those that don't fit are told by their size.
inline constexpr std::size_t kMaxBatchOutputBytes = 16'384;

// Of one job. Belongs to one thread.
class BatchList {
 public:
  // A batch has other jobs' items, too: only this one's are listed.
  void Apply(model::RequestId job, const BatchNews& news, base::WallTime now);
  // How an item has ended: stands with the batch that the outcome names, if that is listed.
  void Apply(const std::string& item_id, const model::ItemOutcome& outcome);
  // Those that are open have failed: nobody waits for them any more.
  void CloseOpen(base::WallTime now);

  struct Entry {
    std::string id;
    std::string json;
  };
  // Those that have changed since the last time, or since TellAll() all of them.
  std::vector<Entry> TakeChanged();
  void TellAll();

 private:
  struct Batch {
    BatchStatus status = BatchStatus::kPending;
    std::vector<std::string> items;
    std::string model;
    base::WallTime created;
    std::optional<base::WallTime> completed;
    std::optional<model::Usage> usage;
    std::vector<std::string> results;  // JSON objects
    std::size_t output_bytes = 0;      // of the answers in them
    bool changed = true;
  };

  static std::string Encode(const std::string& id, const Batch& batch);

  std::map<std::string, Batch> batches_;
};

}  // namespace llmbatch::jobs
