// What a limit does that is found by trying. How well it does so in the long run:
// adaptive_flow_test.cc; that Redis' script does the same: tests/driver/redis/adaptive_test.cc.
#include "admission/adaptive_limit.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace llmbatch::admission {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Change = ports::AdaptiveChange;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr base::Duration kPause = seconds(7);  // the shortest

class AdaptiveLimitTest : public testing::Test {
 protected:
  ports::AdaptiveReport Report() {
    return {.bounds = {.least = 1, .most = 1'000},
            .known = known_,
            .version = limit_ ? limit_->state().version : 0,
            .answers = 1'000,
            .answer_time = milliseconds(200)};
  }
  void Begin(std::int64_t known) {
    known_ = known;
    limit_.emplace(Report(), now_);
  }
  std::int64_t After(base::Duration time) {
    now_ += time;
    limit_->OnFull(Report(), 1, now_);
    return limit_->limit();
  }
  // A call is refused that was started at once, or at an earlier version.
  std::int64_t Refuse(std::int64_t versions_ago = 0, base::Duration held = {}) {
    ports::AdaptiveReport report = Report();
    report.refused = report.version - versions_ago;
    report.held = held;
    limit_->OnReport(report, limit_->limit(), now_);
    return limit_->limit();
  }
  // The limit, as it is when a step up has just been refused.
  void FindLimit(std::int64_t limit) {
    Begin(limit);
    ASSERT_EQ(After(milliseconds(400)), limit + std::max<std::int64_t>(1, limit / 25));
    ASSERT_EQ(Refuse(), limit);
  }

  base::Timestamp now_ = kStart;
  std::int64_t known_ = 0;
  std::optional<AdaptiveLimit> limit_;
};

TEST_F(AdaptiveLimitTest, DoublesUntilTheFirstRefusal) {
  Begin(0);
  EXPECT_EQ(limit_->limit(), 1);
  for (const std::int64_t expected : {2, 4, 8, 16, 32}) {
    EXPECT_EQ(After(milliseconds(400)), expected);
  }
  EXPECT_EQ(limit_->state().change, Change::kGrowth);
  EXPECT_EQ(Refuse(), 16) << "back to where all was well";
  EXPECT_EQ(limit_->state().change, Change::kRefusal);
  EXPECT_EQ(After(milliseconds(400)), 17) << "between 16 and 32 it feels its way";
}

TEST_F(AdaptiveLimitTest, GoesOnWithWhatAReplicaKnows) {
  Begin(40);
  EXPECT_EQ(limit_->limit(), 40);
  EXPECT_EQ(After(milliseconds(400)), 41);
}

TEST_F(AdaptiveLimitTest, AStepUpThatIsRefusedIsUndoneAndTriedAgainAfterAPause) {
  FindLimit(50);
  EXPECT_EQ(After(kPause - milliseconds(1)), 50);
  EXPECT_EQ(After(milliseconds(1)), 52);
}

TEST_F(AdaptiveLimitTest, PausesAreLongerWhereRefusalsCostMore) {
  struct Case {
    const char* name;
    base::Duration held;
    base::Duration answer_time;
    base::Duration pause;
  };
  for (const Case& each :
       {Case{"nothing is held", {}, milliseconds(200), kPause},
        Case{"calls end while nothing is started", seconds(1), milliseconds(125), seconds(32)},
        Case{"calls go on", seconds(1), seconds(7), milliseconds(10'500)},
        Case{"there are few calls in a second", {}, seconds(10), seconds(15)},
        Case{"not for ever", seconds(30), milliseconds(10), seconds(60)}}) {
    SCOPED_TRACE(each.name);
    Begin(100);
    After(milliseconds(400));
    ports::AdaptiveReport report = Report();
    report.refused = report.version;
    report.held = each.held;
    report.answer_time = each.answer_time;
    limit_->OnReport(report, 104, now_);
    now_ += each.held;
    EXPECT_EQ(After(each.pause - milliseconds(1)), 100);
    EXPECT_EQ(After(milliseconds(1)), 104);
  }
}

TEST_F(AdaptiveLimitTest, FeelsItsWayUpFasterAndFaster) {
  FindLimit(100);
  EXPECT_EQ(After(kPause), 104);
  std::vector<std::int64_t> limits;
  for (int i = 0; i < 7; ++i) limits.push_back(After(milliseconds(400)));
  EXPECT_EQ(limits, (std::vector<std::int64_t>{108, 112, 116, 120, 128, 148, 185}));
}

TEST_F(AdaptiveLimitTest, AGoodLimitThatIsRefusedGoesDownALittleAndByAQuarterIfThatGoesOn) {
  FindLimit(100);
  now_ += seconds(3);
  EXPECT_EQ(Refuse(), 95);
  now_ += milliseconds(399);
  EXPECT_EQ(Refuse(), 71);
  EXPECT_EQ(Refuse(), 53);
}

TEST_F(AdaptiveLimitTest, OneThatIsNotUsedUpGoesDownToWhatIs) {
  FindLimit(100);
  now_ += seconds(3);
  ports::AdaptiveReport report = Report();
  report.refused = report.version;
  limit_->OnReport(report, 79, now_);
  EXPECT_EQ(limit_->limit(), 76);
}

TEST_F(AdaptiveLimitTest, ABurstCountsOnce) {
  Begin(100);
  now_ += seconds(3);
  EXPECT_EQ(Refuse(), 95);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Refuse(1), 95) << "started before the cut was known";
}

TEST_F(AdaptiveLimitTest, TheSameReportAgainChangesNothing) {
  Begin(100);
  now_ += seconds(3);
  ports::AdaptiveReport report = Report();
  EXPECT_TRUE(limit_->OnFull(report, 1, now_));
  EXPECT_FALSE(limit_->OnFull(report, 1, now_ + seconds(9)));
  report = Report();
  report.refused = report.version;
  EXPECT_TRUE(limit_->OnReport(report, 100, now_));
  EXPECT_FALSE(limit_->OnReport(report, 100, now_));
}

TEST_F(AdaptiveLimitTest, TheTimeOfAHoldIsNoTimeInWhichALimitWasGood) {
  Begin(100);
  now_ += seconds(3);
  ASSERT_EQ(Refuse(0, seconds(2)), 95);
  now_ += seconds(2) + milliseconds(100);
  EXPECT_EQ(Refuse(), 71);
}

TEST_F(AdaptiveLimitTest, RefusalsOfARateBringItDownToTheAverage) {
  FindLimit(100);
  now_ += seconds(10);
  ASSERT_EQ(Refuse(), 95) << "one may be a limit that has become lower";
  now_ += seconds(10);
  EXPECT_EQ(Refuse(), 91) << "95 on the average";
  After(seconds(10));  // 94
  now_ += seconds(10);
  EXPECT_EQ(Refuse(), 88) << "half of the time 91, half of it 94";
  EXPECT_EQ(After(kPause - milliseconds(1)), 88);
  EXPECT_EQ(After(milliseconds(1)), 91);
  EXPECT_EQ(After(milliseconds(999)), 91) << "slowly";
  EXPECT_EQ(After(milliseconds(1)), 94);
}

TEST_F(AdaptiveLimitTest, GrowsByOneForEachAnswerAtTheMost) {
  FindLimit(100);
  now_ += kPause;
  ports::AdaptiveReport report = Report();
  report.answers = 3;
  EXPECT_FALSE(limit_->OnFull(report, 1, now_));
  EXPECT_TRUE(limit_->OnFull(report, 2, now_)) << "another replica has had as many";
}

TEST_F(AdaptiveLimitTest, SlowAnswersPutItDown) {
  struct Case {
    std::int64_t quick_part;  // in thousandths
    std::int64_t limit;       // after it
  };
  for (const Case& each : {Case{999, 90}, Case{750, 75}, Case{100, 50}}) {
    FindLimit(100);
    ports::AdaptiveReport report = Report();
    report.quick_part = each.quick_part;
    EXPECT_TRUE(limit_->OnReport(report, 100, now_));
    EXPECT_EQ(limit_->limit(), each.limit);
    EXPECT_EQ(limit_->state().change, Change::kLatency);
    EXPECT_FALSE(limit_->OnReport(report, 90, now_)) << "they were slow before";
  }
}

TEST_F(AdaptiveLimitTest, StaysBetweenItsBounds) {
  Begin(0);
  ports::AdaptiveReport report = Report();
  report.bounds = {.least = 20, .most = 30};
  limit_->OnReport(report, 0, now_);
  EXPECT_EQ(limit_->limit(), 20);
  now_ += seconds(1);
  EXPECT_TRUE(limit_->OnFull(report, 1, now_));
  EXPECT_EQ(limit_->limit(), 30);
  report.version = limit_->state().version;
  EXPECT_FALSE(limit_->OnFull(report, 1, now_ + seconds(9)));
  for (int i = 0; i < 9; ++i) {
    report.version = report.refused = limit_->state().version;
    limit_->OnReport(report, 30, now_);
  }
  EXPECT_EQ(limit_->limit(), 20);
}

}  // namespace
}  // namespace llmbatch::admission
