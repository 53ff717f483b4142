// Configurations of several files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using testing::HasSubstr;

constexpr const char* kSecondTask =
    "[tasks.second]\nroute = \"p/m\"\nprompt = \"{{items_json}}\"\n";

TEST(TaskFiles, AreFoundByPatternBesideTheMainFile) {
  const LoadOutcome outcome =
      Load(Draft().Set("", "task_files = [\"tasks/*.toml\"]").Text(),
           {{"/etc/tasks/second.toml", kSecondTask}, {"/etc/tasks/notes.txt", "no TOML"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->tasks.size(), 2U);
}

TEST(TaskFiles, HaveTheirOwnFileInProblemsAndPaths) {
  const LoadOutcome outcome =
      Load(Draft().Set("", "task_files = [\"tasks/second.toml\"]").Text(),
           {{"/etc/tasks/second.toml",
             std::string(kSecondTask) + "output_schema = \"second.json\"\nlinger_m = 1\n"},
            {"/etc/tasks/second.json", "{\"type\":\"object\"}"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(ToString(outcome.problems.front()),
            "/etc/tasks/second.toml:5: tasks.second.linger_m: unknown key; did you mean "
            "\"linger_ms\"?");
}

TEST(TaskFiles, MayHaveNothingButTasks) {
  const LoadOutcome outcome = Load(Draft().Set("", "task_files = \"a.toml\"").Text(),
                                   {{"/etc/a.toml", "[limits]\nconcurrency = 9\n"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().file, "/etc/a.toml");
  EXPECT_EQ(outcome.problems.front().line, 1);
  EXPECT_EQ(outcome.problems.front().key, "limits");
}

TEST(TaskFiles, MayNotRepeatATask) {
  const LoadOutcome outcome = Load(Draft().Set("", "task_files = \"a.toml\"").Text(),
                                   {{"/etc/a.toml", "\n[tasks.t]\nroute = \"p/m\"\n"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().file, "/etc/a.toml");
  EXPECT_EQ(outcome.problems.front().line, 2);
  EXPECT_THAT(outcome.problems.front().what, HasSubstr("in another file already"));
}

TEST(TaskFiles, MustExist) {
  for (const char* line : {"task_files = [\"none.toml\"]", "task_files = [\"none/*.toml\"]"}) {
    const Draft draft = Draft().Set("", line);
    const LoadOutcome outcome = Load(draft.Text());
    ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
    EXPECT_EQ(outcome.problems.front().key, "task_files");
    EXPECT_EQ(outcome.problems.front().line, draft.LineOf(line));
  }
}

TEST(TaskFiles, WithBrokenTomlAreTold) {
  const LoadOutcome outcome =
      Load(Draft().Set("", "task_files = \"a.toml\"").Text(), {{"/etc/a.toml", "\n\n[tasks\n"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().file, "/etc/a.toml");
  EXPECT_EQ(outcome.problems.front().line, 3);
}

TEST(Prices, AreOverriddenKeyByKey) {
  const LoadOutcome outcome =
      Load(Draft()
               .Set("", "prices = \"prices.toml\"")
               .Remove("[models.\"p/m\"]", "context_window")
               .Text(),
           {{"/etc/prices.toml",
             "[models.\"p/m\"]\ncontext_window = 50_000\nmax_output_tokens = 1\n"
             "cached_input_usd_per_million = \"0.01\"\nas_of = 2026-11-21\n"
             "[models.\"p/other\"]\ncontext_window = 1000\nmax_output_tokens = 100\n"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::ModelInfo& info = outcome.config->catalog->models.at({"p", "m"});
  EXPECT_EQ(info.context_window_tokens, 50'000);
  EXPECT_EQ(info.max_output_tokens, 8'000);
  EXPECT_EQ(info.prices.at(0).price.cached_input_nanos_per_1k, 10'000);
}

TEST(Prices, HaveTheirOwnFileInProblems) {
  const LoadOutcome outcome =
      Load(Draft().Set("", "prices = \"prices.toml\"").Text(),
           {{"/etc/prices.toml", "[models.\"p/x\"]\ncontext_window = 1\nmax_output_tokens = 0\n"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().file, "/etc/prices.toml");
  EXPECT_EQ(outcome.problems.front().line, 3);
}

}  // namespace
}  // namespace llmbatch::config
