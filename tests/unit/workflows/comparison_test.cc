#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "json/value.h"
#include "workflows/comparison/comparison_workflow.h"

namespace llmbatch::workflows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

std::string Text(int words) {
  std::string text;
  for (int i = 0; i < words; ++i) text += i % 20 == 19 ? "end.\\n\\n" : "clause ";
  return text;
}

std::string Request(int candidates, int words, const std::string& more = "") {
  std::string text = R"({"standard":{"id":"s","text":")" + Text(words) + R"("},"candidates":[)";
  for (int i = 0; i < candidates; ++i)
    text += std::string(i > 0 ? "," : "") + R"({"id":"c)" + std::to_string(i) + R"(","text":")" +
            Text(words) + R"("})";
  return text + "]" + more + "}";
}

model::Task TaskWithSteps() {
  model::Task task;
  task.workflow = "comparison";
  task.steps = {{"merge", "other"}};
  return task;
}

Made MakeOf(std::string input, std::int64_t room = 16'000) {
  model::Job job;
  job.workflow = "comparison";
  job.input_json = std::move(input);
  return Make(job, TaskWithSteps(), room);
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

model::ItemResult Answer(std::string output) {
  model::ItemResult result;
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json = std::move(output);
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

std::vector<std::string> StagesOf(const Workflow& job) {
  std::vector<std::string> shown;
  for (const jobs::Stage& stage : job.standing().stages)
    shown.push_back(stage.step + " " + std::to_string(stage.percent));
  return shown;
}

TEST(Comparison, RefusesWhatItCannotDo) {
  EXPECT_EQ(Refusal("{}"), "standard: missing");
  EXPECT_EQ(Refusal(R"({"standard":{"id":"s","text":"t"}})"), "candidates: missing");
  EXPECT_EQ(Refusal(R"({"standard":{"id":"s","ref":"llmbatchd:doc:u:1"},"candidates":[]})"),
            "standard.ref: must be redis: and a name, or begin with https://");
  EXPECT_EQ(
      Refusal(
          R"({"standard":{"id":"s","text":"t"},"candidates":[{"id":"a","text":"t"},{"id":"a","text":"t"}]})"),
      "candidates[1].id: the same as that of a document before");
  EXPECT_EQ(Refusal(R"({"standard":{"id":"s","text":"t"},"candidates":[{"id":"a","text":""}]})")
                .substr(0, 19),
            "candidates[0].text:");
  EXPECT_EQ(Refusal(Request(1, 5, R"(,"mode":"half")")), "mode: must be clauses or full");
  EXPECT_THAT(Refusal(Request(60, 3'000), 300),
              HasSubstr("candidates: with the standard, too long"));
  EXPECT_EQ(Refusal(Request(60, 3'000)), "none");
}

constexpr const char* kByReference =
    R"({"standard":{"id":"s","ref":"redis:s"},"candidates":[{"id":"a","ref":"redis:a"},)"
    R"({"id":"b","text":"clause"},{"id":"c","ref":"redis:c"}]})";

Fetched Missing() {
  return {
      .text = {},
      .error = model::ItemError{.code = model::ErrorCode::kDocumentUnavailable, .message = "gone"}};
}

TEST(Comparison, AsksWhenAllDocumentsAreThere) {
  const auto job = Sound(kByReference);
  std::vector<std::string> fields;
  for (const Reference& each : job->references()) fields.push_back(each.field);
  EXPECT_THAT(fields, ElementsAre("standard.ref", "candidates[0].ref", "candidates[2].ref"));
  EXPECT_THAT(job->Begin(), SizeIs(0));
  EXPECT_THAT(job->standing().facts, SizeIs(0));
  EXPECT_THAT(job->OnFetched(0, {.text = "standard"}), SizeIs(0));
  EXPECT_THAT(job->OnFetched(1, {.text = "first"}), SizeIs(0));
  const Steps steps = job->OnFetched(2, {.text = "third"});
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_THAT(steps[0].company->context_json, HasSubstr(R"("text":"standard")"));
  EXPECT_THAT(steps[2].input.value, HasSubstr(R"("text":"third")"));
  EXPECT_THAT(steps[0].references, ElementsAre(0, 1));
  EXPECT_THAT(steps[1].references, ElementsAre(0));
  EXPECT_THAT(steps[2].references, ElementsAre(0, 2));
}

TEST(Comparison, ACandidateThatIsNotThereFailsAlone) {
  const auto job = Sound(kByReference);
  job->Begin();
  job->OnFetched(0, {.text = "standard"});
  job->OnFetched(1, Missing());
  const Steps steps = job->OnFetched(2, {.text = "third"});
  ASSERT_THAT(steps, SizeIs(2));
  EXPECT_EQ(steps[0].path, "comparison/1");
  job->OnOutcome(0, Answer(R"({"risk":"low"})"));
  job->OnOutcome(1, Answer(R"({"risk":"low"})"));
  ASSERT_TRUE(job->done());
  const auto ending = job->End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_TRUE(ending.partial);
  EXPECT_THAT(ending.results[0], HasSubstr(R"({"id":"a","status":"error","error":{)"));
  EXPECT_THAT(ending.results[0], Not(HasSubstr("parts")));
  EXPECT_THAT(ending.results[2], HasSubstr(R"({"id":"c","status":"ok","risk":"low")"));
}

TEST(Comparison, WithoutTheStandardAllFail) {
  const auto job = Sound(kByReference);
  job->Begin();
  EXPECT_THAT(job->OnFetched(0, Missing()), SizeIs(0));
  ASSERT_TRUE(job->done());
  EXPECT_EQ(job->End({}, {}).error->message, "gone");
}

TEST(Comparison, FailsIfWhatWasFetchedIsTooLong) {
  const auto job = Sound(kByReference, 300);
  job->Begin();
  job->OnFetched(0, {.text = std::string(200'000, 'a')});
  job->OnFetched(1, {.text = std::string(200'000, 'b')});
  EXPECT_THAT(job->OnFetched(2, Missing()), SizeIs(0));
  ASSERT_TRUE(job->done());
  const auto ending = job->End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kFailed);
  EXPECT_THAT(ending.results[0], HasSubstr("item_too_large"));
  EXPECT_THAT(ending.results[2], HasSubstr("document_unavailable"));
}

TEST(Comparison, MayEndBeforeItsDocumentsAreThere) {
  const auto job = Sound(kByReference);
  job->Begin();
  job->OnFetched(0, {.text = "standard"});
  const auto ending = job->End({}, {.code = model::ErrorCode::kCancelled});
  EXPECT_THAT(ending.results, SizeIs(3));
}

TEST(Comparison, FewCandidatesGoAtOnceAndAlone) {
  const auto job = Sound(Request(2, 5));
  EXPECT_TRUE(job->real_time());
  const Steps steps = job->Begin();
  ASSERT_THAT(steps, SizeIs(2));
  for (const Step& step : steps) EXPECT_TRUE(step.alone);
  EXPECT_EQ(steps[1].path, "comparison/1");
  EXPECT_THAT(steps[1].input.value, HasSubstr(R"({"id":"c1","text":"clause )"));
  EXPECT_THAT(steps[1].company->context_json,
              HasSubstr(R"({"mode":"clauses","standard":{"id":"s","text":"clause )"));
}

TEST(Comparison, ManyCandidatesSharePromptsInTheBackground) {
  const auto job = Sound(Request(3, 5));
  EXPECT_FALSE(job->real_time());
  const Steps steps = job->Begin();
  ASSERT_THAT(steps, SizeIs(3));
  for (const Step& step : steps) {
    EXPECT_FALSE(step.alone);
    EXPECT_EQ(step.company, steps[0].company);
  }
  EXPECT_EQ(job->standing().facts[1].json, R"("3 candidates or more")");
}

TEST(Comparison, GoesThroughItsStages) {
  const auto job = Sound(Request(2, 5));
  EXPECT_THAT(StagesOf(*job), ElementsAre("queued 0", "retrieving_data 10"));
  job->Begin();
  EXPECT_EQ(job->standing().percent, 50);
  job->OnOutcome(1, Answer(R"({"risk":"low"})"));
  EXPECT_EQ(job->standing().percent, 50);
  job->OnOutcome(0, Answer(R"({"risk":"low"})"));
  EXPECT_TRUE(job->done());
  EXPECT_EQ(job->standing().percent, 100);
  EXPECT_THAT(StagesOf(*job),
              ElementsAre("queued 0", "retrieving_data 10", "generating_prompt 30",
                          "calling_llm 50", "processing_results 80", "saving_results 90"));
}

TEST(Comparison, EndsWithTheCandidatesInTheirOrder) {
  const auto job = Sound(Request(2, 5));
  job->Begin();
  job->OnOutcome(1, Failure());
  job->OnOutcome(0, Answer(R"({"differences":[],"status":"mine","risk":"low"})"));
  const auto ending = job->End({}, {});
  EXPECT_TRUE(ending.partial);
  EXPECT_EQ(ending.results[0], R"({"id":"c0","status":"ok","differences":[],"risk":"low"})");
  EXPECT_THAT(ending.results[1], HasSubstr(R"({"id":"c1","status":"error","error":)"));
  EXPECT_EQ(ending.summary[0].json, "false");
}

// Parts of both, each pair once; then one outcome of them, and the parts' are kept.
TEST(Comparison, SplitsWhatIsTooLongAndMerges) {
  const auto job = Sound(Request(1, 600), 700);
  const Steps steps = job->Begin();
  EXPECT_GT(steps.size(), 3U);
  std::set<std::string> paths;
  for (const Step& step : steps) {
    EXPECT_TRUE(paths.insert(step.path).second);
    EXPECT_THAT(step.path, HasSubstr("of"));
    EXPECT_LE(TokensOf(step.company->context_json) + TokensOf(step.input.value), 700);
  }
  Steps merge;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_TRUE(merge.empty());
    merge = job->OnOutcome(i, i == 1 ? Failure() : Answer(R"({"risk":"low"})"));
  }
  ASSERT_THAT(merge, SizeIs(1));
  EXPECT_EQ(merge[0].kind, kMergeStep);
  EXPECT_EQ(merge[0].path, "comparison/0/merge");
  EXPECT_THAT(
      merge[0].input.value,
      HasSubstr(
          R"("parts":[{"standard_part":1,"candidate_part":1,"status":"ok","output":{"risk":"low"}})"));
  EXPECT_FALSE(job->done());
  job->OnOutcome(steps.size(), Answer(R"({"risk":"high"})"));
  ASSERT_TRUE(job->done());
  const auto ending = job->End({}, {});
  EXPECT_THAT(ending.results[0], HasSubstr(R"({"id":"c0","status":"ok","risk":"high","parts":[)"));
}

TEST(Comparison, ACandidateNoneOfWhosePartsWasAnsweredFails) {
  const auto job = Sound(Request(1, 600), 700);
  const std::size_t steps = job->Begin().size();
  for (std::size_t i = 0; i < steps; ++i) EXPECT_TRUE(job->OnOutcome(i, Failure()).empty());
  ASSERT_TRUE(job->done());
  EXPECT_EQ(job->End({}, {}).status, model::JobStatus::kFailed);
}

TEST(Comparison, EndedFromOutsideItHasWhatThereIs) {
  const auto job = Sound(Request(2, 5));
  job->Begin();
  job->OnOutcome(0, Answer(R"({"risk":"low"})"));
  const auto ending = job->End({}, Failure().outcome.error.value());
  EXPECT_THAT(ending.results[0], HasSubstr(R"("status":"ok")"));
  EXPECT_THAT(ending.results[1], HasSubstr(R"("code":"provider_unavailable")"));
}

}  // namespace
}  // namespace llmbatch::workflows
