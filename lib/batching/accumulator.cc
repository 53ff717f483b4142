#include "batching/accumulator.h"

#include <utility>

#include "base/check.h"

namespace llmbatch::batching {

std::string_view ToString(CloseReason reason) {
  switch (reason) {
    case CloseReason::kTokens:
      return "tokens";
    case CloseReason::kItems:
      return "items";
    case CloseReason::kLinger:
      return "linger";
    case CloseReason::kFlush:
      return "flush";
  }
  return "flush";
}

std::vector<ClosedBatch> Accumulator::Add(model::RequestId request, std::int64_t tokens,
                                          const BatchBounds& bounds, base::Timestamp now) {
  LLMBATCH_CHECK(tokens <= bounds.max_tokens);
  std::vector<ClosedBatch> closed;
  const auto items = static_cast<std::int64_t>(open_.requests.size());
  if (!empty() && open_.tokens + tokens > bounds.max_tokens) {
    closed.push_back(Close(CloseReason::kTokens));
  } else if (!empty() && items >= bounds.max_items) {
    closed.push_back(Close(CloseReason::kItems));
  }
  if (empty()) opened_at_ = now;
  open_.requests.push_back(request);
  open_.tokens += tokens;
  if (static_cast<std::int64_t>(open_.requests.size()) >= bounds.max_items) {
    closed.push_back(Close(CloseReason::kItems));
  }
  return closed;
}

std::optional<ClosedBatch> Accumulator::Expire(base::Timestamp now) {
  const auto deadline = Deadline();
  if (!deadline || now < *deadline) return std::nullopt;
  return Close(CloseReason::kLinger);
}

std::optional<ClosedBatch> Accumulator::Flush() {
  if (empty()) return std::nullopt;
  return Close(CloseReason::kFlush);
}

std::optional<base::Timestamp> Accumulator::Deadline() const {
  if (empty()) return std::nullopt;
  return opened_at_ + linger_;
}

ClosedBatch Accumulator::Close(CloseReason reason) {
  ClosedBatch batch = std::exchange(open_, {});
  batch.reason = reason;
  return batch;
}

}  // namespace llmbatch::batching
