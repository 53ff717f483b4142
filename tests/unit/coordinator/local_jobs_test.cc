#include "coordinator/local_jobs.h"

#include <gtest/gtest.h>

#include "unit/coordinator/job_conformance.h"

namespace llmbatch::coordinator {
namespace {

TEST(LocalJobs, ForgetsARecordWhenItsTimeIsOver) {
  LocalJobs jobs(1U << 20);
  ports::TakeJobRecord take = TakeOf("j");
  jobs.Take(take);
  take.now += std::chrono::minutes(59);
  EXPECT_EQ(jobs.Take(take).state, TakenState::kInterrupted);
  take.now += std::chrono::hours(1);
  EXPECT_EQ(jobs.Take(take).state, TakenState::kNew);
}

TEST(LocalJobs, MakesRoomByForgettingWhatHasEndedFirst) {
  LocalJobs jobs(std::size_t{10'000});
  jobs.Take(TakeOf("running"));
  jobs.Take(TakeOf("ended"));
  ASSERT_EQ(jobs.Save(SaveOf("ended", 1, model::JobStatus::kCompleted)), SavedState::kSaved);
  ports::TakeJobRecord large = TakeOf("large");
  large.request = std::string(7'000, 'x');
  jobs.Take(large);
  EXPECT_LE(jobs.bytes(), 10'000U);
  EXPECT_EQ(jobs.Take(TakeOf("running")).state, TakenState::kInterrupted);
  EXPECT_EQ(jobs.Take(TakeOf("ended")).state, TakenState::kNew);
}

TEST(LocalJobs, KeepsTheOneThatWasChangedLastHoweverLargeItIs) {
  LocalJobs jobs(std::size_t{5'000});
  jobs.Take(TakeOf("small"));
  ports::TakeJobRecord large = TakeOf("large");
  large.request = std::string(9'000, 'x');
  jobs.Take(large);
  EXPECT_EQ(jobs.Take(large).state, TakenState::kInterrupted);
  EXPECT_EQ(jobs.Take(TakeOf("small")).state, TakenState::kNew);
}

}  // namespace
}  // namespace llmbatch::coordinator
