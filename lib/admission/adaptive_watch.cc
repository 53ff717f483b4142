#include "admission/adaptive_watch.h"

#include <algorithm>

namespace llmbatch::admission {
namespace {

constexpr int kAnswersRemembered = 16;
constexpr std::int64_t kAnswersInWindow = 20;
constexpr base::Duration kShortestWindow = std::chrono::seconds(1);
// A short answer takes as long as one with so many tokens more: most of it is waiting.
constexpr double kTokensBeside = 20;
constexpr double kSlow = 2;  // times as long as is usual
// What is usual follows at once where answers get quicker. Where they get slower it takes minutes;
// and what has put the limit down becomes a little more usual, so that this comes to an end.
constexpr double kGetsUsual = 1.005;
constexpr double kGetsUsualWhenCut = 1.1;

}  // namespace

void AdaptiveWatch::OnAnswered(base::Duration took, std::optional<std::int64_t> output_tokens,
                               base::Timestamp now) {
  ++answers_;
  answer_time_ = answer_time_ == base::Duration::zero()
                     ? took
                     : answer_time_ + (took - answer_time_) / kAnswersRemembered;
  if (!output_tokens) return;
  if (window_.answers == 0) window_.begin = now;
  ++window_.answers;
  window_.seconds_per_token +=
      base::ToSeconds(took) / (static_cast<double>(*output_tokens) + kTokensBeside);
  if (window_.answers >= kAnswersInWindow && now >= window_.begin + kShortestWindow) {
    CloseWindow(now);
  }
}

void AdaptiveWatch::CloseWindow(base::Timestamp now) {
  const double average = window_.seconds_per_token / static_cast<double>(window_.answers);
  window_ = {.begin = now};
  if (usual_ == 0 || average < usual_) {
    usual_ = average;
  } else if (average > kSlow * usual_) {
    slow_ = true;
    usual_ *= kGetsUsualWhenCut;
  } else {
    usual_ *= kGetsUsual;
  }
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
          .answers = answers_,
          .answer_time = answer_time_,
          .refused = refused_,
          .refused_ago = std::max(base::Duration::zero(), now - refused_started_),
          .held = std::max(base::Duration::zero(), held_until_ - now),
          .slow = slow_};
}

void AdaptiveWatch::OnTold(const ports::AdaptiveState& state) {
  told_refused_ = sent_refused_;
  slow_ = false;
  if (state.version != state_.version) answers_ = told_answers_ = 0;
  state_ = state;
}

}  // namespace llmbatch::admission
