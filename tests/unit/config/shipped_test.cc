// The configuration that is shipped: it can be used, and tells the defaults as they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

const std::string kFolder = std::string(LLMBATCH_SOURCE_DIR) + "/configs";

std::string ReadShipped(const std::string& name) {
  auto text = SystemEnvironment().read_file(kFolder + "/" + name);
  return text ? *std::move(text) : "";
}

// As LoadFile does, with `text` in place of one of the shipped files, and with every credential.
LoadOutcome LoadShipped(const std::string& name = "", const std::string& text = "") {
  Environment environment = SystemEnvironment();
  environment.variables = {{"CREDENTIALS_DIRECTORY", "/credentials"}};
  environment.read_file =
      [=, read = environment.read_file](const std::string& path) -> base::Result<std::string> {
    if (path.starts_with("/credentials/")) return std::string("key");
    return path == kFolder + "/" + name ? text : read(path);
  };
  return LoadFile(kFolder + "/llmbatchd.toml", environment);
}

// With each `#key = value` in force that is not an example.
std::string WithCommentedDefaults(const std::string& text) {
  static const std::regex commented("^#([a-z_.]+ = .*)$");
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    const bool is_default = line.find("# example") == std::string::npos;
    result += (is_default ? std::regex_replace(line, commented, "$1") : line) + "\n";
  }
  return result;
}

TEST(ShippedConfig, LoadsWithoutProblems) {
  const LoadOutcome outcome = LoadShipped();
  EXPECT_TRUE(outcome.problems.empty()) << Shown(outcome.problems);
  // Their lengths and ranges are checked, but no provider can be held to them.
  for (const ConfigProblem& warning : outcome.warnings) {
    EXPECT_THAT(warning.key, testing::EndsWith(".output_schema"));
    EXPECT_THAT(warning.what, testing::EndsWith("answers are checked for that all the same"));
  }
}

TEST(ShippedConfig, LacksNothingButCredentialsOutsideOfSystemd) {
  Environment environment = SystemEnvironment();
  environment.variables.clear();
  const LoadOutcome outcome = LoadFile(kFolder + "/llmbatchd.toml", environment);
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().key, "providers.openai.api_key");
}

TEST(ShippedConfig, ShowsTheDefaultsOfTheService) {
  const LoadOutcome outcome = LoadShipped();
  ASSERT_TRUE(outcome.config.has_value());
  const Kafka& kafka = outcome.config->kafka;
  const Kafka default_kafka;
  EXPECT_EQ(kafka.brokers, default_kafka.brokers);
  EXPECT_EQ(kafka.group, default_kafka.group);
  EXPECT_EQ(kafka.requests, default_kafka.requests);
  EXPECT_EQ(kafka.control, default_kafka.control);
  EXPECT_EQ(kafka.results, default_kafka.results);
  EXPECT_EQ(kafka.progress, default_kafka.progress);
  EXPECT_EQ(kafka.dead_letters, default_kafka.dead_letters);
  EXPECT_EQ(kafka.auto_offset_reset, default_kafka.auto_offset_reset);
  EXPECT_EQ(kafka.max_message_bytes, default_kafka.max_message_bytes);
  EXPECT_EQ(outcome.config->redis.name_space, Redis().name_space);
  EXPECT_EQ(outcome.config->redis.lease, Redis().lease);
  EXPECT_EQ(outcome.config->redis.ledger_ttl, Redis().ledger_ttl);
  EXPECT_EQ(outcome.config->admin.listen, Admin().listen);
  const Limits& limits = outcome.config->limits;
  EXPECT_EQ(limits.concurrency, Limits().concurrency);
  EXPECT_EQ(limits.on_redis_down, Limits().on_redis_down);
  EXPECT_EQ(limits.max_pending_bytes, Limits().max_pending_bytes);
  EXPECT_EQ(limits.drain_timeout, Limits().drain_timeout);
  EXPECT_EQ(limits.max_wait, Limits().max_wait);
  EXPECT_EQ(limits.progress_interval, Limits().progress_interval);
  EXPECT_EQ(limits.items_timeout, Limits().items_timeout);
  EXPECT_EQ(limits.commit_interval, Limits().commit_interval);
}

TEST(ShippedConfig, ShowsTheDefaultsOfAProvider) {
  const LoadOutcome outcome = LoadShipped();
  ASSERT_TRUE(outcome.config.has_value());
  const ProviderConfig& openai = outcome.config->providers.at("openai");
  const ProviderConfig defaults;
  EXPECT_EQ(openai.base_url, defaults.base_url);
  EXPECT_EQ(openai.allow_private, defaults.allow_private);
  EXPECT_EQ(openai.connect_timeout, defaults.connect_timeout);
  EXPECT_EQ(openai.provider.api, defaults.provider.api);
  EXPECT_EQ(openai.provider.concurrency, defaults.provider.concurrency);
  EXPECT_EQ(openai.provider.max_response_bytes, defaults.provider.max_response_bytes);
  EXPECT_EQ(openai.provider.max_tokens_field, defaults.provider.max_tokens_field);
  EXPECT_EQ(openai.provider.system_role, defaults.provider.system_role);
  EXPECT_EQ(openai.provider.schema_mode, defaults.provider.schema_mode);
  EXPECT_EQ(openai.provider.strict_schema, defaults.provider.strict_schema);
  EXPECT_EQ(openai.provider.stream_usage, defaults.provider.stream_usage);
  EXPECT_EQ(openai.provider.stream_idle_timeout, defaults.provider.stream_idle_timeout);
  EXPECT_EQ(openai.api_key_header, defaults.api_key_header);
  EXPECT_EQ(openai.api_key_prefix, defaults.api_key_prefix);
}

TEST(ShippedConfig, ShowsTheDefaultsOfATask) {
  const std::string name = "tasks/analyze_conversations.toml";
  const std::string text = WithCommentedDefaults(ReadShipped(name));
  ASSERT_NE(text, ReadShipped(name));
  const LoadOutcome outcome = LoadShipped(name, text);
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::Task& task = *outcome.config->catalog->tasks.at("analyze_conversations");
  const model::Task defaults;
  EXPECT_EQ(task.workflow, defaults.workflow);
  EXPECT_EQ(task.max_batch_tokens, defaults.max_batch_tokens);
  EXPECT_EQ(task.max_batch_items, defaults.max_batch_items);
  EXPECT_EQ(task.oversize, defaults.oversize);
  EXPECT_EQ(task.linger, defaults.linger);
  EXPECT_EQ(task.answer, defaults.answer);
  EXPECT_EQ(task.max_output_tokens, defaults.max_output_tokens);
  EXPECT_EQ(task.isolate_tenants, defaults.isolate_tenants);
  EXPECT_EQ(task.cache_batched, defaults.cache_batched);
  EXPECT_EQ(task.timeout, defaults.timeout);
  EXPECT_EQ(task.max_attempts, defaults.max_attempts);
  EXPECT_EQ(task.max_item_attempts, defaults.max_item_attempts);
  EXPECT_EQ(task.concurrency, defaults.concurrency);
  EXPECT_EQ(task.permits, defaults.permits);
}

// Whether a line of the shipped files has the key, in force or in a comment.
bool IsShown(const std::string& text, const std::string& key) {
  return std::regex_search("\n" + text, std::regex("\n#?" + key + " = "));
}

TEST(ShippedConfig, ShowsEveryKeyThatIsKnown) {
  const std::string service = ReadShipped("llmbatchd.toml");
  const std::string task = ReadShipped("tasks/analyze_conversations.toml");
  for (const char* key : {"brokers",
                          "group",
                          "instance",
                          "requests",
                          "control",
                          "results",
                          "progress",
                          "dead_letters",
                          "delivery",
                          "auto_offset_reset",
                          "max_message_bytes",
                          "topic",
                          "task",
                          "url",
                          "user",
                          "password",
                          "namespace",
                          "lease",
                          "ledger_ttl",
                          "ledger_secret",
                          "listen",
                          "concurrency",
                          "on_redis_down",
                          "max_pending_bytes",
                          "drain_timeout",
                          "max_wait",
                          "progress_interval",
                          "items_timeout",
                          "commit_interval",
                          "api",
                          "base_url",
                          "api_key",
                          "allow_private",
                          "ca_file",
                          "proxy",
                          "connect_timeout",
                          "max_response_bytes",
                          "max_tokens_field",
                          "system_role",
                          "schema_mode",
                          "strict_schema",
                          "api_version",
                          "api_key_header",
                          "prompt_cache",
                          "stream_above_output_tokens",
                          "stream_idle_timeout",
                          "stream_usage",
                          "headers",
                          "cache_write_usd_per_million",
                          "long_cache_write_usd_per_million",
                          "context_window",
                          "max_output_tokens",
                          "tokenizer",
                          "input_usd_per_million",
                          "cached_input_usd_per_million",
                          "output_usd_per_million",
                          "as_of",
                          "valid_from",
                          "valid_until",
                          "reasoning_usd_per_million",
                          "models",
                          "task_files",
                          "rank_file",
                          "prices"}) {
    EXPECT_TRUE(IsShown(service, key)) << key;
  }
  for (const char* key : {"workflow",
                          "route",
                          "max_batch_tokens",
                          "max_batch_items",
                          "oversize",
                          "linger_ms",
                          "system",
                          "prompt",
                          "output_schema",
                          "answer",
                          "max_output_tokens",
                          "parameters",
                          "parameters_of",
                          "fallback",
                          "isolate_tenants",
                          "cache_ttl",
                          "cache_batched",
                          "timeout",
                          "max_attempts",
                          "max_item_attempts",
                          "concurrency",
                          "permits",
                          "results"}) {
    EXPECT_TRUE(IsShown(task, key)) << key;
  }
}

TEST(ShippedConfig, HasATaskThatFillsInForms) {
  const std::string name = "tasks/fill_form.toml";
  const LoadOutcome outcome = LoadShipped(name, ReadShipped(name));
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const model::Task& task = *outcome.config->catalog->tasks.at("fill_form");
  EXPECT_EQ(task.workflow, "fields");
  ASSERT_EQ(task.extract_rules.size(), 1U);
  EXPECT_EQ(task.extract_rules[0].pointer, "/contact/email");
}

TEST(ShippedConfig, HasATaskThatWritesPlans) {
  const std::string name = "tasks/write_plan.toml";
  const LoadOutcome outcome = LoadShipped(name, ReadShipped(name));
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->tasks.at("write_plan")->workflow, "chain");
}

TEST(ShippedConfig, HasATaskForEachOtherWorkflowAndThoseThatItsStepsAreAskedWith) {
  const struct {
    const char *file, *task, *workflow, *kind, *other;
  } cases[] = {
      {"classify_sessions", "classify_sessions", "classification", "resolve",
       "same_classifications"},
      {"compare_documents", "compare_documents", "comparison", "merge", "merge_comparisons"},
      {"ask_documents", "ask_documents", "query", "merge", "merge_answers"},
  };
  for (const auto& each : cases) {
    const std::string name = std::string("tasks/") + each.file + ".toml";
    const LoadOutcome outcome = LoadShipped(name, ReadShipped(name));
    ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
    const auto& tasks = outcome.config->catalog->tasks;
    EXPECT_EQ(tasks.at(each.task)->workflow, each.workflow);
    EXPECT_EQ(tasks.at(each.task)->steps.at(each.kind), each.other);
    EXPECT_TRUE(tasks.contains(each.other));
  }
}

TEST(ShippedConfig, TellsWhatIsWrongWithTheTasksOfSteps) {
  const struct {
    const char *line, *key, *what;
  } cases[] = {
      {"", "steps.merge", "missing: the name of the task that asks for this"},
      {"merge = \"merge_answer\"", "steps.merge",
       "unknown task \"merge_answer\"; did you mean \"merge_answers\"?"},
      {"merge = \"ask_documents\"", "steps.merge",
       "must name a task with workflow = \"map\" and answer = \"items\""},
      {"merge = \"merge_answers\"\nmrege = \"merge_answers\"", "steps.mrege",
       "unknown key; did you mean \"merge\"?"},
  };
  const std::string name = "tasks/ask_documents.toml";
  const std::string right = "merge = \"merge_answers\"";
  for (const auto& each : cases) {
    std::string text = ReadShipped(name);
    text.replace(text.find(right), right.size(), each.line);
    const LoadOutcome outcome = LoadShipped(name, text);
    ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
    EXPECT_EQ(outcome.problems[0].key, std::string("tasks.ask_documents.") + each.key);
    EXPECT_EQ(outcome.problems[0].what, each.what);
  }
}

TEST(ShippedPrices, KnowNoModelThatEnds) {
  const std::string prices = ReadShipped("prices.toml");
  ASSERT_FALSE(prices.empty());
  for (const char* ended : {"gpt-3.5", "gpt-4-turbo", "gpt-4o", "gpt-4.1", "gpt-5\"", "gpt-5-",
                            "o3", "o4-mini", "gemini-2."}) {
    EXPECT_EQ(prices.find(ended), std::string::npos) << ended;
  }
}

}  // namespace
}  // namespace llmbatch::config
