// What of a changed configuration counts at once, what waits for a restart, and what is refused.
#include "config/reload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

const Files kSecrets{{"/etc/key", "sk-first"}, {"/etc/other", "sk-second"}};

LoadOutcome Loaded(const Draft& draft, const Files& files = kSecrets) {
  LoadOutcome outcome = Load(draft.Text(), files);
  EXPECT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  return outcome;
}

Draft Running() {
  return Draft()
      .Set("[kafka]", "requests = [\"in\"]")
      .Set("[[kafka.bindings]]", "topic = \"bound\"")
      .Set("[[kafka.bindings]]", "task = \"t\"")
      .Set("[providers.p]", "api_key = \"file:/etc/key\"");
}

ReloadPlan Plan(const Draft& changed, const Files& files = kSecrets) {
  return PlanReload(Loaded(Running()), Loaded(changed, files));
}

std::string Keys(const std::vector<ConfigProblem>& problems) {
  std::string keys;
  for (const ConfigProblem& problem : problems) keys += (keys.empty() ? "" : " ") + problem.key;
  return keys;
}

TEST(PlanReload, HasNothingToSayOfTheSameConfiguration) {
  const ReloadPlan plan = Plan(Running());
  EXPECT_EQ(Shown(plan.problems), "");
  EXPECT_EQ(Shown(plan.waiting), "");
  EXPECT_TRUE(plan.catalog->tasks.contains("t"));
}

TEST(PlanReload, TakesTasksModelsRoutesLimitsAndUsers) {
  const ReloadPlan plan = Plan(Running()
                                   .Set("[tasks.t]", "prompt = \"Again: {{items_json}}\"")
                                   .Set("[tasks.t]", "max_batch_items = 3")
                                   .Set("[tasks.u]", "route = \"p/m\"")
                                   .Set("[tasks.u]", "prompt = \"{{items_json}}\"")
                                   .Set("[tasks.u.variables]", "tone = \"kind\"")
                                   .Set("[models.\"p/m\"]", "output_usd_per_million = \"0.7\"")
                                   .Set("[routes.main]", "models = [\"p/m\"]")
                                   .Set("[users.\"a@b\"]", "weight = 4")
                                   .Set("[limits]", "concurrency = 9")
                                   .Set("[limits]", "max_wait = \"5m\""));
  EXPECT_EQ(Shown(plan.problems), "");
  EXPECT_EQ(Shown(plan.waiting), "");
  EXPECT_EQ(plan.catalog->tasks.at("t")->max_batch_items, 3);
  EXPECT_TRUE(plan.catalog->tasks.contains("u"));
  const model::RouteEntry route{.provider = "p", .model = "m"};
  EXPECT_EQ(plan.catalog->models.at(route).prices.at(0).price.output_nanos_per_1k, 700'000);
  EXPECT_EQ(plan.catalog->user_weights.at("a@b"), 4);
  EXPECT_EQ(plan.limits.concurrency, 9);
  EXPECT_EQ(plan.limits.max_wait, std::chrono::minutes(5));
}

TEST(PlanReload, TakesWhatAProviderIsAskedLike) {
  const ReloadPlan plan = Plan(Running()
                                   .Set("[providers.p]", "concurrency = 3")
                                   .Set("[providers.p]", "schema_mode = \"none\"")
                                   .Set("[providers.p.headers]", "x-team = \"a\""));
  EXPECT_EQ(Shown(plan.waiting), "");
  EXPECT_EQ(plan.catalog->providers.at("p").concurrency, 3);
  EXPECT_EQ(plan.catalog->providers.at("p").headers.size(), 1U);
}

TEST(PlanReload, NamesWhatTakesARestart) {
  struct Row {
    const char* header;
    const char* line;
    const char* key;
  };
  for (const Row& row : {
           Row{"[kafka]", "group = \"g\"", "kafka.group"},
           Row{"[kafka]", "results = \"r\"", "kafka.results"},
           Row{"[kafka.properties]", "\"socket.nagle.disable\" = true",
               "kafka.properties.\"socket.nagle.disable\""},
           Row{"[redis]", "url = \"redis://h:1/0\"", "redis.url"},
           Row{"[redis]", "ledger_ttl = \"2h\"", "redis.ledger_ttl"},
           Row{"[admin]", "listen = \"127.0.0.1:1\"", "admin.listen"},
           Row{"[providers.p]", "base_url = \"https://other.example\"", "providers.p.base_url"},
           Row{"[providers.p]", "api_key = \"file:/etc/other\"", "providers.p.api_key"},
           Row{"[providers.p]", "connect_timeout = \"3s\"", "providers.p.connect_timeout"},
       }) {
    const ReloadPlan plan = Plan(Running().Set(row.header, row.line));
    EXPECT_EQ(Shown(plan.problems), "") << row.line;
    EXPECT_EQ(Keys(plan.waiting), row.key);
    EXPECT_NE(plan.catalog, nullptr) << row.line;
  }
}

TEST(PlanReload, NamesAKeyThatIsGone) {
  const Draft with_group = Running().Set("[kafka]", "group = \"g\"");
  const ReloadPlan plan = PlanReload(Loaded(with_group), Loaded(Running()));
  EXPECT_EQ(Keys(plan.waiting), "kafka.group");
}

TEST(PlanReload, NoticesAnotherSecretBehindTheSameReference) {
  const ReloadPlan plan = Plan(Running(), {{"/etc/key", "sk-rotated"}});
  EXPECT_EQ(Keys(plan.waiting), "providers.p.api_key");
  EXPECT_EQ(Shown(plan.waiting).find("sk-"), std::string::npos);
}

TEST(PlanReload, KeepsAProviderAsItIsWhoseDoorHasMoved) {
  const ReloadPlan plan = Plan(Running()
                                   .Set("[providers.p]", "base_url = \"https://other.example\"")
                                   .Set("[providers.p]", "schema_mode = \"none\""));
  EXPECT_EQ(plan.catalog->providers.at("p").schema_mode, model::Provider::SchemaMode::kJsonSchema);
}

Draft WithSecondProvider() {
  return Running()
      .Set("[providers.q]", "base_url = \"https://q.example\"")
      .Set("[models.\"q/m\"]", "context_window = 100_000")
      .Set("[models.\"q/m\"]", "max_output_tokens = 8_000");
}

TEST(PlanReload, TakesANewProviderThatNobodyRoutesTo) {
  EXPECT_EQ(Shown(Plan(WithSecondProvider()).problems), "");
}

TEST(PlanReload, RefusesWhatCouldNotWork) {
  struct Row {
    Draft changed;
    const char* key;
  };
  for (const Row& row : {
           Row{WithSecondProvider().Set("[tasks.t]", "route = [\"p/m\", \"q/m\"]"),
               "tasks.t.route"},
           Row{WithSecondProvider().Set("[routes.other]", "models = [\"q/m\"]"),
               "routes.other.models"},
           Row{Running().Set("[providers.p]", "api = \"anthropic\""), "providers.p.api"},
           // Read and written while the changed list of topics doesn't count yet.
           Row{Running()
                   .Set("[kafka]", "requests = [\"elsewhere\"]")
                   .Set("[tasks.t]", "results = \"in\""),
               "tasks.t.results"},
           Row{Running()
                   .Set("[kafka]", "max_message_bytes = 1_000_000")
                   .Set("[limits]", "max_pending_bytes = 2_000_000"),
               "limits.max_pending_bytes"},
       }) {
    const ReloadPlan plan = Plan(row.changed);
    EXPECT_EQ(Keys(plan.problems), row.key);
    EXPECT_EQ(plan.catalog, nullptr);
  }
}

TEST(PlanReload, RefusesToTakeABoundTopicsTaskAway) {
  std::string text = Draft().Text();
  text.replace(text.find("[tasks.t]"), 9, "[tasks.u]");
  const ReloadPlan plan = PlanReload(Loaded(Running()), Load(text));
  EXPECT_EQ(Keys(plan.problems), "tasks.t");
}

}  // namespace
}  // namespace llmbatch::config
