#include "jobs/job_table.h"

#include <gtest/gtest.h>

namespace llmbatch::jobs {
namespace {

using std::chrono::milliseconds;

constexpr base::Now kStart{.steady = base::Timestamp(std::chrono::hours(1)), .wall = {}};
constexpr model::RequestId kJob{7};

base::Now After(base::Duration time) {
  return {.steady = kStart.steady + time, .wall = kStart.wall + time};
}

model::Job JobOf(int items) {
  model::Job job;
  job.job_id = "j";
  job.workflow = "map";
  job.task = "t";
  job.user_id = "u";
  for (int i = 0; i < items; ++i)
    job.items.push_back(model::Item{.id = std::to_string(i), .task = "t"});
  return job;
}

model::ItemResult Result(std::string id, model::ResultStatus status = model::ResultStatus::kOk) {
  model::ItemResult result;
  result.id = std::move(id);
  result.outcome.status = status;
  result.outcome.cost = model::NanoUsd{10};
  result.outcome.usage.input_tokens = 3;
  return result;
}

TEST(JobTable, ReportsItsBeginning) {
  JobTable table({});
  const JobReport report = table.Begin(kJob, JobOf(2), "hash", kStart);
  ASSERT_TRUE(report.progress.has_value());
  EXPECT_EQ(report.progress->sequence, 1);
  EXPECT_EQ(report.progress->percent, 0);
  EXPECT_EQ(report.progress->status, model::JobStatus::kProcessing);
}

TEST(JobTable, CompletesWithTheResultsInTheOrderAsked) {
  JobTable table({});
  static_cast<void>(table.Begin(kJob, JobOf(3), "hash", kStart));
  static_cast<void>(table.OnItemResult(kJob, 2, Result("2"), After(milliseconds(1))));
  static_cast<void>(table.OnItemResult(kJob, 0, Result("0"), After(milliseconds(2))));
  table.CountCall(kJob);
  const JobReport report = table.OnItemResult(kJob, 1, Result("1"), After(milliseconds(3)));
  ASSERT_TRUE(report.result.has_value());
  EXPECT_EQ(report.result->results[0].id, "0");
  EXPECT_EQ(report.result->results[1].id, "1");
  EXPECT_EQ(report.result->results[2].id, "2");
  EXPECT_EQ(report.result->cost, model::NanoUsd{30});
  EXPECT_EQ(report.result->usage.input_tokens, 9);
  EXPECT_EQ(report.result->efficiency, 3.0);
  EXPECT_EQ(report.progress->percent, 100);
  EXPECT_FALSE(table.Contains(kJob));
}

TEST(JobTable, HoldsProgressBackAndKeepsItsSequenceWithoutGaps) {
  JobTable table({.progress_interval = milliseconds(250)});
  static_cast<void>(table.Begin(kJob, JobOf(4), "hash", kStart));
  EXPECT_FALSE(
      table.OnItemResult(kJob, 0, Result("0"), After(milliseconds(10))).progress.has_value());
  EXPECT_EQ(table.Deadline(), kStart.steady + milliseconds(250));
  EXPECT_TRUE(table.Due(After(milliseconds(249))).empty());
  const auto due = table.Due(After(milliseconds(250)));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].second.sequence, 2);
  EXPECT_EQ(due[0].second.percent, 25);
  EXPECT_EQ(table.Deadline(), std::nullopt);
  const JobReport late = table.OnItemResult(kJob, 1, Result("1"), After(milliseconds(600)));
  ASSERT_TRUE(late.progress.has_value());
  EXPECT_EQ(late.progress->sequence, 3);
}

TEST(JobTable, IsPartialWhenSomeItemsFailedAndFailedWhenAllDid) {
  JobTable table({});
  static_cast<void>(table.Begin(kJob, JobOf(2), "hash", kStart));
  static_cast<void>(table.OnItemResult(kJob, 0, Result("0", model::ResultStatus::kError), kStart));
  const JobReport partial = table.OnItemResult(kJob, 1, Result("1"), kStart);
  EXPECT_TRUE(partial.result->partial);
  EXPECT_EQ(partial.result->status, model::JobStatus::kCompleted);

  static_cast<void>(table.Begin(kJob, JobOf(1), "hash", kStart));
  const JobReport failed =
      table.OnItemResult(kJob, 0, Result("0", model::ResultStatus::kError), kStart);
  EXPECT_EQ(failed.result->status, model::JobStatus::kFailed);
  EXPECT_EQ(failed.progress->status, model::JobStatus::kFailed);
}

TEST(JobTable, HasNoCostWhenThatOfAnItemIsUnknown) {
  JobTable table({});
  static_cast<void>(table.Begin(kJob, JobOf(2), "hash", kStart));
  model::ItemResult unknown = Result("0");
  unknown.outcome.cost.reset();
  static_cast<void>(table.OnItemResult(kJob, 0, std::move(unknown), kStart));
  EXPECT_EQ(table.OnItemResult(kJob, 1, Result("1"), kStart).result->cost, std::nullopt);
}

TEST(JobTable, KnowsARepeatFromAnotherJobOfTheSameName) {
  JobTable table({});
  static_cast<void>(table.Begin(kJob, JobOf(1), "hash", kStart));
  model::Job other_user = JobOf(1);
  other_user.user_id = "someone else";
  EXPECT_EQ(table.FindConflict(JobOf(1), "hash"), JobTable::Conflict::kSame);
  EXPECT_EQ(table.FindConflict(JobOf(1), "other"), JobTable::Conflict::kOtherContent);
  EXPECT_EQ(table.FindConflict(other_user, "hash"), JobTable::Conflict::kOtherUser);
  table.Drop(kJob);
  EXPECT_EQ(table.FindConflict(JobOf(1), "other"), std::nullopt);
}

}  // namespace
}  // namespace llmbatch::jobs
