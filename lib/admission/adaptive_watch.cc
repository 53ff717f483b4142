#include "admission/adaptive_watch.h"

#include <algorithm>

namespace llmbatch::admission {
namespace {

constexpr int kAnswersRemembered = 16;
constexpr std::int64_t kAnswersInWindow = 20;
// While a limit is new it doubles, and answers soon wait for each other.
constexpr std::int64_t kFirstAnswers = 10;
constexpr base::Duration kShortestWindow = std::chrono::seconds(1);
// A short answer takes as long as one with so many tokens more: most of it is waiting.
constexpr double kTokensBeside = 20;
// Times as long as is usual. What is usual follows at once where answers get quicker.
constexpr double kSlow = 2;
constexpr int kSlowWindows = 2;  // in a row; one alone may be chance
constexpr double kQuick = 1.5;
constexpr double kAlike = 1.25;
constexpr double kGetsUsual = 1.005;
// Answers that take as long after a cut as before it don't wait for each other: the provider has
// become slower, and that is usual now.
constexpr double kAsLong = 0.9;
constexpr double kAboveUsual = 1.1;

}  // namespace

void AdaptiveWatch::Window::Add(double per_token, base::Timestamp now) {
  if (answers == 0) begin = now;
  ++answers;
  seconds_per_token += per_token;
}

void AdaptiveWatch::OnAnswered(base::Duration took, std::optional<std::int64_t> output_tokens,
                               base::Timestamp now) {
  ++answers_;
  answer_time_ = answer_time_ == base::Duration::zero()
                     ? took
                     : answer_time_ + (took - answer_time_) / kAnswersRemembered;
  if (!output_tokens) return;
  const double per_token =
      base::ToSeconds(took) / (static_cast<double>(*output_tokens) + kTokensBeside);
  // Calls from before a cut don't tell whether it helped, and the first ones from after it that end
  // are the short ones.
  if (now - took < cut_at_) {
    settled_at_ = std::max(settled_at_, cut_at_ + took + took / 2);
    before_cut_.Add(per_token, now);
    if (before_cut_.answers >= kAnswersInWindow) {
      slow_average_ = std::max(slow_average_, before_cut_.Average());
      before_cut_ = {};
    }
    return;
  }
  if (now < settled_at_) return;
  window_.Add(per_token, now);
  const bool enough =
      usual_ == 0 ? window_.answers >= kFirstAnswers
                  : window_.answers >= kAnswersInWindow && now >= window_.begin + kShortestWindow;
  if (enough) CloseWindow();
}

void AdaptiveWatch::CloseWindow() {
  const double average = window_.Average();
  window_ = {};
  quick_ = usual_ == 0 || average <= kQuick * usual_;
  if (usual_ > 0 && average > kSlow * usual_) return OnSlow(average);
  slow_windows_ = 0;
  slow_limit_ = 0;
  if (usual_ == 0 || average < usual_) {
    usual_ = average;
  } else if (average < kAlike * usual_ || !queues_) {
    usual_ *= kGetsUsual;
  }
}

void AdaptiveWatch::OnSlow(double average) {
  if (++slow_windows_ < kSlowWindows) return;
  const bool lower =
      state_.limit <= bounds_.least || (slow_limit_ > 0 && state_.limit < slow_limit_);
  if (lower && average >= kAsLong * slow_average_) usual_ = kAboveUsual * average / kSlow;
  quick_part_ =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(1'000 * kQuick * usual_ / average));
  queues_ = true;
  slow_windows_ = 0;
  slow_limit_ = state_.limit;
  slow_average_ = average;
}

void AdaptiveWatch::OnRefused(std::int64_t version, base::Timestamp started,
                              base::Timestamp held_until) {
  if (version > refused_) {
    refused_ = version;
    refused_started_ = started;
  }
  held_until_ = std::max(held_until_, held_until);
}

ports::AdaptiveReport AdaptiveWatch::Report(base::Timestamp now) {
  told_answers_ = answers_;
  sent_refused_ = refused_;
  return {.bounds = bounds_,
          .known = state_.limit,
          .version = state_.version,
          .answers = quick_ ? answers_ : 0,
          .answer_time = answer_time_,
          .refused = refused_,
          .refused_ago = std::max(base::Duration::zero(), now - refused_started_),
          .held = std::max(base::Duration::zero(), held_until_ - now),
          .quick_part = quick_part_};
}

void AdaptiveWatch::OnTold(const ports::AdaptiveState& state, base::Timestamp now) {
  told_refused_ = sent_refused_;
  quick_part_ = 0;
  if (state.version != state_.version) answers_ = told_answers_ = 0;
  if (state.limit < state_.limit) {
    cut_at_ = settled_at_ = now;
    quick_ = state.change != ports::AdaptiveChange::kLatency;
    window_ = before_cut_ = {};
  }
  state_ = state;
}

}  // namespace llmbatch::admission
