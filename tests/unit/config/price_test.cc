// Prices by tier, length and day, and parameters of each model, as the configuration has them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using ::testing::HasSubstr;

const std::string kModel = "[models.\"p/m\"]";

LoadOutcome LoadWithPrices(const std::string& rows) {
  return Load(Draft().Set(kModel, "prices = [" + rows + "]").Text());
}

std::string ProblemsOf(const std::string& rows) { return Shown(LoadWithPrices(rows).problems); }

std::string Row(const std::string& members) {
  return "{ input_usd_per_million = \"3\", output_usd_per_million = \"6\"" +
         (members.empty() ? "" : ", " + members) + " }";
}

TEST(PriceList, BeginsWithTheModelsOwnPrices) {
  const LoadOutcome outcome =
      LoadWithPrices(Row("above_input_tokens = 1_000") + ", " +
                     Row("tier = [\"flex\", \"batch\"], reasoning_usd_per_million = \"4\"") + ", " +
                     Row("valid_from = 2027-01-01, valid_until = 2027-01-31"));
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::PriceList& list =
      outcome.config->catalog->models.at({.provider = "p", .model = "m"}).prices;
  ASSERT_EQ(list.size(), 5U);
  EXPECT_EQ(list[0].price.input_nanos_per_1k, 100'000);
  EXPECT_EQ(list[1].tier, "standard");
  EXPECT_EQ(list[1].above_input_tokens, 1'000);
  EXPECT_EQ(list[1].price.input_nanos_per_1k, 3'000'000);
  EXPECT_EQ(list[1].price.cached_input_nanos_per_1k, 3'000'000);
  EXPECT_FALSE(list[1].price.reasoning_nanos_per_1k.has_value());
  EXPECT_EQ(list[2].tier, "flex");
  EXPECT_EQ(list[2].price.reasoning_nanos_per_1k, 4'000'000);
  EXPECT_EQ(list[3].tier, "batch");
  EXPECT_EQ(list[4].valid_from, base::ParseRfc3339("2027-01-01T00:00:00Z"));
  EXPECT_EQ(list[4].valid_until, base::ParseRfc3339("2027-02-01T00:00:00Z"))
      << "its last day counts";
}

TEST(PriceList, IsTheOneOfTheMainFileWhereBothHaveOne) {
  const LoadOutcome outcome =
      Load(Draft().Set("", "prices = \"prices.toml\"").Set(kModel, "prices = []").Text(),
           {{"/etc/prices.toml", kModel + "\nprices = [" + Row("tier = \"flex\"") + "]\n"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->models.at({.provider = "p", .model = "m"}).prices.size(), 1U);
}

TEST(PriceList, TellsWhatIsWrong) {
  const std::pair<std::string, const char*> rows[] = {
      {"7", "models.\"p/m\".prices: must be a list of tables"},
      {"{ tier = \"flex\" }", "prices[0].input_usd_per_million: missing"},
      {"{ output_usd_per_million = \"1\" }", "prices[0].input_usd_per_million: missing"},
      {Row("tiers = \"flex\""), "prices[0].tiers: unknown key; did you mean \"tier\"?"},
      {Row("tier = \"a b\""), "prices[0].tier: must be"},
      {Row("tier = 7"), "prices[0].tier: must be"},
      {Row("above_input_tokens = -1"), "prices[0].above_input_tokens: must be"},
      {Row("valid_from = \"2027\""), "prices[0].valid_from: must be"},
      {Row("valid_from = 2027-02-01, valid_until = 2027-01-01"),
       "prices[0].valid_until: is before"},
      {Row("valid_from = 1969-01-01"), "prices[0].valid_from: must be a date between"},
      {Row(""), "prices[0].tier: \"standard\" has another row"},
      {Row("tier = \"flex\"") + ", " + Row("tier = [\"batch\", \"flex\"]"),
       "prices[1].tier: \"flex\" has another row"},
      {Row("reasoning_usd_per_million = 4"), "prices[0].reasoning_usd_per_million: must be a text"},
  };
  for (const auto& [list, problem] : rows) {
    EXPECT_THAT(ProblemsOf(list), HasSubstr(problem)) << list;
  }
}

Draft TwoModels() {
  return Draft()
      .Set("[providers.q]", "api = \"gemini\"")
      .Set("[models.\"q/m\"]", "context_window = 8_000")
      .Set("[models.\"q/m\"]", "max_output_tokens = 4_000")
      .Set("[tasks.t]", "route = [\"p/m\", \"q/m\"]")
      .Set("[tasks.t]", "parameters = { seed = 1 }");
}

TEST(ParametersOf, AreThoseOfTheModelElseOfItsProviderElseOfTheTask) {
  const auto of_second = [](const std::string& line) {
    const LoadOutcome outcome = Load(TwoModels().Set("[tasks.t]", line).Text());
    EXPECT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
    const model::Task& task = *outcome.config->catalog->tasks.at("t");
    EXPECT_EQ(task.ParametersFor({.provider = "p", .model = "m"}), R"({"seed":1})");
    return task.ParametersFor({.provider = "q", .model = "m"});
  };
  EXPECT_EQ(of_second("max_attempts = 2"), R"({"seed":1})");
  EXPECT_EQ(of_second("parameters_of = { q = { a = 2 } }"), R"({"a":2})");
  EXPECT_EQ(of_second("parameters_of = { \"q/m\" = { a = 3 } }"), R"({"a":3})");
  EXPECT_EQ(of_second("parameters_of = { q = { a = 2 }, \"q/m\" = { a = 3 } }"), R"({"a":3})");
  EXPECT_EQ(of_second("parameters_of = { \"q/m\" = {} }"), "{}") << "none at all";
}

TEST(Tokenizer, IsReadOffTheNameUnlessConfigured) {
  const auto tokenizer = [](const std::string& line) {
    const LoadOutcome outcome = Load(Draft().Set("[models.\"p/m\"]", line).Text());
    EXPECT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
    return outcome.config->catalog->models.at({.provider = "p", .model = "m"}).tokenizer;
  };
  EXPECT_EQ(tokenizer("context_window = 9000"), model::Tokenizer::kByName);
  EXPECT_EQ(tokenizer("tokenizer = \"o200k\""), model::Tokenizer::kO200k);
  EXPECT_EQ(tokenizer("tokenizer = \"claude\""), model::Tokenizer::kClaude);
  EXPECT_EQ(tokenizer("tokenizer = \"chars\""), model::Tokenizer::kChars);
  const LoadOutcome unknown = Load(Draft().Set("[models.\"p/m\"]", "tokenizer = \"words\"").Text());
  ASSERT_EQ(unknown.problems.size(), 1U);
  EXPECT_EQ(unknown.problems.front().key, "models.\"p/m\".tokenizer");
}

TEST(Streaming, IsWantedByProviderOrModelAboveALength) {
  const LoadOutcome outcome = Load(TwoModels()
                                       .Set("[providers.q]", "stream_above_output_tokens = 8_000")
                                       .Set("[models.\"q/m\"]", "stream_above_output_tokens = 0")
                                       .Set("[providers.q]", "stream_idle_timeout = \"5s\"")
                                       .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::Catalog& catalog = *outcome.config->catalog;
  EXPECT_EQ(catalog.providers.at("p").stream_above_output_tokens, std::nullopt);
  EXPECT_EQ(catalog.providers.at("q").stream_above_output_tokens, 8'000);
  EXPECT_EQ(catalog.providers.at("q").stream_idle_timeout, std::chrono::seconds(5));
  EXPECT_EQ(catalog.models.at({.provider = "q", .model = "m"}).stream_above_output_tokens, 0);
  EXPECT_EQ(catalog.models.at({.provider = "p", .model = "m"}).stream_above_output_tokens,
            std::nullopt);
}

TEST(ParametersOf, TellWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"parameters_of = { r = { a = 1 } }",
       "tasks.t.parameters_of.r: is neither a model nor a prov"},
      {"parameters_of = { q = 7 }", "tasks.t.parameters_of.q: must be"},
      {"parameters_of = { q = { contents = 1 } }", "tasks.t.parameters_of.q: "},
      {"parameters_of = { p = { model = \"x\" } }", "tasks.t.parameters_of.p: "},
  };
  for (const auto& [line, problem] : rows) {
    EXPECT_THAT(Shown(Load(TwoModels().Set("[tasks.t]", line).Text()).problems), HasSubstr(problem))
        << line;
  }
}

}  // namespace
}  // namespace llmbatch::config
