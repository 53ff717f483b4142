#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "json/schema.h"
#include "wire/result.h"
#include "workflows/fields/fields_workflow.h"

namespace llmbatch::workflows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Made MakeOf(std::string input) {
  model::Job job;
  job.workflow = "fields";
  job.input_json = std::move(input);
  return Make(job, {});
}

std::unique_ptr<Workflow> Sound(std::string input) {
  Made made = MakeOf(std::move(input));
  if (auto* malformed = std::get_if<wire::Malformed>(&made)) ADD_FAILURE() << malformed->detail;
  return std::get<std::unique_ptr<Workflow>>(std::move(made));
}

std::string Refusal(std::string input) {
  Made made = MakeOf(std::move(input));
  const auto* malformed = std::get_if<wire::Malformed>(&made);
  if (malformed == nullptr) return "none";
  return std::string(ToString(malformed->reason)) + " " + malformed->detail;
}

constexpr const char* kForm =
    R"({"fields":[{"id":"a","label":"A","strategy":"generate"},{"id":"age","label":"Age"},
                  {"id":"c","label":"C","type":"list"},{"id":"d","label":"D"}],
        "user_data":{"age":42},"context":"ctx","max_parallel":2})";

model::ItemResult Answer(std::string output,
                         model::ResultSource source = model::ResultSource::kGenerated) {
  model::ItemResult result;
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json = std::move(output);
  result.outcome.source = source;
  result.outcome.model = "p/m";
  result.outcome.duration = std::chrono::seconds(2);
  result.outcome.cost = model::NanoUsd{5};
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

TEST(FieldsWorkflow, AsksTogetherForWhatTheDataDoesNotSay) {
  const auto form = Sound(kForm);
  const Steps steps = form->Begin();
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].path, "fields/0");
  EXPECT_EQ(steps[1].path, "fields/2");
  EXPECT_EQ(steps[1].id, "c");
  EXPECT_EQ(steps[1].input.value,
            R"({"id":"c","label":"C","type":"list","user_data":{"age":42},"context":"ctx"})");
  for (const Step& step : steps) EXPECT_TRUE(step.alone);
  EXPECT_EQ(form->max_parallel(), 2);
  EXPECT_FALSE(form->publishes_steps());
  EXPECT_EQ(form->standing().percent, 25);
  EXPECT_EQ(form->standing().items,
            (model::ItemCounts{.total = 4, .done = 1, .failed = 0, .cached = 0}));
}

TEST(FieldsWorkflow, EndsWithTheFieldsInTheirOrderAndTellsWhereEachIsFrom) {
  const auto form = Sound(kForm);
  form->Begin();
  form->OnOutcome(2, Failure());
  form->OnOutcome(1, Answer(R"({"value":["x"]})", model::ResultSource::kCached));
  EXPECT_FALSE(form->done());
  form->OnOutcome(0, Answer(R"({"value":"v"})"));
  ASSERT_TRUE(form->done());
  jobs::Totals totals;
  totals.elapsed = std::chrono::seconds(2);
  totals.cost = model::NanoUsd{10};
  const jobs::Ending ending = form->End(totals, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_TRUE(ending.partial);
  EXPECT_EQ(ending.efficiency, 0.5);  // one call of 2 s, where two might have been
  ASSERT_EQ(ending.results.size(), 4U);
  EXPECT_THAT(
      ending.results[0],
      HasSubstr(R"("id":"a","status":"ok","value":"v","source":"generated","cached":false)"));
  EXPECT_THAT(ending.results[0], HasSubstr(R"("cost_usd":"0.000000005","duration_ms":2000)"));
  EXPECT_THAT(ending.results[1], HasSubstr(R"("value":42,"source":"extracted")"));
  EXPECT_THAT(ending.results[2], HasSubstr(R"("value":["x"],"source":"cached","cached":true)"));
  EXPECT_THAT(ending.results[3], HasSubstr(R"("status":"error","value":null,"error":)"));
  std::vector<std::string> summary;
  for (const auto& member : ending.summary) summary.push_back(member.name + " " + member.json);
  EXPECT_THAT(summary,
              ElementsAre("total_fields 4", "total_cost_usd \"0.000000010\"", "cached_count 1",
                          "extracted_count 1", "generated_count 1", "failed_count 1"));
}

TEST(FieldsWorkflow, ItsResultMeetsTheSchema) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/job_result.schema.json", std::ios::binary);
  const auto schema = json::Schema::Compile(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  const auto form = Sound(kForm);
  form->Begin();
  form->OnOutcome(0, Answer("\"text\""));
  form->OnOutcome(1, Answer("{}", model::ResultSource::kCoalesced));
  form->OnOutcome(2, Failure());
  jobs::Ending ending = form->End({}, {});
  model::JobResult result;
  result.job_id = "j";
  result.workflow = "fields";
  result.task = "t";
  result.user_id = "u";
  result.results = ending.results;
  result.summary = ending.summary;
  const auto valid = schema->Validate(wire::EncodeJobResult(result));
  EXPECT_TRUE(valid.ok()) << valid.error().message;
}

TEST(FieldsWorkflow, IsDoneAtOnceWhenAllStandsInTheData) {
  const auto form = Sound(R"({"fields":[{"id":"age","label":"Age"}],"user_data":{"age":1}})");
  EXPECT_THAT(form->Begin(), IsEmpty());
  EXPECT_TRUE(form->done());
  EXPECT_EQ(form->End({}, {}).efficiency, 0);
}

TEST(FieldsWorkflow, FailsWhenEveryFieldDoes) {
  const auto form =
      Sound(R"({"fields":[{"id":"a","label":"A"},{"id":"b","label":"B","strategy":"extract"}]})");
  EXPECT_EQ(form->Begin().size(), 1U);
  form->OnOutcome(0, Failure());
  const jobs::Ending ending = form->End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kFailed);
  EXPECT_TRUE(ending.error.has_value());
  EXPECT_THAT(ending.results[1], HasSubstr("user_data has no value for the field"));
}

TEST(FieldsWorkflow, RefusesAWrongFormWithThePathOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "missing_field fields: "},
      {R"({"fields":{}})", "wrong_type fields: "},
      {R"({"fields":[]})", "invalid_value fields: must have from 1 to 1000"},
      {R"({"fields":[1]})", "wrong_type fields[0]"},
      {R"({"fields":[{"label":"L"}]})", "missing_field fields[0].id: "},
      {R"({"fields":[{"id":"a"}]})", "missing_field fields[0].label: "},
      {R"({"fields":[{"id":"a","label":""}]})", "invalid_value fields[0].label: "},
      {R"({"fields":[{"id":"a","label":"L"},{"id":"a","label":"L"}]})",
       "invalid_value fields[1].id: the same"},
      {R"({"fields":[{"id":"a","label":"L","strategy":"guess"}]})",
       "invalid_value fields[0].strategy: "},
      {R"({"fields":[{"id":"a","label":"L","pointer":"x"}]})", "invalid_value fields[0].pointer: "},
      {R"({"fields":[{"id":"a","label":"L","pattern":"("}]})", "invalid_value fields[0].pattern: "},
      {R"({"fields":[{"id":"a","label":"L"}],"user_data":[]})", "wrong_type user_data: "},
      {R"({"fields":[{"id":"a","label":"L"}],"context":[]})", "wrong_type context: "},
      {R"({"fields":[{"id":"a","label":"L"}],"max_parallel":0})", "invalid_value max_parallel: "},
  };
  for (const auto& [input, expected] : cases) EXPECT_THAT(Refusal(input), HasSubstr(expected));
}

TEST(FieldsWorkflow, RefusesAFormWhosePromptsWouldFillTheMemory) {
  std::string input = R"({"user_data":{"x":")" + std::string(1U << 20, 'x') + R"("},"fields":[)";
  for (int i = 0; i < 40; ++i)
    input += (i ? "," : "") + std::string(R"({"label":"L","id":")") + std::to_string(i) + "\"}";
  EXPECT_THAT(Refusal(input + "]}"), HasSubstr("too_large user_data: "));
}

}  // namespace
}  // namespace llmbatch::workflows
