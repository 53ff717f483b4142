// How every coordinator keeps the records of jobs.
//
// A fixture is the same as in conformance.h.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "unit/coordinator/asker.h"

namespace llmbatch::coordinator {

template <typename Fixture>
using JobConformanceTest = Fixture;

TYPED_TEST_SUITE_P(JobConformanceTest);

using TakenState = ports::TakenJob::State;
using SavedState = ports::JobRecordSaved::State;
using CommandedState = ports::CommandedJob::State;
using CommandKind = ports::CommandJobRecord::Kind;

inline ports::TakeJobRecord TakeOf(const std::string& job_id, const std::string& user_id = "u") {
  return {.take = {},
          .job_id = job_id,
          .user_id = user_id,
          .workflow = "map",
          .task = "t",
          .priority = 5,
          .content = "hash",
          .request = "{\"job\":1}",
          .topic = "llm.requests",
          .identity = "llm.requests/0/7",
          .retry_of = {},
          .now = runtime::ReadClock().wall,
          .ttl = std::chrono::hours(1)};
}

inline ports::SaveJobRecord SaveOf(const std::string& job_id, std::int64_t epoch,
                                   model::JobStatus status, std::int64_t sequence = 1) {
  return {.save = {},
          .job_id = job_id,
          .epoch = epoch,
          .status = status,
          .sequence = sequence,
          .percent = 40,
          .event = "{\"event\":" + std::to_string(sequence) + "}",
          .result = model::IsFinal(status) ? "{\"result\":1}" : "",
          .members = {},
          .batches = {},
          .now = runtime::ReadClock().wall,
          .ttl = std::chrono::hours(1)};
}

inline ports::CommandJobRecord CommandOf(CommandKind kind, const std::string& job_id,
                                         const std::string& user_id = "u") {
  return {.command = {},
          .kind = kind,
          .job_id = job_id,
          .user_id = user_id,
          .now = runtime::ReadClock().wall,
          .ttl = std::chrono::seconds(30)};
}

TYPED_TEST_P(JobConformanceTest, AJobThatIsTakenAgainGoesOnWhereItWas) {
  auto ask = this->Ask();
  const auto first = ask.Take(TakeOf("j"));
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->state, TakenState::kNew);
  EXPECT_EQ(first->epoch, 1);
  EXPECT_EQ(first->sequence, 0);
  EXPECT_FALSE(first->cancel_requested);
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing, 3)), SavedState::kSaved);

  const auto second = ask.Take(TakeOf("j"));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->state, TakenState::kInterrupted);
  EXPECT_EQ(second->epoch, 2);
  EXPECT_EQ(second->sequence, 3);
  EXPECT_EQ(second->percent, 40);
  EXPECT_EQ(second->event, "{\"event\":3}");
  EXPECT_EQ(second->identity, "llm.requests/0/7");
}

TYPED_TEST_P(JobConformanceTest, WhoeverHadAJobBeforeWritesNoMore) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing)), SavedState::kRefused);
  EXPECT_EQ(*ask.Save(SaveOf("j", 2, model::JobStatus::kProcessing)), SavedState::kSaved);
  EXPECT_EQ(*ask.Save(SaveOf("unknown", 1, model::JobStatus::kProcessing)), SavedState::kRefused);
}

TYPED_TEST_P(JobConformanceTest, AJobThatHasEndedStaysAsItIs) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kCompleted, 9)), SavedState::kSaved);
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing, 10)), SavedState::kRefused);
  const auto taken = ask.Take(TakeOf("j"));
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->state, TakenState::kEnded);
  EXPECT_EQ(taken->status, model::JobStatus::kCompleted);
  EXPECT_EQ(taken->sequence, 9);
  EXPECT_EQ(taken->result, "{\"result\":1}");
  for (const CommandKind kind : {CommandKind::kCancel, CommandKind::kRetry}) {
    const auto commanded = ask.Command(CommandOf(kind, "j"));
    ASSERT_TRUE(commanded.ok());
    EXPECT_EQ(commanded->state, CommandedState::kIllegal);
    EXPECT_EQ(commanded->status, model::JobStatus::kCompleted);
  }
}

TYPED_TEST_P(JobConformanceTest, AnIdBelongsToOneRequestOfOneUser) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  EXPECT_EQ(ask.Take(TakeOf("j", "someone else"))->state, TakenState::kOtherUser);
  ports::TakeJobRecord other = TakeOf("j");
  other.content = "another hash";
  EXPECT_EQ(ask.Take(other)->state, TakenState::kOtherContent);
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kCancel, "j", "someone else"))->state,
            CommandedState::kOtherUser);
  // None of that has taken it from whoever has it.
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing)), SavedState::kSaved);
}

TYPED_TEST_P(JobConformanceTest, ACancellationIsPushedAndToldToWhoeverSavesOrTakes) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kCancel, "j"))->state, CommandedState::kDone);
  EXPECT_EQ(ask.AwaitCancel(std::chrono::seconds(10)), "j");
  EXPECT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing)), SavedState::kCancelRequested);
  EXPECT_TRUE(ask.Take(TakeOf("j"))->cancel_requested);
  EXPECT_EQ(*ask.Save(SaveOf("j", 2, model::JobStatus::kCancelled)), SavedState::kSaved);
  EXPECT_EQ(ask.Take(TakeOf("j"))->status, model::JobStatus::kCancelled);
}

TYPED_TEST_P(JobConformanceTest, ACancellationMayComeBeforeItsJob) {
  auto ask = this->Ask();
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kCancel, "j"))->state, CommandedState::kUnknown);
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kCancel, "k", "other"))->state,
            CommandedState::kUnknown);
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kRetry, "l"))->state, CommandedState::kUnknown);
  const auto taken = ask.Take(TakeOf("j"));
  EXPECT_EQ(taken->state, TakenState::kNew);
  EXPECT_TRUE(taken->cancel_requested);
  // Only the job of whoever wanted that.
  EXPECT_FALSE(ask.Take(TakeOf("k"))->cancel_requested);
  EXPECT_FALSE(ask.Take(TakeOf("l"))->cancel_requested);
}

TYPED_TEST_P(JobConformanceTest, MembersAreKeptAndToldToWhoeverTakesTheJobNext) {
  auto ask = this->Ask();
  const auto member = [&ask](const std::string& id) {
    return ask.AskMember(
        {.ask = {}, .job_id = "j", .member = id, .now = runtime::ReadClock().wall});
  };
  using MemberState = ports::ToldMember::State;
  EXPECT_EQ(member("a")->state, MemberState::kUnknown);
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  ASSERT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kProcessing, 3)), SavedState::kSaved);
  ports::SaveJobRecord save = SaveOf("j", 1, model::JobStatus::kProcessing, 0);
  save.members = {{.id = "a", .value = "first"}, {.id = "b", .value = "second"}};
  save.batches = {{.id = "a", .value = "of another kind"}};
  EXPECT_EQ(*ask.Save(save), SavedState::kSaved);
  save.members = {{.id = "a", .value = "once more"}};
  EXPECT_EQ(*ask.Save(save), SavedState::kSaved);
  EXPECT_EQ(member("a")->value, "once more");
  EXPECT_EQ(member("a")->state, MemberState::kOpen);
  EXPECT_EQ(member("c")->value, "");

  const auto taken = ask.Take(TakeOf("j"));
  ASSERT_TRUE(taken.ok());
  auto members = taken->members;
  std::sort(members.begin(), members.end(),
            [](const auto& one, const auto& other) { return one.id < other.id; });
  EXPECT_EQ(members, (std::vector<ports::JobPart>{{.id = "a", .value = "once more"},
                                                  {.id = "b", .value = "second"}}));
  // What was told of the job stays as it was.
  EXPECT_EQ(taken->sequence, 3);
  EXPECT_EQ(taken->event, "{\"event\":3}");
  EXPECT_EQ(taken->percent, 40);
  EXPECT_EQ(*ask.Save(save), SavedState::kRefused);
  EXPECT_EQ(*ask.Save(SaveOf("j", 2, model::JobStatus::kCompleted, 4)), SavedState::kSaved);
  EXPECT_EQ(member("b")->state, MemberState::kEnded);
  EXPECT_EQ(member("b")->status, model::JobStatus::kCompleted);
  EXPECT_EQ(member("b")->value, "second");
}

TYPED_TEST_P(JobConformanceTest, AllMembersOfALargeJobAreToldAtOnce) {
  auto ask = this->Ask();
  constexpr int kMembers = 10'000;  // a job may not have more
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  ports::SaveJobRecord save = SaveOf("j", 1, model::JobStatus::kProcessing, 0);
  for (int i = 0; i < kMembers; ++i)
    save.members.push_back({.id = std::to_string(i), .value = "done"});
  ASSERT_EQ(*ask.Save(save), SavedState::kSaved);
  const auto taken = ask.Take(TakeOf("j"));
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_EQ(taken->members.size(), kMembers);
}

TYPED_TEST_P(JobConformanceTest, LargeRequestsAndResultsAreToldWhole) {
  auto ask = this->Ask();
  ports::TakeJobRecord take = TakeOf("j");
  take.request = "{\"job\":\"" + std::string(1'000'000, 'q') + "\"}";
  ASSERT_TRUE(ask.Take(take).ok());
  ports::SaveJobRecord save = SaveOf("j", 1, model::JobStatus::kFailed);
  save.result = "{\"result\":\"" + std::string(3'000'000, 'r') + "\"}";
  ASSERT_EQ(*ask.Save(save), SavedState::kSaved);
  const auto taken = ask.Take(take);
  ASSERT_TRUE(taken.ok()) << taken.error().message;
  EXPECT_EQ(taken->state, TakenState::kEnded);
  EXPECT_TRUE(taken->result == save.result);
  const auto retry = ask.Command(CommandOf(CommandKind::kRetry, "j"));
  ASSERT_TRUE(retry.ok());
  EXPECT_TRUE(retry->request == take.request);
}

// A job's id may look like a key that another job has.
TYPED_TEST_P(JobConformanceTest, JobsHaveNothingInCommon) {
  auto ask = this->Ask();
  ports::SaveJobRecord save = SaveOf("j", 1, model::JobStatus::kProcessing, 0);
  save.members = {{.id = "a", .value = "done"}};
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  for (const std::string part : {"members", "batches", "request", "result"}) {
    const auto other = ask.Take(TakeOf("j:" + part, "someone else"));
    ASSERT_TRUE(other.ok()) << other.error().message;
    EXPECT_EQ(other->state, TakenState::kNew);
  }
  EXPECT_EQ(*ask.Save(save), SavedState::kSaved);
  EXPECT_EQ(ask.Take(TakeOf("j"))->members, save.members);
}

TYPED_TEST_P(JobConformanceTest, ARetryIsToldWhatWasAsked) {
  auto ask = this->Ask();
  ASSERT_TRUE(ask.Take(TakeOf("j")).ok());
  EXPECT_EQ(ask.Command(CommandOf(CommandKind::kRetry, "j"))->state, CommandedState::kIllegal);
  ASSERT_EQ(*ask.Save(SaveOf("j", 1, model::JobStatus::kFailed)), SavedState::kSaved);
  const auto retry = ask.Command(CommandOf(CommandKind::kRetry, "j"));
  ASSERT_TRUE(retry.ok());
  EXPECT_EQ(retry->state, CommandedState::kDone);
  EXPECT_EQ(retry->request, "{\"job\":1}");
  EXPECT_EQ(retry->topic, "llm.requests");
  EXPECT_EQ(retry->identity, "llm.requests/0/7");
}

REGISTER_TYPED_TEST_SUITE_P(JobConformanceTest, AJobThatIsTakenAgainGoesOnWhereItWas,
                            WhoeverHadAJobBeforeWritesNoMore, AJobThatHasEndedStaysAsItIs,
                            AnIdBelongsToOneRequestOfOneUser,
                            ACancellationIsPushedAndToldToWhoeverSavesOrTakes,
                            ACancellationMayComeBeforeItsJob,
                            MembersAreKeptAndToldToWhoeverTakesTheJobNext,
                            AllMembersOfALargeJobAreToldAtOnce, LargeRequestsAndResultsAreToldWhole,
                            JobsHaveNothingInCommon, ARetryIsToldWhatWasAsked);

}  // namespace llmbatch::coordinator
