// A job as its messages tell of it. The messages are those that llmbatchd writes.
#include "ctl/job_view.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "wire/result.h"
#include "wire/result_parts.h"

namespace llmbatch::ctl {
namespace {

using Change = JobView::Change;
using model::JobStatus;

ports::Record RecordOf(std::string value) {
  ports::Record record;
  record.value = std::move(value);
  return record;
}

ports::Record Progress(JobStatus status, int percent, const std::string& job_id = "j1") {
  model::Progress progress;
  progress.job_id = job_id;
  progress.user_id = "u";
  progress.workflow = "map";
  progress.status = status;
  progress.sequence = 1;
  progress.percent = percent;
  progress.items = {.total = 2'000, .done = 840, .failed = 3, .cached = 10};
  progress.cost = model::NanoUsd{4'215'000};
  progress.eta_seconds = 12;
  return RecordOf(wire::EncodeProgress(progress));
}

model::JobResult Result(JobStatus status) {
  model::JobResult result;
  result.job_id = "j1";
  result.workflow = "map";
  result.task = "t";
  result.user_id = "u";
  result.status = status;
  result.items = {.total = 3, .done = 3, .failed = 2, .cached = 0};
  result.cost = model::NanoUsd{1'000'000};
  result.calls = 4;
  result.usage.input_tokens = 52'000;
  result.usage.output_tokens = 113;
  result.total_time = std::chrono::milliseconds(12'345);
  for (const auto code : {model::ErrorCode::kItemTooLarge, model::ErrorCode::kItemTooLarge}) {
    model::ItemResult item;
    item.id = "x";
    item.outcome.error = model::ItemError{.code = code, .message = "m"};
    result.results.push_back(wire::EncodeMemberResult(item));
  }
  return result;
}

TEST(JobView, FollowsItsOwnJob) {
  JobView view("j1");
  EXPECT_EQ(view.Apply(Progress(JobStatus::kProcessing, 40, "j10")), Change::kNone);
  // Its id stands in a message of another job.
  EXPECT_EQ(view.Apply(RecordOf(R"({"kind":"progress","job_id":"j2","user_id":"j1",)"
                                R"("status":"processing","percent":1})")),
            Change::kNone);
  EXPECT_EQ(view.Apply(RecordOf("no json \"j1\"")), Change::kNone);
  EXPECT_EQ(view.Apply(RecordOf(R"({"kind":"item_result","job_id":"j1","status":"ok"})")),
            Change::kNone);
  EXPECT_EQ(view.Apply(ports::Record{}), Change::kNone);
  EXPECT_FALSE(view.progress().has_value());

  EXPECT_EQ(view.Apply(Progress(JobStatus::kProcessing, 42)), Change::kProgress);
  ASSERT_TRUE(view.progress().has_value());
  EXPECT_EQ(view.progress()->percent, 42);
  EXPECT_EQ(view.progress()->items.done, 840);
  EXPECT_EQ(view.progress_json(), *Progress(JobStatus::kProcessing, 42).value);

  EXPECT_EQ(view.Apply(RecordOf(wire::EncodeJobResult(Result(JobStatus::kCompleted)))),
            Change::kResult);
  EXPECT_EQ(view.result_json(), wire::EncodeJobResult(Result(JobStatus::kCompleted)));
  EXPECT_EQ(view.result()->calls, 4);
  EXPECT_EQ(view.result()->failures.at("item_too_large"), 2);
}

TEST(JobView, IsOverWithTheResultOfTheRunUnderWay) {
  JobView view("j1");
  EXPECT_FALSE(view.IsOver());
  view.Apply(RecordOf(wire::EncodeJobResult(Result(JobStatus::kFailed))));
  EXPECT_TRUE(view.IsOver());  // refused at once: no progress
  view.Apply(Progress(JobStatus::kProcessing, 1));
  EXPECT_FALSE(view.IsOver());  // the id is used again
  view.Apply(Progress(JobStatus::kCompleted, 100));
  EXPECT_TRUE(view.IsOver());
}

TEST(JobView, ReadsIdsThatNeedEscapes) {
  JobView view("a\"b\\ü");
  EXPECT_EQ(view.Apply(Progress(JobStatus::kProcessing, 5, "a\"b\\ü")), Change::kProgress);
}

TEST(ExitCodeOf, TellsHowTheJobEnded) {
  struct Row {
    JobStatus status;
    bool partial;
    ExitCode code;
  };
  for (const Row& row : {
           Row{JobStatus::kCompleted, false, kExitDone},
           Row{JobStatus::kCompleted, true, kExitLeftOver},
           Row{JobStatus::kFailed, false, kExitJobFailed},
           Row{JobStatus::kFailed, true, kExitJobFailed},
           Row{JobStatus::kCancelled, true, kExitJobCancelled},
       }) {
    JobState state;
    state.status = row.status;
    state.partial = row.partial;
    EXPECT_EQ(ExitCodeOf(state), row.code);
  }
}

TEST(BarOf, FitsOneLine) {
  JobView view("j1");
  view.Apply(Progress(JobStatus::kProcessing, 42));
  EXPECT_EQ(BarOf("j1", *view.progress(), 200),
            "j1 [##########--------------] 42 %  840/2,000 items, 3 failed, 10 cached, "
            "$0.004215000, about 12 s left");
  EXPECT_EQ(BarOf("j1", *view.progress(), 20), "j1 [##########-----…");

  JobState waiting;
  waiting.waiting_for = "provider \x1b[2J";
  EXPECT_EQ(BarOf("j", waiting, 200),
            "j [------------------------] 0 %  0/0 items; waits for provider \\x1b[2J");
}

TEST(SummaryOf, TellsWhatItCostAndWhatFailed) {
  JobView view("j1");
  view.Apply(RecordOf(wire::EncodeJobResult(Result(JobStatus::kCompleted))));
  EXPECT_EQ(SummaryOf("j1", *view.result()),
            "j1 completed: 3 items, 2 failed; 4 calls, 52,113 tokens, $0.001000000, 12.3 s\n"
            "  2 item_too_large\n");
}

std::vector<ports::Record> Parts(const model::JobResult& result) {
  std::vector<ports::Record> records;
  for (std::string& part :
       wire::EncodeResultParts(result.job_id, wire::EncodeJobResult(result), 400)) {
    records.push_back(RecordOf(std::move(part)));
  }
  return records;
}

TEST(JobView, AResultInPartsIsThereWithTheLast) {
  const model::JobResult result = Result(JobStatus::kCompleted);
  std::vector<ports::Record> parts = Parts(result);
  ASSERT_GT(parts.size(), 3U);
  // After a crash they come from the beginning, and may come late.
  std::swap(parts[1], parts[2]);
  parts.insert(parts.begin(), {parts[0], parts[2]});
  JobView view("j1");
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    EXPECT_EQ(view.Apply(parts[i]), Change::kNone);
  }
  EXPECT_EQ(view.Apply(parts.back()), Change::kResult);
  EXPECT_EQ(view.result_json(), wire::EncodeJobResult(result));
  EXPECT_TRUE(view.IsOver());
}

TEST(JobView, PartsThatMakeNoResultChangeNothing) {
  for (const char* part : {R"("part":1,"parts":1,"json":"{")", R"("part":1,"parts":1,"json":"[]")",
                           R"("part":0,"parts":0,"json":"{}")", R"("part":2,"parts":1,"json":"")",
                           R"("part":"1","parts":"1","json":"{}")", R"("json":"{}")"}) {
    JobView view("j1");
    EXPECT_EQ(view.Apply(RecordOf(std::string(R"({"kind":"job_result_part","job_id":"j1",)") +
                                  part + "}")),
              Change::kNone)
        << part;
  }
}

}  // namespace
}  // namespace llmbatch::ctl
