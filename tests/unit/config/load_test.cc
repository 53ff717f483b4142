#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(LoadFile, FillsDefaultsIn) {
  const LoadOutcome outcome = Load(Draft().Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const Config& config = *outcome.config;
  EXPECT_EQ(config.kafka.brokers, "broker:9092");
  EXPECT_EQ(config.kafka.instance, "host-1");
  EXPECT_THAT(config.kafka.requests, ElementsAre("llm.requests"));
  EXPECT_EQ(config.redis.url, "");
  EXPECT_EQ(config.limits.concurrency, 5);
  EXPECT_EQ(config.admin.listen, "127.0.0.1:9464");
  EXPECT_THAT(config.documents.hosts, ElementsAre());
  EXPECT_FALSE(config.documents.allow_private);
  EXPECT_TRUE(outcome.warnings.empty()) << Shown(outcome.warnings);
}

TEST(LoadFile, BuildsTheCatalog) {
  const LoadOutcome outcome =
      Load(Draft()
               .Set("[providers.p]", "max_tokens_field = \"max_tokens\"")
               .Set("[tasks.t]", "linger_ms = 50")
               .Set("[tasks.t]", "parameters = { reasoning_effort = \"low\", top_p = 0.5 }")
               .Set("[tasks.t]", "fallback = { label = \"unknown\", tags = [1, true] }")
               .Set("[tasks.t]", "timeout = \"2m\"")
               .Set("[tasks.t]", "output_schema = \"schemas/t.json\"")
               .Text(),
           {{"/etc/schemas/t.json", "{ \"type\": \"object\" }"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::Catalog& catalog = *outcome.config->catalog;
  const model::Task& task = *catalog.tasks.at("t");
  EXPECT_EQ(task.name, "t");
  EXPECT_THAT(task.route, ElementsAre(model::RouteEntry{.provider = "p", .model = "m"}));
  EXPECT_EQ(task.linger, milliseconds(50));
  EXPECT_EQ(task.timeout, minutes(2));
  EXPECT_EQ(task.parameters_json, R"({"reasoning_effort":"low","top_p":0.5})");
  EXPECT_EQ(task.fallback_json, R"({"label":"unknown","tags":[1,true]})");
  EXPECT_EQ(task.output_schema_json, R"({"type":"object"})");
  EXPECT_EQ(catalog.providers.at("p").max_tokens_field, "max_tokens");
  const model::ModelInfo& info = catalog.models.at(task.route.front());
  EXPECT_EQ(info.context_window_tokens, 100'000);
  ASSERT_EQ(info.prices.size(), 1U);
  EXPECT_EQ(info.prices[0].price.input_nanos_per_1k, 100'000);
  EXPECT_EQ(info.prices[0].price.cached_input_nanos_per_1k, 100'000);
  EXPECT_EQ(info.prices[0].price.output_nanos_per_1k, 500'000);
}

TEST(LoadFile, AModelBehindTheFirstMayAnswerWithFewerTokens) {
  Draft draft;
  draft.Set("[models.\"p/small\"]", "context_window = 8_000")
      .Set("[models.\"p/small\"]", "max_output_tokens = 1_000")
      .Set("[tasks.t]", "max_output_tokens = 4_000")
      .Set("[tasks.t]", "route = [\"p/m\", \"p/small\"]");
  const LoadOutcome outcome = Load(draft.Text());
  EXPECT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  draft.Set("[tasks.t]", "route = [\"p/small\", \"p/m\"]");
  EXPECT_THAT(Shown(Load(draft.Text()).problems),
              HasSubstr("must be at most 1,000, the limit of p/small"));
  draft.Set("[models.\"p/small\"]", "context_window = 1_000")
      .Set("[tasks.t]", "route = [\"p/m\", \"p/small\"]");
  EXPECT_THAT(Shown(Load(draft.Text()).problems), HasSubstr("leaves no room for a prompt"));
}

TEST(LoadFile, TellsWhatToDoWithoutRedis) {
  const LoadOutcome outcome = Load(Draft().Set("[limits]", "on_redis_down = \"local:3\"").Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->limits.on_redis_down, admission::WhenAway::kLocal);
  EXPECT_EQ(outcome.config->limits.local_concurrency, 3);
}

TEST(LoadFile, EachFormatHasDefaultsOfItsOwn) {
  struct Row {
    const char* api;
    const char* base_url;
    const char* key_header;
    const char* key_prefix;
    const char* version;
  };
  const Row rows[] = {
      {"openai", "https://api.openai.com/v1", "Authorization", "Bearer ", ""},
      {"openai_responses", "https://api.openai.com/v1", "Authorization", "Bearer ", ""},
      {"anthropic", "https://api.anthropic.com", "x-api-key", "", "2026-10-21"},
      {"gemini", "https://generativelanguage.googleapis.com", "x-goog-api-key", "", "v1"},
  };
  for (const Row& row : rows) {
    const LoadOutcome outcome =
        Load(Draft()
                 .Remove("[providers.p]", "base_url")
                 .Set("[providers.p]", "api = \"" + std::string(row.api) + '"')
                 .Text());
    ASSERT_TRUE(outcome.config.has_value()) << row.api << Shown(outcome.problems);
    const ProviderConfig& provider = outcome.config->providers.at("p");
    EXPECT_EQ(provider.base_url, row.base_url);
    EXPECT_EQ(provider.api_key_header, row.key_header);
    EXPECT_EQ(provider.api_key_prefix, row.key_prefix);
    EXPECT_EQ(provider.provider.api, row.api);
    EXPECT_EQ(provider.provider.api_version, row.version);
  }
}

TEST(LoadFile, AzureHasAnEndpointOfEachCustomer) {
  Draft draft;
  draft.Set("[providers.p]", "api = \"azure_openai\"");
  const LoadOutcome outcome = Load(draft.Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->providers.at("p").api_key_header, "api-key");
  EXPECT_EQ(outcome.config->providers.at("p").provider.api_version, "v1");
  const LoadOutcome without = Load(draft.Remove("[providers.p]", "base_url").Text());
  EXPECT_THAT(Shown(without.problems), HasSubstr("providers.p.base_url: missing"));
}

TEST(LoadFile, ReadsTheSwitchesOfAFormat) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[providers.p]", "api = \"anthropic\"")
                                       .Set("[providers.p]", "api_version = \"2023-06-01\"")
                                       .Set("[providers.p]", "api_key_header = \"authorization\"")
                                       .Set("[providers.p]", "prompt_cache = \"1h\"")
                                       .Set("[providers.p]", "schema_mode = \"none\"")
                                       .Set("[providers.p.headers]", "anthropic-beta = \"x\"")
                                       .Set("[tasks.t]", "parameters = { temperature = 0.5 }")
                                       .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const ProviderConfig& config = outcome.config->providers.at("p");
  EXPECT_EQ(config.api_key_prefix, "Bearer ");
  const model::Provider& provider = outcome.config->catalog->providers.at("p");
  EXPECT_EQ(provider.api_version, "2023-06-01");
  EXPECT_EQ(provider.prompt_cache, model::Provider::PromptCache::kHour);
  EXPECT_EQ(provider.schema_mode, model::Provider::SchemaMode::kNone);
  EXPECT_THAT(provider.headers, ElementsAre(model::Header{"anthropic-beta", "x"}));
}

TEST(LoadFile, ParametersAreThoseThatTheVersionTakes) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[providers.p]", "api = \"anthropic\"")
                                       .Set("[tasks.t]", "parameters = { temperature = 0.5 }")
                                       .Text());
  EXPECT_THAT(Shown(outcome.problems), HasSubstr("tasks.t.parameters: "));
}

TEST(LoadFile, RanksAreReadFromAFile) {
  std::string ranks;
  for (int byte = 0; byte < 256; ++byte) {
    ranks += base::EncodeBase64(std::string(1, static_cast<char>(byte))) + " " +
             std::to_string(byte) + "\n";
  }
  const std::string text = Draft().Set("", "rank_file = \"o200k\"").Text();
  const LoadOutcome sound = Load(text, {{"/etc/o200k", ranks}});
  ASSERT_TRUE(sound.config.has_value()) << Shown(sound.problems);
  EXPECT_EQ(sound.config->bpe->size(), 256U);
  EXPECT_EQ(Load(Draft().Text()).config->bpe, nullptr);
  EXPECT_THAT(Shown(Load(text, {{"/etc/o200k", "x"}}).problems),
              HasSubstr("rank_file: is no file of ranks: line 1: must be"));
  EXPECT_THAT(Shown(Load(text).problems), HasSubstr("rank_file: "));
}

TEST(LoadFile, PricesOfCacheWritesAreThoseOfInputUnlessTold) {
  const auto price = [](const Draft& draft) {
    const LoadOutcome outcome = Load(draft.Text());
    EXPECT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
    return outcome.config->catalog->models.at({.provider = "p", .model = "m"}).prices.at(0).price;
  };
  Draft draft;
  EXPECT_EQ(price(draft).cache_write_nanos_per_1k, 100'000);
  EXPECT_EQ(price(draft).long_cache_write_nanos_per_1k, 100'000);
  draft.Set("[models.\"p/m\"]", "cache_write_usd_per_million = \"0.125\"");
  EXPECT_EQ(price(draft).cache_write_nanos_per_1k, 125'000);
  EXPECT_EQ(price(draft).long_cache_write_nanos_per_1k, 125'000);
  draft.Set("[models.\"p/m\"]", "long_cache_write_usd_per_million = \"0.2\"");
  EXPECT_EQ(price(draft).long_cache_write_nanos_per_1k, 200'000);
}

TEST(LoadFile, TakesARouteByName) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[routes.primary]", "models = [\"p/m\"]")
                                       .Set("[tasks.t]", "route = \"primary\"")
                                       .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->tasks.at("t")->route.front().model, "m");
}

TEST(LoadFile, HasRoutesThatNoTaskNamesForJobsThatChooseThem) {
  const Draft draft = Draft()
                          .Set("[providers.q]", "base_url = \"https://q.example\"")
                          .Set("[models.\"q/n\"]", "context_window = 9_000")
                          .Set("[models.\"q/n\"]", "max_output_tokens = 4_000")
                          .Set("[routes.fast]", "models = [\"q/n\"]")
                          .Set("[tasks.t]", "parameters_of = { q = { seed = 1 } }");
  const LoadOutcome outcome = Load(Draft(draft).Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::Catalog& catalog = *outcome.config->catalog;
  const model::RouteEntry entry{.provider = "q", .model = "n"};
  EXPECT_EQ(catalog.routes.at("fast"), std::vector{entry});
  EXPECT_EQ(catalog.models.at(entry).context_window_tokens, 9'000);
  EXPECT_EQ(catalog.tasks.at("t")->ParametersFor(entry), R"({"seed":1})");
  // Money can only be counted where it is known what a call costs.
  const LoadOutcome budgeted = Load(Draft(draft)
                                        .Set("[budgets]", "day_usd = \"5\"")
                                        .Set("[models.\"p/m\"]", "input_usd_per_million = \"1\"")
                                        .Set("[models.\"p/m\"]", "output_usd_per_million = \"1\"")
                                        .Text());
  ASSERT_EQ(budgeted.problems.size(), 1U) << Shown(budgeted.problems);
  EXPECT_EQ(budgeted.problems.front().key, "routes.fast.models");
}

TEST(LoadFile, TakesAModelWithSlashesInItsName) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[models.\"p/org/m\"]", "context_window = 9000")
                                       .Set("[models.\"p/org/m\"]", "max_output_tokens = 4000")
                                       .Set("[tasks.t]", "route = [\"p/org/m\"]")
                                       .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->tasks.at("t")->route.front().model, "org/m");
}

TEST(LoadFile, PutsDottedPropertiesTogether) {
  const LoadOutcome outcome =
      Load(Draft()
               .Set("[kafka.properties]", "security.protocol = \"SASL_SSL\"")
               .Set("[kafka.properties]", "\"socket.keepalive.enable\" = true")
               .Set("[kafka.properties]", "fetch.min.bytes = 10")
               .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_THAT(
      outcome.config->kafka.properties,
      ElementsAre(std::pair("fetch.min.bytes", "10"), std::pair("security.protocol", "SASL_SSL"),
                  std::pair("socket.keepalive.enable", "true")));
}

TEST(LoadFile, WarnsOfAModelWithoutAPrice) {
  const LoadOutcome outcome = Load(Draft()
                                       .Remove("[models.\"p/m\"]", "input_usd_per_million")
                                       .Remove("[models.\"p/m\"]", "output_usd_per_million")
                                       .Text());
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  ASSERT_EQ(outcome.warnings.size(), 1U);
  EXPECT_THAT(outcome.warnings.front().what, HasSubstr("the cost of p/m will be unknown"));
}

struct SchemaRow {
  const char* provider;  // lines of its section
  const char* schema;
  std::vector<std::string> warnings;
};

void ExpectSchemaWarnings(const SchemaRow& row) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[providers.p]", row.provider)
                                       .Set("[tasks.t]", "output_schema = \"t.json\"")
                                       .Text(),
                                   {{"/etc/t.json", row.schema}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  std::vector<std::string> warnings;
  for (const ConfigProblem& warning : outcome.warnings) {
    EXPECT_EQ(warning.key, "tasks.t.output_schema");
    warnings.push_back(warning.what);
  }
  EXPECT_EQ(warnings, row.warnings) << row.provider << ' ' << row.schema;
}

TEST(LoadFile, WarnsOfASchemaThatTheProviderCannotBeHeldTo) {
  constexpr const char* kAllOf =
      R"({"type":"object","properties":{"a":{"allOf":[{"type":"string"}]}}})";
  for (const SchemaRow& row : {
           SchemaRow{"schema_mode = \"json_schema\"",
                     R"({"type":"object","properties":{"a":{"type":"string"}}})",
                     {}},
           {"schema_mode = \"json_schema\"",
            kAllOf,
            {"p/m can't be held to it, for it has allOf; answers are checked all the same"}},
           {"schema_mode = \"json_object\"", kAllOf, {}},
           {"schema_mode = \"none\"", kAllOf, {}},
           {"schema_mode = \"json_schema\"",
            R"({"type":"object"})",
            {"p/m can't be held to it, for it has an object that may have members that aren't "
             "declared; answers are checked all the same"}},
           {"api = \"gemini\"\nschema_mode = \"openapi_schema\"",
            R"({"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},
                "$defs":{"a":{"type":"object","properties":{"b":{"$ref":"#/$defs/a"}}}}})",
            {"p/m can't be held to it, for it has what OpenAPI's dialect can't say; answers are "
             "checked all the same"}},
       }) {
    ExpectSchemaWarnings(row);
  }
}

TEST(LoadFile, NamesKeywordsThatAProviderIsAskedWithout) {
  constexpr const char* kLimits =
      R"({"type":"object","properties":{"a":{"type":"string","maxLength":9},
          "b":{"oneOf":[{"type":"integer","minimum":1},{"type":"null"}]},"c":{"enum":[1,2]}}})";
  constexpr const char* kAsLimits =
      "p/m can't be held to its maxLength, oneOf, minimum; answers are checked for that all the "
      "same";
  for (const SchemaRow& row : {
           SchemaRow{"schema_mode = \"json_schema\"", kLimits, {kAsLimits}},
           {"api = \"anthropic\"", kLimits, {kAsLimits}},
           {"api = \"gemini\"", kLimits, {kAsLimits}},
           {"api = \"gemini\"\nschema_mode = \"openapi_schema\"",
            kLimits,
            {"p/m can't be held to its maxLength, oneOf, minimum, enum; answers are checked for "
             "that all the same"}},
           // As it is, or not at all.
           {"strict_schema = false", kLimits, {}},
           {"schema_mode = \"json_object\"", kLimits, {}},
       }) {
    ExpectSchemaWarnings(row);
  }
}

TEST(LoadFile, NamesKeywordsThatAnswersAreNotCheckedFor) {
  ExpectSchemaWarnings(
      {"schema_mode = \"json_schema\"",
       R"({"type":"object","properties":{"format":{"type":"string","format":"date"},
           "default":{"type":"string","default":"x"}}})",
       {"has no effect with default, format: answers aren't checked for it"}});
  ExpectSchemaWarnings({"schema_mode = \"json_schema\"",
                        R"({"type":"object","properties":{"format":{"type":"string"}}})",
                        {}});
}

TEST(LoadFile, TellsModelsWithTheSameLossTogether) {
  const LoadOutcome outcome =
      Load(Draft()
               .Set("[models.\"p/n\"]", "context_window = 9000")
               .Set("[models.\"p/n\"]", "max_output_tokens = 4000")
               .Set("[models.\"p/n\"]", "input_usd_per_million = \"1\"")
               .Set("[models.\"p/n\"]", "output_usd_per_million = \"1\"")
               .Set("[tasks.t]", "route = [\"p/m\", \"p/n\"]")
               .Set("[tasks.t]", "output_schema = \"t.json\"")
               .Text(),
           {{"/etc/t.json", R"({"type":"object","properties":{"a":{"type":"array",
             "items":{"type":"null"},"minItems":2}}})"}});
  ASSERT_EQ(outcome.warnings.size(), 1U) << Shown(outcome.problems) << Shown(outcome.warnings);
  EXPECT_THAT(outcome.warnings.front().what, HasSubstr("p/m, p/n can't be held to its minItems"));
}

struct MissingKey {
  const char* header;
  const char* key;
  const char* path;
};

TEST(LoadFile, TellsWhatIsMissingAtItsTable) {
  for (const MissingKey& missing :
       {MissingKey{"[tasks.t]", "route", "tasks.t.route"},
        MissingKey{"[tasks.t]", "prompt", "tasks.t.prompt"},
        MissingKey{"[models.\"p/m\"]", "context_window", "models.\"p/m\".context_window"},
        MissingKey{"[models.\"p/m\"]", "max_output_tokens", "models.\"p/m\".max_output_tokens"},
        MissingKey{"[models.\"p/m\"]", "output_usd_per_million",
                   "models.\"p/m\".output_usd_per_million"}}) {
    const Draft draft =
        Draft().Remove(missing.header, missing.key).Set("[tasks.t]", "max_output_tokens = 1");
    const LoadOutcome outcome = Load(draft.Text());
    ASSERT_FALSE(outcome.problems.empty()) << missing.path;
    EXPECT_EQ(outcome.problems.front().line, draft.LineOf(missing.header)) << missing.path;
    EXPECT_EQ(outcome.problems.front().key, missing.path);
    EXPECT_THAT(outcome.problems.front().what, HasSubstr("missing"));
  }
}

TEST(LoadFile, AsksForProvidersAndTasks) {
  const LoadOutcome outcome = Load("");
  EXPECT_EQ(Shown(outcome.problems),
            "/etc/llmbatchd.toml:1: providers: missing: add [providers.NAME] with base_url and "
            "api_key\n"
            "/etc/llmbatchd.toml:1: tasks: missing: add [tasks.NAME] with route and prompt, or "
            "task_files\n");
}

TEST(LoadFile, TellsAllProblemsInTheOrderOfTheLines) {
  const Draft draft = Draft()
                          .Set("[tasks.t]", "workflow = \"mapp\"")
                          .Set("[limits]", "concurrency = \"five\"")
                          .Set("[kafka]", "gruop = \"x\"");
  const LoadOutcome outcome = Load(draft.Text());
  ASSERT_EQ(outcome.problems.size(), 3U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems[0].key, "kafka.gruop");
  EXPECT_EQ(outcome.problems[1].key, "limits.concurrency");
  EXPECT_EQ(outcome.problems[2].key, "tasks.t.workflow");
}

TEST(LoadFile, TellsThatTheFileCannotBeRead) {
  const LoadOutcome outcome = LoadFile("/etc/none.toml", InMemory({}));
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_EQ(ToString(outcome.problems.front()), "/etc/none.toml: can't be read: no such file");
}

}  // namespace
}  // namespace llmbatch::config
