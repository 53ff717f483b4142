// What a job would need, over the tasks and examples that are shipped.
#include "ctl/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "config/load.h"

namespace llmbatch::ctl {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

const base::WallTime kToday = *base::ParseRfc3339("2026-11-01T00:00:00Z");

const config::Config& Shipped() {
  static const config::LoadOutcome outcome =
      config::LoadFile(LLMBATCH_SOURCE_DIR "/configs/llmbatchd.toml", config::SystemEnvironment(),
                       config::Credentials::kNone);
  EXPECT_TRUE(outcome.config.has_value());
  return *outcome.config;
}

std::string Example(const std::string& name) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/examples/" + name + ".json", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Plan Sound(const std::string& message) {
  const auto plan = PlanOf(message, Shipped(), seconds(10), kToday);
  EXPECT_TRUE(plan.ok()) << plan.error().message;
  return *plan;
}

TEST(PlanOf, GoesThroughEachWorkflow) {
  const struct {
    const char* name;
    std::int64_t steps, batches, rounds;
  } cases[] = {
      // Twelve weeks, three at a time.
      {"chain", 4, 4, 4},
      // Four sessions one after the other, twenty in two rounds of four streams each, three kinds
      // of
      // names.
      {"classification", 27, 15, 7},
      // Three candidates share a prompt.
      {"comparison", 3, 1, 1},
      {"query", 1, 1, 1},
  };
  for (const auto& each : cases) {
    const Plan plan = Sound(Example(each.name));
    EXPECT_EQ(plan.workflow, each.name);
    EXPECT_EQ(plan.steps, each.steps) << each.name;
    EXPECT_EQ(plan.batches, each.batches) << each.name;
    EXPECT_EQ(plan.rounds, each.rounds) << each.name;
    EXPECT_EQ(plan.too_large, 0) << each.name;
  }
}

TEST(PlanOf, ReckonsTokensCostAndTime) {
  std::string job =
      R"({"kind":"job","job_id":"j","workflow":"map","task":"analyze_conversations","user_id":"u","items":[)";
  for (int i = 0; i < 205; ++i)
    job +=
        std::string(i > 0 ? "," : "") + R"({"id":")" + std::to_string(i) + R"(","text":"hello"})";
  const Plan plan = Sound(job + "]}");
  // Twenty a prompt, five calls at a time.
  EXPECT_EQ(plan.steps, 205);
  EXPECT_EQ(plan.batches, 11);
  EXPECT_EQ(plan.duration, seconds(30));
  EXPECT_GT(plan.input_tokens, 11 * 200);
  EXPECT_EQ(plan.least_output_tokens, 205 * kLeastAnswerTokens);
  EXPECT_EQ(plan.most_output_tokens, 11 * 4'000);
  ASSERT_TRUE(plan.least_cost && plan.most_cost);
  EXPECT_LT(plan.least_cost->nanos, plan.most_cost->nanos);
  EXPECT_THAT(TextOf(plan), HasSubstr("batches    11, in 1 round\n"));
  EXPECT_THAT(JsonOf(plan), HasSubstr(R"("batches":11,"rounds":1,)"));
}

TEST(PlanOf, CountsWhatNoPromptHasRoomFor) {
  const std::string long_text(400'000, 'x');
  const Plan plan = Sound(
      R"({"kind":"job","job_id":"j","workflow":"map","task":"analyze_conversations","user_id":"u","items":[{"id":"1","text":")" +
      long_text + R"("},{"id":"2","text":"short"}]})");
  EXPECT_EQ(plan.too_large, 1);
  EXPECT_EQ(plan.batches, 1);
}

TEST(PlanOf, GoesByTheRouteThatTheJobChooses) {
  config::Config config = Shipped();
  auto catalog = std::make_shared<model::Catalog>(*config.catalog);
  const model::RouteEntry dear{.provider = "openai", .model = "dear"};
  model::ModelInfo model = catalog->models.begin()->second;
  model.prices = {{.price = {.input_nanos_per_1k = 1'000'000, .output_nanos_per_1k = 0}}};
  model.max_output_tokens = 300;
  catalog->models.emplace(dear, model);
  catalog->routes.emplace("best", std::vector{dear});
  config.catalog = catalog;
  const std::string job = Example("comparison");
  const auto with = [&job](const std::string& member) {
    return job.substr(0, job.rfind('}')) + "," + member + "}";
  };
  const auto plan =
      PlanOf(with(R"("model_selection":"best")"), config, std::chrono::seconds(10), kToday);
  ASSERT_TRUE(plan.ok()) << plan.error().message;
  EXPECT_EQ(plan->most_output_tokens, 300 * plan->batches);
  EXPECT_EQ(plan->most_cost->nanos, plan->input_tokens * 1'000);
  const auto unknown =
      PlanOf(with(R"("model_selection":"bes")"), config, std::chrono::seconds(10), kToday);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().message,
            "model_selection: the configuration has no route 'bes'; did you mean 'best'?");
}

TEST(PlanOf, RefusesWhatTheDaemonWould) {
  const auto error = [](const std::string& message) {
    const auto plan = PlanOf(message, Shipped(), seconds(1), kToday);
    return plan.ok() ? "none" : plan.error().message;
  };
  EXPECT_THAT(error("{"), HasSubstr("not_json"));
  EXPECT_THAT(
      error(
          R"({"kind":"job","job_id":"j","workflow":"query","task":"ask_documents","user_id":"u"})"),
      HasSubstr("question: missing"));
  EXPECT_THAT(error(R"({"kind":"item","id":"1","task":"analyze_conversations","text":"x"})"),
              HasSubstr("only a job can be planned"));
}

}  // namespace
}  // namespace llmbatch::ctl
