// All jobs of a user. The messages are those that llmbatchd writes.
#include "ctl/user_view.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "wire/result.h"

namespace llmbatch::ctl {
namespace {

using model::JobStatus;

ports::Record RecordOf(std::string value) {
  ports::Record record;
  record.value = std::move(value);
  return record;
}

ports::Record Progress(const std::string& job_id, const std::string& user_id, JobStatus status) {
  model::Progress progress;
  progress.job_id = job_id;
  progress.user_id = user_id;
  progress.workflow = "map";
  progress.status = status;
  progress.sequence = 1;
  return RecordOf(wire::EncodeProgress(progress));
}

ports::Record Result(const std::string& job_id, const std::string& user_id) {
  model::JobResult result;
  result.job_id = job_id;
  result.workflow = "map";
  result.task = "t";
  result.user_id = user_id;
  result.status = JobStatus::kCompleted;
  return RecordOf(wire::EncodeJobResult(result));
}

TEST(UserView, FollowsTheJobsOfItsUser) {
  UserView view("u1");
  EXPECT_EQ(view.Apply(Progress("j1", "u2", JobStatus::kProcessing)), nullptr);
  EXPECT_EQ(view.Apply(Progress("u1", "u2", JobStatus::kProcessing)), nullptr) << "a job named so";
  EXPECT_EQ(view.Apply(RecordOf("no json \"u1\"")), nullptr);
  EXPECT_EQ(view.Apply(RecordOf(R"({"kind":"item_result","user_id":"u1","job_id":"j1"})")),
            nullptr);
  EXPECT_EQ(view.Apply(ports::Record{}), nullptr);
  EXPECT_TRUE(view.Jobs().empty());

  const JobView* first = view.Apply(Progress("j1", "u1", JobStatus::kProcessing));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->job_id(), "j1");
  view.Apply(Progress("j2", "u1", JobStatus::kQueued));
  EXPECT_EQ(view.Jobs().size(), 2u);
  EXPECT_EQ(view.Apply(Progress("j1", "u1", JobStatus::kProcessing)), first);
}

TEST(UserView, AJobIsOverWithItsResultAndItsLastEvent) {
  UserView view("u1");
  view.Apply(Progress("j1", "u1", JobStatus::kProcessing));
  EXPECT_FALSE(view.Apply(Result("j1", "u1"))->IsOver());
  EXPECT_TRUE(view.Apply(Progress("j1", "u1", JobStatus::kCompleted))->IsOver());
  view.Forget("j1");
  EXPECT_TRUE(view.Jobs().empty());
}

TEST(UserView, AResultWithoutAnEventIsAJobToo) {
  UserView view("u1");
  EXPECT_TRUE(view.Apply(Result("j1", "u1"))->IsOver());
}

TEST(UserView, FollowsSoManyAtMost) {
  UserView view("u1");
  for (std::size_t i = 0; i < UserView::kMaxJobs; ++i) {
    view.Apply(Progress("j" + std::to_string(i), "u1", JobStatus::kQueued));
  }
  EXPECT_EQ(view.Apply(Progress("one more", "u1", JobStatus::kQueued)), nullptr);
  EXPECT_EQ(view.Jobs().size(), UserView::kMaxJobs);
}

}  // namespace
}  // namespace llmbatch::ctl
