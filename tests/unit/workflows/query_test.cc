#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflows/query/query_workflow.h"

namespace llmbatch::workflows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Document(const std::string& id, int paragraphs) {
  std::string text;
  for (int i = 0; i < paragraphs; ++i)
    text += "In year " + std::to_string(i) + " the rent is as agreed before.\\n\\n";
  return R"({"id":")" + id + R"(","text":")" + text + R"("})";
}

std::string Request(int paragraphs, const std::string& more = "") {
  return R"({"question":"How long?","documents":[)" + Document("a", paragraphs) + "," +
         Document("b", paragraphs) + "]" + more + "}";
}

Made MakeOf(std::string input, std::int64_t room = 16'000) {
  model::Task task;
  task.steps = {{"merge", "other"}};
  model::Job job;
  job.workflow = "query";
  job.input_json = std::move(input);
  return Make(job, task, room);
}

std::unique_ptr<Workflow> Sound(std::string input, std::int64_t room = 16'000) {
  Made made = MakeOf(std::move(input), room);
  if (auto* malformed = std::get_if<wire::Malformed>(&made)) ADD_FAILURE() << malformed->detail;
  return std::get<std::unique_ptr<Workflow>>(std::move(made));
}

std::string Refusal(std::string input, std::int64_t room = 16'000) {
  Made made = MakeOf(std::move(input), room);
  const auto* malformed = std::get_if<wire::Malformed>(&made);
  return malformed == nullptr ? "none" : malformed->detail;
}

model::ItemResult Answer(const std::string& quotation) {
  model::ItemResult result;
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json =
      R"({"answer":"x","citations":[{"document":"a","quotation":")" + quotation + R"("}]})";
  return result;
}

model::ItemResult Failure() {
  model::ItemResult result;
  result.outcome.error = model::ItemError{.code = model::ErrorCode::kProviderUnavailable,
                                          .message = "m",
                                          .retryable = true,
                                          .attempts = 8};
  return result;
}

TEST(Query, RefusesWhatItCannotDo) {
  EXPECT_EQ(Refusal("{}"), "question: missing");
  EXPECT_EQ(Refusal(R"({"question":"q"})"), "documents: missing");
  EXPECT_EQ(Refusal(R"({"question":"q","documents":[]})"),
            "documents: must have from 1 to 1000 elements");
  EXPECT_EQ(Refusal(R"({"question":"q","documents":[{"id":"a","ref":"http://x/"}]})"),
            "documents[0].ref: must be redis: and a name, or begin with https://");
  EXPECT_EQ(Refusal(R"({"question":"q","documents":[{"id":"a","ref":"redis:"}]})"),
            "documents[0].ref: must be redis: and a name, or begin with https://");
  EXPECT_EQ(Refusal(R"({"question":"q","documents":[{"id":"a","ref":"redis:a","text":"t"}]})"),
            "documents[0].ref: there is a text already");
  EXPECT_EQ(Refusal(Request(1, R"(,"estimated_tokens":-1)")).substr(0, 17), "estimated_tokens:");
  EXPECT_THAT(Refusal(Request(20'000), 100), HasSubstr("documents: need more than 2000 prompts"));
}

TEST(Query, AsksOnceIfThereIsRoom) {
  const auto job = Sound(Request(3));
  EXPECT_TRUE(job->real_time());
  const Steps steps = job->Begin();
  ASSERT_THAT(steps, SizeIs(1));
  EXPECT_EQ(steps[0].path, "query");
  EXPECT_TRUE(steps[0].alone);
  EXPECT_THAT(
      steps[0].input.value,
      HasSubstr(R"({"question":"How long?","documents":[{"document":"a","text":"In year 0)"));
  EXPECT_TRUE(job->OnOutcome(0, Answer("year 2 the rent")).empty());
  ASSERT_TRUE(job->done());
  std::vector<std::string> stages;
  for (const jobs::Stage& stage : job->standing().stages)
    stages.push_back(stage.step + " " + std::to_string(stage.percent));
  EXPECT_THAT(stages, ElementsAre("queued 0", "retrieving_data 10", "retrieving_data 20",
                                  "retrieving_data 30", "generating_prompt 35", "calling_llm 50",
                                  "saving_results 90"));
  EXPECT_THAT(
      job->End({}, {}).results,
      ElementsAre(
          R"({"status":"ok","answer":"x","citations":[{"document":"a","quotation":"year 2 the rent"}]})"));
}

TEST(Query, MarksWhatIsNoQuotation) {
  const auto job = Sound(Request(3));
  job->Begin();
  job->OnOutcome(0, Answer("year 3 the rent"));
  EXPECT_THAT(job->End({}, {}).results[0],
              HasSubstr(R"({"document":"a","quotation":"year 3 the rent","unverified":true})"));
}

constexpr const char* kByReference =
    R"({"question":"q","documents":[{"id":"a","ref":"redis:lease"},{"id":"b","text":"year 2"},)"
    R"({"id":"c","ref":"https://files.example.com/c"}]})";

TEST(Query, AsksWhenAllDocumentsAreThere) {
  const auto job = Sound(kByReference);
  const auto references = job->references();
  ASSERT_THAT(references, SizeIs(2));
  EXPECT_EQ(references[0].place,
            (model::DocumentPlace{.store = model::DocumentPlace::Store::kKept, .name = "lease"}));
  EXPECT_EQ(references[1].field, "documents[2].ref");
  EXPECT_EQ(references[1].document_id, "c");
  EXPECT_EQ(references[1].place.name, "https://files.example.com/c");

  EXPECT_THAT(job->Begin(), SizeIs(0));
  EXPECT_FALSE(job->done());
  EXPECT_THAT(job->standing().facts, SizeIs(0));  // how long they are isn't known
  EXPECT_EQ(job->standing().stages.back().percent, 16);
  EXPECT_EQ(job->standing().message, "1 of 3 documents retrieved");
  EXPECT_THAT(job->OnFetched(0, {.text = "year 1"}), SizeIs(0));
  EXPECT_EQ(job->standing().stages.back().percent, 23);
  const Steps steps = job->OnFetched(1, {.text = "year 3"});
  ASSERT_THAT(steps, SizeIs(1));
  EXPECT_THAT(steps[0].input.value, HasSubstr(R"({"document":"a","text":"year 1"})"));
  EXPECT_THAT(steps[0].references, ElementsAre(0, 1));
  EXPECT_TRUE(job->real_time());
  EXPECT_THAT(job->standing().facts, SizeIs(3));
  job->OnOutcome(0, Answer("year 1"));
  EXPECT_THAT(job->End({}, {}).results[0], Not(HasSubstr("unverified")));
}

TEST(Query, WhatWasFetchedMayMakeItABatch) {
  const auto job = Sound(kByReference, 100'000);
  job->Begin();
  job->OnFetched(0, {.text = std::string(400'000, 'a')});
  job->OnFetched(1, {.text = "year 3"});
  EXPECT_FALSE(job->real_time());
}

TEST(Query, FailsWithoutOneOfItsDocuments) {
  const auto job = Sound(kByReference);
  job->Begin();
  model::ItemError error{.code = model::ErrorCode::kDocumentUnavailable, .message = "gone"};
  EXPECT_THAT(job->OnFetched(0, {.text = {}, .error = error}), SizeIs(0));
  ASSERT_TRUE(job->done());
  const auto ending = job->End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kFailed);
  EXPECT_EQ(ending.error->message, "gone");
}

TEST(Query, FailsIfWhatWasFetchedIsTooLong) {
  const auto job = Sound(R"({"question":"q","documents":[{"id":"a","ref":"redis:a"}]})", 100);
  job->Begin();
  job->OnFetched(0, {.text = std::string(2'000'000, 'a')});
  ASSERT_TRUE(job->done());
  EXPECT_EQ(job->End({}, {}).error->code, model::ErrorCode::kItemTooLarge);
}

TEST(Query, MayEndBeforeItsDocumentsAreThere) {
  const auto job = Sound(kByReference);
  job->Begin();
  const auto ending = job->End({}, {.code = model::ErrorCode::kCancelled});
  EXPECT_EQ(ending.error->code, model::ErrorCode::kCancelled);
}

TEST(Query, TheUsersEstimateDecidesOnTheMode) {
  EXPECT_TRUE(Sound(Request(1))->real_time());
  EXPECT_FALSE(Sound(Request(1, R"(,"estimated_tokens":42001)"))->real_time());
  EXPECT_FALSE(Sound(Request(1, R"(,"force_batch":true)"))->real_time());
}

TEST(Query, SplitsWhatIsTooLongAndMerges) {
  const auto job = Sound(Request(80), 600);
  const Steps steps = job->Begin();
  ASSERT_GT(steps.size(), 3U);
  for (const Step& step : steps) EXPECT_LE(TokensOf(step.input.value), 600);
  EXPECT_EQ(steps[1].path, "query/2of" + std::to_string(steps.size()));
  Steps merge;
  for (std::size_t i = 0; i < steps.size(); ++i)
    merge = job->OnOutcome(i, i == 0 ? Failure() : Answer("year 2 the rent"));
  ASSERT_THAT(merge, SizeIs(1));
  EXPECT_EQ(merge[0].kind, kMergeStep);
  EXPECT_THAT(merge[0].input.value,
              HasSubstr(R"({"question":"How long?","answers":[{"answer":"x","citations":)"));
  job->OnOutcome(steps.size(), Answer("nowhere"));
  ASSERT_TRUE(job->done());
  const auto ending = job->End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_TRUE(ending.partial);  // a part of the documents had no say
  EXPECT_THAT(ending.results[0],
              HasSubstr(R"("quotation":"nowhere","unverified":true}],"parts":[)"));
}

TEST(Query, FailsIfNoPartWasAnsweredOrTheLastStepWasNot) {
  for (const bool parts_fail : {true, false}) {
    const auto job = Sound(Request(80), 600);
    const std::size_t steps = job->Begin().size();
    for (std::size_t i = 0; i < steps; ++i)
      job->OnOutcome(i, parts_fail ? Failure() : Answer("year 2 the rent"));
    if (!parts_fail) job->OnOutcome(steps, Failure());
    ASSERT_TRUE(job->done());
    const auto ending = job->End({}, {});
    EXPECT_EQ(ending.status, model::JobStatus::kFailed);
    // What the parts said isn't lost.
    EXPECT_THAT(ending.results[0], HasSubstr(R"("parts":[{"status":)"));
  }
}

}  // namespace
}  // namespace llmbatch::workflows
