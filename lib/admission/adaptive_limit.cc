#include "admission/adaptive_limit.h"

#include <algorithm>

namespace llmbatch::admission {
namespace {

// Figures stand twice: here and in adaptive_script.cc.
constexpr std::int64_t kGoodAfter = 400;   // a limit that wasn't refused for so long is good
constexpr std::int64_t kAtOnce = 50;       // a refusal so soon after a step up is that step's
constexpr std::int64_t kSlowStep = 1'000;  // between steps where a rate may be the limit
constexpr std::int64_t kShortestPause = 7'000;
constexpr std::int64_t kLongestPause = 60'000;
constexpr std::int64_t kPausePerCost = 40;  // a refusal costs 1/40 of what could be called, or less
constexpr std::int64_t kAnswersInPause = 150;
constexpr std::int64_t kAnswersPerSlowStep = 60;
constexpr std::int64_t kStepPart = 25;  // a step is 1/25 of the limit
constexpr std::int64_t kEvenSteps = 4;  // later ones double
constexpr std::int64_t kMostDoublings = 10;
constexpr std::int64_t kRateLike = 2;
constexpr std::int64_t kMostRateLike = 3;

std::int64_t OfMillis(base::Timestamp now) { return base::ToMillis(now.time_since_epoch()); }
std::int64_t Part(std::int64_t amount, std::int64_t of) {
  return std::max<std::int64_t>(1, amount / of);
}

}  // namespace

AdaptiveLimit::AdaptiveLimit(const ports::AdaptiveReport& first, base::Timestamp now)
    : limit_(first.known),
      version_(std::max(OfMillis(now), first.version + 1)),
      cut_(version_),
      since_(OfMillis(now)),
      wait_(kGoodAfter),
      cut_since_(since_),
      // What was known was found by trying.
      ever_cut_(first.known > 0) {
  Clamp(first.bounds);
  good_ = limit_;
}

void AdaptiveLimit::Clamp(const ports::AdaptiveBounds& bounds) {
  limit_ = std::max(bounds.least, std::min(bounds.most, limit_));
}

std::int64_t AdaptiveLimit::NextStep() const {
  if (!ever_cut_) return limit_;
  const auto doublings = std::clamp<std::int64_t>(streak_ - kEvenSteps, 0, kMostDoublings);
  return std::min(Part(limit_, kStepPart) << doublings, Part(limit_, 4));
}

std::int64_t AdaptiveLimit::Pause(const ports::AdaptiveReport& report) const {
  const std::int64_t held = base::ToMillis(report.held);
  const std::int64_t answer_time = base::ToMillis(report.answer_time);
  // While nothing is started, what runs goes on: only what ends meanwhile is lost.
  const std::int64_t cost = held == 0 ? 0 : held * held / (held + 2 * answer_time);
  const std::int64_t pause = std::max(
      kPausePerCost * cost, kAnswersInPause * answer_time / std::max<std::int64_t>(1, limit_));
  return std::clamp(pause, kShortestPause, kLongestPause);
}

bool AdaptiveLimit::OnReport(const ports::AdaptiveReport& report, std::int64_t used,
                             base::Timestamp now) {
  Clamp(report.bounds);
  const bool refused = report.refused >= cut_ && report.refused <= version_;
  if (!refused && !(report.quick_part > 0 && report.version == version_)) return false;
  std::int64_t begin = OfMillis(now);
  if (refused) {
    CutForRefusal(report, used, begin);
    // Until calls go again, nothing is to be learnt.
    begin += base::ToMillis(report.held);
    change_ = ports::AdaptiveChange::kRefusal;
  } else {
    CutForLatency(report);
    change_ = ports::AdaptiveChange::kLatency;
  }
  Clamp(report.bounds);
  good_ = limit_;
  streak_ = 0;
  area_ = 0;
  since_ = cut_since_ = begin;
  cut_ = ++version_;
  ever_cut_ = true;
  return true;
}

void AdaptiveLimit::CutForLatency(const ports::AdaptiveReport& report) {
  limit_ = std::clamp(limit_ * report.quick_part / 1'000, limit_ / 2, limit_ - Part(limit_, 10));
  // What a step up or down leads to shows when calls end that were started after it.
  const std::int64_t answer_time = base::ToMillis(report.answer_time);
  wait_ = std::max(Pause(report), std::min(kLongestPause, 3 * answer_time));
  rate_like_ = kMostRateLike;
}

void AdaptiveLimit::CutForRefusal(const ports::AdaptiveReport& report, std::int64_t used,
                                  std::int64_t now) {
  refusal_time_ = std::clamp<std::int64_t>(base::ToMillis(report.refused_ago), 0, kLongestPause);
  const std::int64_t started = now - refusal_time_;
  const std::int64_t lasted = started - since_;
  const std::int64_t time = started - cut_since_;
  area_ += limit_ * std::max<std::int64_t>(0, lasted);
  const bool grew = streak_ > 0;
  const bool was_good = lasted >= kGoodAfter;
  if (!grew && !was_good) {
    limit_ = limit_ * 3 / 4;
    wait_ = WaitForStep(report);
    return;
  }
  const bool of_the_step = grew && lasted < kAtOnce;
  rate_like_ = std::clamp<std::int64_t>(rate_like_ + (of_the_step ? -1 : 1), 0, kMostRateLike);
  if (rate_like_ >= kRateLike && time >= kSlowStep) {
    limit_ = std::min(limit_ - Part(limit_, kStepPart), area_ * 24 / (25 * time));
    wait_ = Pause(report);
  } else if (grew) {
    // Between the last good limit and this one there may be better ones.
    const bool wide = limit_ - good_ > Part(limit_, kStepPart);
    limit_ = good_;
    wait_ = wide && !was_good ? WaitForStep(report) : Pause(report);
  } else {
    // It may not have been used to the full.
    limit_ = std::min(limit_, std::max(used + 1, limit_ / 2));
    limit_ -= Part(limit_, 20);
    wait_ = WaitForStep(report);
  }
}

std::int64_t AdaptiveLimit::WaitForStep(const ports::AdaptiveReport& report) const {
  // A step must have had time to be refused.
  const std::int64_t least = std::max(kGoodAfter, 2 * refusal_time_);
  if (rate_like_ < kRateLike) return least;
  const std::int64_t answer_time = base::ToMillis(report.answer_time);
  return std::max(
      {least, kSlowStep, kAnswersPerSlowStep * answer_time / std::max<std::int64_t>(1, limit_)});
}

bool AdaptiveLimit::OnFull(const ports::AdaptiveReport& report, std::int64_t live_replicas,
                           base::Timestamp now) {
  const std::int64_t millis = OfMillis(now);
  const std::int64_t step = NextStep();
  // Others have had about as many answers.
  const std::int64_t answers = report.answers * live_replicas;
  if (report.version != version_ || limit_ >= report.bounds.most || millis < since_ + wait_ ||
      answers < (ever_cut_ ? step : Part(step, 2))) {
    return false;
  }
  area_ += limit_ * (millis - since_);
  good_ = limit_;
  limit_ += step;
  ++streak_;
  ++version_;
  since_ = millis;
  wait_ = WaitForStep(report);
  change_ = ports::AdaptiveChange::kGrowth;
  Clamp(report.bounds);
  return true;
}

}  // namespace llmbatch::admission
