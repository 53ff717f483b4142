// AdaptiveWatch: what this replica sees of a provider whose limit is found by trying.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "ports/adaptive.h"

namespace llmbatch::admission {

// Of one pool. Belongs to one thread.
class AdaptiveWatch {
 public:
  explicit AdaptiveWatch(ports::AdaptiveBounds bounds) : bounds_(bounds) {}

  void SetBounds(ports::AdaptiveBounds bounds) { bounds_ = bounds; }

  // Which limit was known when a call was started: to be kept with the call.
  std::int64_t version() const { return state_.version; }
  ports::AdaptiveChange change() const { return state_.change; }
  // `output_tokens` is how long the answer was; nullopt: that isn't known.
  void OnAnswered(base::Duration took, std::optional<std::int64_t> output_tokens,
                  base::Timestamp now);
  // A call was refused that had been started then, at `version`; none starts before `held_until`.
  void OnRefused(std::int64_t version, base::Timestamp started, base::Timestamp held_until);

  // What is known and wasn't told: at once; when calls wait.
  bool IsUrgent() const { return refused_ > told_refused_ || slow_; }
  bool HasAnswers() const { return answers_ > told_answers_; }

  ports::AdaptiveReport Report(base::Timestamp now);
  // The last report was heard.
  void OnTold(const ports::AdaptiveState& state);

 private:
  // Answers that are compared with earlier ones, together.
  struct Window {
    base::Timestamp begin;
    std::int64_t answers = 0;
    double seconds_per_token = 0;  // in all
  };
  void CloseWindow(base::Timestamp now);

  ports::AdaptiveBounds bounds_;
  ports::AdaptiveState state_{};
  std::int64_t answers_ = 0;
  std::int64_t told_answers_ = 0;
  std::int64_t refused_ = 0;
  std::int64_t sent_refused_ = 0;
  std::int64_t told_refused_ = 0;
  base::Timestamp refused_started_;
  base::Timestamp held_until_;
  base::Duration answer_time_{};
  Window window_;
  double usual_ = 0;  // seconds for a token of answers; 0: not known yet
  bool slow_ = false;
};

}  // namespace llmbatch::admission
