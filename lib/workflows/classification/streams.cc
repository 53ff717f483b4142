#include "workflows/classification/streams.h"

#include <algorithm>

#include "base/check.h"

namespace llmbatch::workflows {
namespace {

constexpr int kMostDoublings = 4;

}  // namespace

Streams::Streams(const ClassificationConfig& config)
    : streams_(static_cast<std::size_t>(config.parallel_stream_count)),
      sessions_per_stream_(static_cast<std::size_t>(config.sessions_per_stream)) {}

std::vector<Streams::Hand> Streams::Deal() {
  LLMBATCH_CHECK(!waiting_.empty());
  ++round_;
  std::vector<Hand> hands;
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].rests_to <= round_) hands.push_back({.stream = i, .sessions = {}});
  }
  if (hands.empty()) {
    const auto first =
        std::min_element(streams_.begin(), streams_.end(),
                         [](const Stream& a, const Stream& b) { return a.rests_to < b.rests_to; });
    hands.push_back({.stream = static_cast<std::size_t>(first - streams_.begin()), .sessions = {}});
  }
  for (std::size_t turn = 0; turn < sessions_per_stream_; ++turn) {
    for (Hand& hand : hands) {
      if (waiting_.empty()) break;
      hand.sessions.push_back(waiting_.front());
      waiting_.pop_front();
    }
  }
  while (hands.back().sessions.empty()) hands.pop_back();
  return hands;
}

void Streams::Failed(std::size_t stream) {
  Stream& failed = streams_[stream];
  const std::int64_t rest = std::int64_t{1} << std::min(failed.failures, kMostDoublings);
  ++failed.failures;
  failed.rests_to = round_ + 1 + rest;
}

}  // namespace llmbatch::workflows
