// Accumulator: gathers items into batches that never pass a bound and never wait longer than the
// linger time.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/ids.h"

namespace llmbatch::batching {

// May differ from one item to the next, as estimates are calibrated and lengths of answers are
// learnt.
struct BatchBounds {
  std::int64_t max_tokens = 0;  // of the items alone: the prompt's fixed part is taken off already
  std::int64_t max_items = 0;
};

enum class CloseReason { kTokens, kItems, kLinger, kFlush };
std::string_view ToString(CloseReason reason);

struct ClosedBatch {
  std::vector<model::RequestId> requests;  // in the order added, never empty
  std::int64_t tokens = 0;
  CloseReason reason = CloseReason::kLinger;
};

// For items that may share a prompt: one task, one model, one tenant.
class Accumulator {
 public:
  // An open batch waits for `linger` from its first item on.
  explicit Accumulator(base::Duration linger) : linger_(linger) {}

  // Adds an item. Returns the batches that this closed: the one it no longer fitted into, and the
  // one it filled. REQUIRES: tokens <= bounds.max_tokens
  std::vector<ClosedBatch> Add(model::RequestId request, std::int64_t tokens,
                               const BatchBounds& bounds, base::Timestamp now);
  // The open batch, if its linger time is over.
  std::optional<ClosedBatch> Expire(base::Timestamp now);
  // The open batch, if there is one.
  std::optional<ClosedBatch> Flush();

  // When Expire() must be called at the latest; nullopt while nothing is gathered.
  std::optional<base::Timestamp> Deadline() const;
  bool empty() const { return open_.requests.empty(); }

 private:
  ClosedBatch Close(CloseReason reason);

  base::Duration linger_;
  ClosedBatch open_;
  base::Timestamp opened_at_;
};

}  // namespace llmbatch::batching
