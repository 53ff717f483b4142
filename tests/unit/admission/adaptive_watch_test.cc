#include "admission/adaptive_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

class AdaptiveWatchTest : public testing::Test {
 protected:
  // So many answers of 80 tokens in as many seconds.
  void Answer(int count, base::Duration took) {
    for (int i = 0; i < count; ++i) watch_.OnAnswered(took, 80, now_ += seconds(1));
  }
  void Tell(std::int64_t version, std::int64_t limit = 9) {
    watch_.OnTold({.limit = limit, .version = version}, now_);
  }
  // Answers that take as long as `took` says for the limit, which is cut as is reported. Returns
  // the limits that this leads to.
  std::vector<std::int64_t> CutsFrom(std::int64_t limit, base::Duration (*took)(std::int64_t)) {
    std::vector<std::int64_t> limits;
    for (int i = 0; i < 20; ++i) {
      Answer(60, took(limit));
      const std::int64_t part = watch_.Report(now_).quick_part;
      if (part > 0) limits.push_back(limit = std::max(limit * part / 1'000, limit / 2));
      Tell(101 + i, limit);
    }
    return limits;
  }

  base::Timestamp now_ = kStart;
  AdaptiveWatch watch_{{.least = 2, .most = 50}};
};

TEST_F(AdaptiveWatchTest, CountsAnswersSinceTheLimitChanged) {
  Tell(100);
  Answer(3, milliseconds(200));
  EXPECT_TRUE(watch_.HasAnswers());
  const auto report = watch_.Report(now_);
  EXPECT_EQ(report.bounds, (ports::AdaptiveBounds{.least = 2, .most = 50}));
  EXPECT_EQ(report.known, 9);
  EXPECT_EQ(report.version, 100);
  EXPECT_EQ(report.answers, 3);
  EXPECT_EQ(report.answer_time, milliseconds(200));
  EXPECT_FALSE(watch_.HasAnswers()) << "they are told";
  Tell(100);
  EXPECT_EQ(watch_.Report(now_).answers, 3);
  Tell(101);
  EXPECT_EQ(watch_.Report(now_).answers, 0);
}

TEST_F(AdaptiveWatchTest, ARefusalIsUrgentUntilItIsHeard) {
  Tell(100);
  EXPECT_FALSE(watch_.IsUrgent());
  watch_.OnRefused(100, kStart, kStart + seconds(3));
  EXPECT_TRUE(watch_.IsUrgent());
  const auto report = watch_.Report(kStart + seconds(1));
  EXPECT_EQ(report.refused, 100);
  EXPECT_EQ(report.refused_ago, seconds(1));
  EXPECT_EQ(report.held, seconds(2));
  EXPECT_TRUE(watch_.IsUrgent()) << "the report may have been lost";
  Tell(101);
  EXPECT_FALSE(watch_.IsUrgent());
  watch_.OnRefused(100, kStart, kStart + seconds(4));
  EXPECT_FALSE(watch_.IsUrgent()) << "of the same burst";
}

TEST_F(AdaptiveWatchTest, AnswersThatTakeTwiceAsLongAsUsualAreSlow) {
  Tell(100);
  Answer(10, milliseconds(1'000));
  Answer(40, milliseconds(1'900));
  EXPECT_EQ(watch_.Report(now_).quick_part, 0);
  Answer(20, milliseconds(3'000));
  EXPECT_EQ(watch_.Report(now_).quick_part, 0) << "that may have been chance";
  Answer(20, milliseconds(3'000));
  EXPECT_TRUE(watch_.IsUrgent());
  EXPECT_NEAR(static_cast<double>(watch_.Report(now_).quick_part), 500, 10)
      << "once and a half of what is usual";
  Tell(101);
  EXPECT_EQ(watch_.Report(now_).quick_part, 0);
}

TEST_F(AdaptiveWatchTest, WhileTheyTakeLongerTheLimitDoesNotGrow) {
  Tell(100);
  Answer(10, milliseconds(1'000));
  EXPECT_TRUE(watch_.HasAnswers());
  Answer(20, milliseconds(1'700));
  EXPECT_FALSE(watch_.HasAnswers());
  EXPECT_EQ(watch_.Report(now_).answers, 0);
  Answer(20, milliseconds(1'400));
  EXPECT_EQ(watch_.Report(now_).answers, 50);
}

TEST_F(AdaptiveWatchTest, AnswersThatWaitForEachOtherAreCutUntilTheyAreQuickEnough) {
  Tell(100, 48);
  Answer(10, milliseconds(1'000));
  // Eight are worked on at a time.
  const auto queued = [](std::int64_t limit) -> base::Duration {
    return milliseconds(125) * limit;
  };
  EXPECT_EQ(CutsFrom(48, queued), (std::vector<std::int64_t>{24, 12}));
}

TEST_F(AdaptiveWatchTest, AProviderThatIsNoQuickerAfterACutHasBecomeSlower) {
  Tell(100, 48);
  Answer(10, milliseconds(1'000));
  const auto slower = [](std::int64_t) -> base::Duration { return milliseconds(3'000); };
  EXPECT_EQ(CutsFrom(48, slower).size(), 2u) << "then it is usual";
}

TEST_F(AdaptiveWatchTest, SoHasOneWhoseLimitCannotBeLower) {
  Tell(100, 2);
  Answer(10, milliseconds(1'000));
  const auto slower = [](std::int64_t) -> base::Duration { return milliseconds(3'000); };
  EXPECT_EQ(CutsFrom(2, slower).size(), 1u);
}

TEST_F(AdaptiveWatchTest, CallsFromBeforeACutSayNothingOfIt) {
  Tell(100, 20);
  Answer(10, milliseconds(1'000));
  Answer(40, milliseconds(3'000));
  Tell(101, 12);
  for (int i = 0; i < 40; ++i) watch_.OnAnswered(seconds(5), 80, now_ += milliseconds(100));
  EXPECT_EQ(watch_.Report(now_).quick_part, 0);
}

TEST_F(AdaptiveWatchTest, LongAnswersMayTakeLonger) {
  Answer(10, milliseconds(1'000));
  for (int i = 0; i < 60; ++i) watch_.OnAnswered(seconds(10), 980, now_ += seconds(1));
  EXPECT_EQ(watch_.Report(now_).quick_part, 0);
}

TEST_F(AdaptiveWatchTest, AnswersOfUnknownLengthTellNothingOfSpeed) {
  Answer(10, milliseconds(100));
  for (int i = 0; i < 60; ++i) watch_.OnAnswered(seconds(10), std::nullopt, now_ += seconds(1));
  EXPECT_EQ(watch_.Report(now_).quick_part, 0);
}

}  // namespace
}  // namespace llmbatch::admission
