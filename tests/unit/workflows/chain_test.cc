#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "json/schema.h"
#include "json/value.h"
#include "wire/result.h"
#include "workflows/registry.h"

namespace llmbatch::workflows {
namespace {

using testing::HasSubstr;
using testing::Not;

model::Task SomeTask() {
  model::Task task;
  task.workflow = "chain";
  task.max_output_tokens = 1'000;
  task.max_batch_tokens = 4'000;
  return task;
}

std::unique_ptr<Workflow> Chain(std::string input, const model::Task& task = SomeTask()) {
  model::Job job;
  job.workflow = "chain";
  job.input_json = std::move(input);
  Made made = Make(job, task);
  if (auto* malformed = std::get_if<wire::Malformed>(&made)) ADD_FAILURE() << malformed->detail;
  return std::get<std::unique_ptr<Workflow>>(std::move(made));
}

// An answer of so many units, each of which took so many tokens.
model::ItemResult Units(std::int64_t count, std::int64_t tokens_each = 10) {
  model::ItemResult result;
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json = R"({"units":[)";
  for (std::int64_t i = 0; i < count; ++i) {
    result.outcome.output_json += i == 0 ? "" : ",";
    result.outcome.output_json += R"({"title":"week","days":[{"d":1},{"d":2},{"d":3}]})";
  }
  result.outcome.output_json += "]}";
  result.outcome.usage.output_tokens = count * tokens_each;
  return result;
}

model::ItemResult Failure(model::ErrorCode code) {
  model::ItemResult result;
  result.outcome.error =
      model::ItemError{.code = code, .message = "m", .retryable = false, .attempts = 1};
  return result;
}

std::vector<std::string> StatusesOf(const jobs::Ending& ending) {
  std::vector<std::string> statuses;
  for (const std::string& result : ending.results) {
    const auto document = json::Document::Parse(result);
    statuses.emplace_back(document->root().Find("status")->AsString());
    EXPECT_EQ(*document->root().Find("unit")->AsInt64(),
              static_cast<std::int64_t>(statuses.size()));
  }
  return statuses;
}

TEST(ChainUnits, GoesOnWhereTheBatchBeforeEnded) {
  const auto chain = Chain(R"({"total_units":5,"goal":"fit"})");
  Steps steps = chain->Begin();
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].path, "chain/1+3");
  EXPECT_EQ(steps[0].input.value, R"({"first_unit":1,"last_unit":3,"total_units":5,"goal":"fit"})");
  EXPECT_TRUE(steps[0].history.empty());
  steps = chain->OnOutcome(0, Units(3));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(steps[0].path, "chain/4+2");
  ASSERT_EQ(steps[0].history.size(), 2U);
  EXPECT_EQ(steps[0].history[0].speaker, model::Speaker::kUser);
  EXPECT_EQ(steps[0].history[1].text, Units(3).outcome.output_json);
  EXPECT_EQ(chain->standing().percent, 60);
  EXPECT_TRUE(chain->OnOutcome(1, Units(2)).empty());
  ASSERT_TRUE(chain->done());
  EXPECT_EQ(StatusesOf(chain->End({}, {})), std::vector<std::string>(5, "ok"));
}

TEST(ChainUnits, TellsOnlyTheWindowWhenTheConversationIsTooLong) {
  model::Task task = SomeTask();
  task.max_batch_tokens = 60;
  const auto chain = Chain(R"({"total_units":2,"units_per_batch":1,"window":2})", task);
  chain->Begin();
  const Steps steps = chain->OnOutcome(0, Units(1));
  EXPECT_TRUE(steps[0].history.empty());
  EXPECT_THAT(steps[0].input.value, HasSubstr(R"("outline":["week"],"before":[{"d":2},{"d":3}])"));
}

TEST(ChainUnits, PlansFewerUnitsWhenTheyAreLarge) {
  const auto chain = Chain(R"({"total_units":9,"units_per_batch":3})");
  chain->Begin();
  // 400 tokens each: two fit into four fifths of 1,000.
  EXPECT_EQ(chain->OnOutcome(0, Units(3, 400))[0].path, "chain/4+2");
}

TEST(ChainUnits, AsksAgainInHalvesForWhatWasCutOff) {
  const auto chain = Chain(R"({"total_units":4,"units_per_batch":4})");
  chain->Begin();
  EXPECT_EQ(chain->OnOutcome(0, Failure(model::ErrorCode::kAnswerTruncated))[0].path, "chain/1+2");
  EXPECT_EQ(chain->OnOutcome(1, Failure(model::ErrorCode::kAnswerTruncated))[0].path, "chain/1+1");
  // One that doesn't fit alone is given up, and the next is asked.
  const Steps next = chain->OnOutcome(2, Failure(model::ErrorCode::kAnswerTruncated));
  ASSERT_EQ(next.size(), 1U);
  EXPECT_TRUE(next[0].path.starts_with("chain/2+"));
}

TEST(ChainUnits, TakesWhatAnAnswerHasAndAsksForTheRest) {
  const auto chain = Chain(R"({"total_units":3,"unit_schema":{"required":["title"]}})");
  chain->Begin();
  model::ItemResult two = Units(2);
  two.outcome.output_json = R"({"units":[{"title":"a"},{"name":"b"},{"title":"c"}]})";
  EXPECT_EQ(chain->OnOutcome(0, two)[0].path, "chain/2+2");
  // More than was asked for is left out.
  EXPECT_TRUE(chain->OnOutcome(1, Units(7)).empty());
  EXPECT_EQ(StatusesOf(chain->End({}, {})), std::vector<std::string>(3, "ok"));
}

TEST(ChainUnits, GivesUpUnitsAfterASecondTryAndGoesOn) {
  model::Task task = SomeTask();
  task.fallback_json = R"({"title":"rest"})";
  const auto chain = Chain(R"({"total_units":4,"units_per_batch":2})", task);
  EXPECT_THAT(chain->Begin()[0].input.value, Not(HasSubstr("problem")));
  const Steps again = chain->OnOutcome(0, Units(0));
  EXPECT_EQ(again[0].path, "chain/1+2/again");
  EXPECT_THAT(again[0].input.value, HasSubstr(R"("problem":"the last answer had no unit)"));
  const Steps next = chain->OnOutcome(1, Units(0));
  EXPECT_EQ(next[0].path, "chain/3+2");
  EXPECT_THAT(next[0].input.value, Not(HasSubstr("problem")));
  EXPECT_TRUE(chain->OnOutcome(2, Failure(model::ErrorCode::kProviderUnavailable)).empty());
  const jobs::Ending ending = chain->End({}, {});
  EXPECT_EQ(StatusesOf(ending), std::vector<std::string>(4, "fallback"));
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_THAT(ending.results[3], HasSubstr(R"("value":{"title":"rest"},"error":)"));
}

TEST(ChainUnits, WhatWasCancelledGetsNoFallback) {
  model::Task task = SomeTask();
  task.fallback_json = R"({"title":"rest"})";
  const auto chain = Chain(R"({"total_units":3,"units_per_batch":1})", task);
  chain->Begin();
  chain->OnOutcome(0, Units(1));
  chain->OnOutcome(1, Failure(model::ErrorCode::kCancelled));
  const std::vector<std::string> statuses{"ok", "error", "error"};
  EXPECT_EQ(StatusesOf(chain->End({}, {})), statuses);
}

TEST(ChainUnits, IsPartialWithoutAFallbackAndFailedWithoutAnyUnit) {
  const auto some = Chain(R"({"total_units":2,"units_per_batch":1})");
  some->Begin();
  some->OnOutcome(0, Units(1));
  some->OnOutcome(1, Failure(model::ErrorCode::kProviderUnavailable));
  EXPECT_TRUE(some->End({}, {}).partial);
  const auto none = Chain(R"({"total_units":1})");
  none->Begin();
  none->OnOutcome(0, Failure(model::ErrorCode::kProviderUnavailable));
  EXPECT_EQ(none->End({}, {}).status, model::JobStatus::kFailed);
}

TEST(ChainUnits, WhatWasNotAskedCarriesTheReason) {
  const auto chain = Chain(R"({"total_units":3,"units_per_batch":1})");
  chain->Begin();
  chain->OnOutcome(0, Units(1));
  const jobs::Ending ending =
      chain->End({}, model::ItemError{.code = model::ErrorCode::kCancelled});
  EXPECT_EQ(StatusesOf(ending), (std::vector<std::string>{"ok", "error", "error"}));
  EXPECT_THAT(ending.results[2], HasSubstr(R"("code":"cancelled")"));
}

TEST(ChainPrompts, AreAnsweredOneAfterTheOther) {
  const auto chain = Chain(R"({"prompts":["one","two","three"],"window":1})");
  Steps steps = chain->Begin();
  EXPECT_EQ(steps[0].path, "chain/0");
  EXPECT_EQ(steps[0].input.value, "one");
  steps = chain->OnOutcome(0, Units(1));
  EXPECT_EQ(steps[0].input.value, "two");
  EXPECT_EQ(steps[0].history.size(), 2U);
  // What has no answer is not told again.
  steps = chain->OnOutcome(1, Failure(model::ErrorCode::kAnswerInvalid));
  EXPECT_EQ(steps[0].history.size(), 2U);
  EXPECT_TRUE(chain->OnOutcome(2, Units(1)).empty());
  const jobs::Ending ending = chain->End({}, {});
  EXPECT_TRUE(ending.partial);
  EXPECT_THAT(ending.results[1], HasSubstr(R"("prompt":2,"status":"error","value":null)"));
}

TEST(ChainRequest, RefusesAWrongOneWithThePathOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{}", "total_units"},
      {R"({"total_units":0})", "total_units"},
      {R"({"total_units":10001})", "total_units"},
      {R"({"total_units":1,"prompts":["a"]})", "prompts"},
      {R"({"prompts":[]})", "prompts"},
      {R"({"prompts":[""]})", "prompts"},
      {R"({"prompts":"a"})", "prompts"},
      {R"({"total_units":1,"units_per_batch":0})", "units_per_batch"},
      {R"({"total_units":1,"window":-1})", "window"},
      {R"({"total_units":1,"goal":[]})", "goal"},
      {R"({"total_units":1,"unit_schema":{"nonsense":1}})", "unit_schema"},
  };
  for (const auto& [input, path] : cases) {
    model::Job job;
    job.workflow = "chain";
    job.input_json = input;
    const Made made = Make(job, SomeTask());
    const auto* malformed = std::get_if<wire::Malformed>(&made);
    ASSERT_NE(malformed, nullptr) << input;
    EXPECT_TRUE(malformed->detail.starts_with(path)) << malformed->detail;
  }
}

TEST(Chain, ItsResultsMeetTheSchema) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/job_result.schema.json", std::ios::binary);
  const auto schema = json::Schema::Compile(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  for (const char* input :
       {R"({"total_units":2,"units_per_batch":1})", R"({"prompts":["a","b"]})"}) {
    const auto chain = Chain(input);
    chain->Begin();
    chain->OnOutcome(0, Units(1));
    chain->OnOutcome(1, Failure(model::ErrorCode::kProviderUnavailable));
    jobs::Ending ending = chain->End({}, {});
    model::JobResult result;
    result.job_id = "j";
    result.workflow = "chain";
    result.task = "t";
    result.user_id = "u";
    result.results = ending.results;
    result.summary = ending.summary;
    const auto valid = schema->Validate(wire::EncodeJobResult(result));
    EXPECT_TRUE(valid.ok()) << valid.error().message;
  }
}

}  // namespace
}  // namespace llmbatch::workflows
