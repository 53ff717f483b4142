// Streams: deals sessions to streams, round after round, and lets those rest that fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "workflows/classification/classification_request.h"

namespace llmbatch::workflows {

class Streams {
 public:
  struct Hand {
    std::size_t stream = 0;
    std::vector<std::size_t> sessions;  // never empty
  };

  explicit Streams(const ClassificationConfig& config);

  // Sessions wait in the order in which they were added.
  void Add(std::size_t session) { waiting_.push_back(session); }
  bool empty() const { return waiting_.empty(); }
  // The next round: sessions_per_stream to each stream that doesn't rest, in turns, so that the
  // last round is as even as it can be. If all rest, the one that has rested longest goes on alone.
  // REQUIRES: !empty()
  std::vector<Hand> Deal();
  // How a stream fared in the round that was dealt last. One that failed rests for a round, after
  // the next failure for two, then four, up to sixteen.
  void Succeeded(std::size_t stream) { streams_[stream].failures = 0; }
  void Failed(std::size_t stream);

  std::int64_t rounds() const { return round_; }
  std::size_t count() const { return streams_.size(); }

 private:
  struct Stream {
    int failures = 0;           // in a row
    std::int64_t rests_to = 0;  // the first round that it takes part in again
  };
  std::vector<Stream> streams_;
  std::size_t sessions_per_stream_;
  std::deque<std::size_t> waiting_;
  std::int64_t round_ = 0;
};

}  // namespace llmbatch::workflows
