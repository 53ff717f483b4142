// AdaptiveWatch: what this replica sees of a provider whose limit is found by trying.
//
// How long answers take is counted for each token of them, and averaged over some dozens of
// answers. The least that was seen is usual. More than twice as much says that calls wait for each
// other, and what part of the limit would make it one and a half times. If a cut changes nothing,
// they don't: then the provider has become slower, and that is usual.
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
  bool IsUrgent() const { return refused_ > told_refused_ || quick_part_ > 0; }
  bool HasAnswers() const { return quick_ && answers_ > told_answers_; }

  ports::AdaptiveReport Report(base::Timestamp now);
  // The last report was heard.
  void OnTold(const ports::AdaptiveState& state, base::Timestamp now);

 private:
  // Answers that are compared with earlier ones, together.
  struct Window {
    base::Timestamp begin;
    std::int64_t answers = 0;
    double seconds_per_token = 0;  // in all

    void Add(double per_token, base::Timestamp now);
    double Average() const { return seconds_per_token / static_cast<double>(answers); }
  };
  void CloseWindow();
  void OnSlow(double average);

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
  Window before_cut_;  // of calls that were started before it
  double usual_ = 0;   // seconds for a token of answers; 0: not known yet
  std::int64_t quick_part_ = 0;
  bool quick_ = true;    // as far as is known, so that the limit may grow
  bool queues_ = false;  // answers were slow once: calls wait for each other there
  int slow_windows_ = 0;
  // Of the last answers: with which limit they were slow; 0: they weren't.
  std::int64_t slow_limit_ = 0;
  double slow_average_ = 0;
  base::Timestamp cut_at_;      // the last time that the limit went down
  base::Timestamp settled_at_;  // what that led to shows from then on
};

}  // namespace llmbatch::admission
