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

model::Job SomeJob() {
  model::Job job;
  job.job_id = "j";
  job.workflow = "map";
  job.task = "t";
  job.user_id = "u";
  return job;
}

Standing At(int done, std::string step = "items") {
  return {.step = std::move(step),
          .percent = done * 25,
          .message = "m",
          .items = {.total = 4, .done = done, .failed = 0, .cached = 0}};
}

model::ItemOutcome Used(std::optional<model::NanoUsd> cost) {
  model::ItemOutcome outcome;
  outcome.cost = cost;
  outcome.usage.input_tokens = 3;
  return outcome;
}

JobTable TableWithAJob() {
  JobTable table({.progress_interval = milliseconds(250)});
  table.Begin(kJob, SomeJob(), "hash", At(0), kStart);
  static_cast<void>(table.Start(kJob, At(0), kStart));
  table.Told(kJob);
  return table;
}

TEST(JobTable, ReportsItsBeginning) {
  JobTable table({});
  table.Begin(kJob, SomeJob(), "hash", At(0), kStart);
  EXPECT_EQ(table.Find("j"), kJob);
  const model::Progress first = *table.Start(kJob, At(0), kStart);
  EXPECT_EQ(first.job_id, "j");
  EXPECT_EQ(first.sequence, 1);
  EXPECT_EQ(first.percent, 0);
  EXPECT_EQ(first.status, model::JobStatus::kProcessing);
  EXPECT_EQ(first.eta_seconds, std::nullopt);
}

TEST(JobTable, GoesOnWhereTheOwnerBeforeCameTo) {
  JobTable table({});
  table.Begin(kJob, SomeJob(), "hash", At(0), kStart);
  table.Resume(kJob, 7, 75);
  // The event before is told again first.
  EXPECT_FALSE(table.Start(kJob, At(1), kStart).has_value());
  EXPECT_EQ(table.Deadline(), std::nullopt);
  table.Told(kJob);
  const auto due = table.Due(kStart);
  ASSERT_EQ(due.size(), 1U);
  const model::Progress first = due[0].second;
  EXPECT_EQ(first.sequence, 8);
  EXPECT_EQ(first.percent, 75);
  EXPECT_FALSE(first.reset);
}

TEST(JobTable, TellsOnceThatItsStoryBeginsAnew) {
  JobTable table({});
  table.Begin(kJob, SomeJob(), "hash", At(0), kStart);
  table.Reset(kJob);
  EXPECT_TRUE(table.Start(kJob, At(0), kStart)->reset);
  table.Told(kJob);
  EXPECT_FALSE(table.End(kJob, At(4), {}, kStart).progress.reset);
}

TEST(JobTable, EndsWithAFinalEventAndTheResult) {
  JobTable table = TableWithAJob();
  table.Book(kJob, Used(model::NanoUsd{10}));
  table.Book(kJob, Used(model::NanoUsd{20}));
  table.CountCall(kJob);
  Ending ending;
  ending.partial = true;
  ending.results = {"1", "2"};
  ending.efficiency = 0.5;
  const Totals totals = table.TotalsOf(kJob, After(milliseconds(7)));
  EXPECT_EQ(totals.elapsed, milliseconds(7));
  EXPECT_EQ(totals.calls, 1);
  const FinalReport report = table.End(kJob, At(4), ending, After(milliseconds(8)));
  EXPECT_EQ(report.progress.sequence, 2);
  EXPECT_EQ(report.progress.percent, 100);
  EXPECT_EQ(report.progress.step, "completed");
  EXPECT_EQ(report.progress.status, model::JobStatus::kCompleted);
  EXPECT_EQ(report.result.cost, model::NanoUsd{30});
  EXPECT_EQ(report.result.usage.input_tokens, 6);
  EXPECT_EQ(report.result.total_time, milliseconds(8));
  EXPECT_EQ(report.result.efficiency, 0.5);
  EXPECT_TRUE(report.result.partial);
  EXPECT_EQ(report.result.results, (std::vector<std::string>{"1", "2"}));
  EXPECT_FALSE(table.Contains(kJob));
  EXPECT_EQ(table.FindConflict(SomeJob(), "other"), std::nullopt);
}

TEST(JobTable, HoldsProgressBackAndKeepsItsSequenceWithoutGaps) {
  JobTable table = TableWithAJob();
  EXPECT_FALSE(table.Advance(kJob, At(1), After(milliseconds(10))).has_value());
  EXPECT_EQ(table.Deadline(), kStart.steady + milliseconds(250));
  EXPECT_TRUE(table.Due(After(milliseconds(249))).empty());
  const auto due = table.Due(After(milliseconds(250)));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].second.sequence, 2);
  EXPECT_EQ(due[0].second.percent, 25);
  EXPECT_EQ(table.Deadline(), std::nullopt);
  table.Told(kJob);
  const auto late = table.Advance(kJob, At(2), After(milliseconds(600)));
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->sequence, 3);
  // 600 ms for two of four.
  EXPECT_EQ(late->eta_seconds, 1);
}

TEST(JobTable, TellsNothingMoreWhileAnEventIsUnderWay) {
  JobTable table = TableWithAJob();
  ASSERT_TRUE(table.Advance(kJob, At(1), After(milliseconds(300))).has_value());
  EXPECT_TRUE(table.IsTelling(kJob));
  EXPECT_FALSE(table.Advance(kJob, At(2, "saving"), After(milliseconds(900))).has_value());
  EXPECT_TRUE(table.Due(After(milliseconds(900))).empty());
  EXPECT_EQ(table.Deadline(), std::nullopt);
  table.Told(kJob);
  // A new step waits no longer than that.
  const auto due = table.Due(After(milliseconds(301)));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].second.step, "saving");
}

TEST(JobTable, ReportsANewStepAtOnce) {
  JobTable table = TableWithAJob();
  const auto event = table.Advance(kJob, At(1, "saving"), After(milliseconds(1)));
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(event->step, "saving");
}

// However quickly they were gone through: one event each, in order, and what came behind them last.
TEST(JobTable, TellsEachStageOnce) {
  JobTable table({.progress_interval = milliseconds(250)});
  table.Begin(kJob, SomeJob(), "hash", At(0), kStart);
  Standing standing = At(2, "calling");
  standing.stages = {{.step = "queued", .percent = 0},
                     {.step = "retrieving", .percent = 10},
                     {.step = "calling", .percent = 50}};
  standing.facts = {{.name = "why", .json = "1"}};
  const auto first = table.Start(kJob, standing, kStart);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->step + " " + std::to_string(first->percent), "queued 0");
  EXPECT_EQ(first->facts.size(), 1U);
  std::vector<std::string> told;
  while (table.IsTelling(kJob)) {
    table.Told(kJob);
    for (const auto& [id, progress] : table.Due(kStart)) {
      told.push_back(progress.step + " " + std::to_string(progress.percent));
      EXPECT_TRUE(progress.facts.empty());
    }
  }
  EXPECT_EQ(told, (std::vector<std::string>{"retrieving 10", "calling 50"}));
  EXPECT_FALSE(table.HasUntoldStages(kJob, standing));
  // One that nobody was told of yet.
  standing.stages.push_back({.step = "saving", .percent = 90});
  EXPECT_TRUE(table.HasUntoldStages(kJob, standing));
  const FinalReport report = table.End(kJob, At(4, "calling"), {}, kStart);
  EXPECT_EQ(report.progress.percent, 100);
  EXPECT_EQ(report.progress.sequence, 4);
}

TEST(JobTable, FactsThatAreKnownLateAreToldWhenTheyAre) {
  JobTable table = TableWithAJob();
  Standing standing = At(1, "retrieving");
  EXPECT_TRUE(table.Advance(kJob, standing, After(milliseconds(300)))->facts.empty());
  table.Told(kJob);
  standing = At(2, "calling");
  standing.facts = {{.name = "why", .json = "1"}};
  EXPECT_EQ(table.Advance(kJob, standing, After(milliseconds(600)))->facts.size(), 1U);
  table.Told(kJob);
  standing.percent = 75;
  EXPECT_TRUE(table.Advance(kJob, standing, After(milliseconds(900)))->facts.empty());
}

TEST(JobTable, ThePercentageNeverGoesDown) {
  JobTable table = TableWithAJob();
  EXPECT_EQ(table.Advance(kJob, At(2), After(milliseconds(300)))->percent, 50);
  table.Told(kJob);
  EXPECT_EQ(table.Advance(kJob, At(1), After(milliseconds(600)))->percent, 50);
  table.Told(kJob);
  EXPECT_EQ(table.End(kJob, At(0), {}, After(milliseconds(700))).progress.percent, 50);
}

TEST(JobTable, TellsWhatItsCallsWaitForWithTheNextEvent) {
  JobTable table = TableWithAJob();
  table.SetWaitingFor(kJob, "permit");
  const auto due = table.Due(After(milliseconds(250)));
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].second.waiting_for, "permit");
  table.SetWaitingFor(kJob, "permit");
  EXPECT_EQ(table.Deadline(), std::nullopt);
}

TEST(JobTable, HasNoCostWhenThatOfAStepIsUnknown) {
  JobTable table = TableWithAJob();
  table.Book(kJob, Used(std::nullopt));
  table.Book(kJob, Used(model::NanoUsd{10}));
  EXPECT_EQ(table.End(kJob, At(4), {}, kStart).result.cost, std::nullopt);
}

TEST(JobTable, SumsUpWhatIsInDoubtOfTheCost) {
  JobTable table = TableWithAJob();
  model::ItemOutcome outcome = Used(model::NanoUsd{10});
  table.Book(kJob, outcome);
  outcome.cost_in_doubt = model::NanoUsd{3};
  table.Book(kJob, outcome);
  table.Book(kJob, outcome);
  const FinalReport report = table.End(kJob, At(4), {}, kStart);
  EXPECT_EQ(report.result.cost, model::NanoUsd{30});
  EXPECT_EQ(report.result.cost_in_doubt, model::NanoUsd{6});
  EXPECT_EQ(report.progress.cost_in_doubt, model::NanoUsd{6});
}

TEST(JobTable, HasNoSumInDoubtWhenThatOfAStepIsUnknown) {
  JobTable table = TableWithAJob();
  model::ItemOutcome outcome = Used(model::NanoUsd{10});
  outcome.cost_in_doubt.reset();
  table.Book(kJob, outcome);
  const FinalReport report = table.End(kJob, At(4), {}, kStart);
  EXPECT_EQ(report.result.cost, model::NanoUsd{10});
  EXPECT_EQ(report.result.cost_in_doubt, std::nullopt);
}

TEST(JobTable, KnowsARepeatFromAnotherJobOfTheSameName) {
  JobTable table = TableWithAJob();
  model::Job other_user = SomeJob();
  other_user.user_id = "someone else";
  EXPECT_EQ(table.FindConflict(SomeJob(), "hash"), JobTable::Conflict::kSame);
  EXPECT_EQ(table.FindConflict(SomeJob(), "other"), JobTable::Conflict::kOtherContent);
  EXPECT_EQ(table.FindConflict(other_user, "hash"), JobTable::Conflict::kOtherUser);
  table.Drop(kJob);
  EXPECT_EQ(table.FindConflict(SomeJob(), "other"), std::nullopt);
}

}  // namespace
}  // namespace llmbatch::jobs
