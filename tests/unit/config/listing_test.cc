// What a configuration comes to: every key with its value and where that comes from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<ConfigValue> Find(const LoadOutcome& outcome, std::string_view section,
                                std::string_view key) {
  const auto found =
      std::find_if(outcome.values.begin(), outcome.values.end(),
                   [&](const auto& each) { return each.section == section && each.key == key; });
  return found == outcome.values.end() ? std::nullopt : std::optional(*found);
}

TEST(Listing, TellsValueAndPlace) {
  const Draft draft = Draft()
                          .Set("[limits]", "concurrency = 7")
                          .Set("[limits]", "max_wait = \"90s\"")
                          .Set("[kafka]", "requests = [\"a\", \"b\"]")
                          .Set("[kafka.properties]", "\"sasl.username\" = \"u\"");
  const LoadOutcome outcome = Load(draft.Text(), {}, {{"LLMBATCHD_KAFKA__GROUP", "other"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  const auto at = [&](const char* line) {
    return std::string(kMainFile) + ":" + std::to_string(draft.LineOf(line));
  };
  struct Row {
    const char* section;
    const char* key;
    const char* value;
    std::string source;
  };
  for (const Row& row : {
           Row{"limits", "concurrency", "7", at("concurrency = 7")},
           Row{"limits", "max_wait", "\"90s\"", at("max_wait = \"90s\"")},
           Row{"limits", "drain_timeout", "\"30s\"", ""},
           Row{"kafka", "requests", "[\"a\", \"b\"]", at("requests = [\"a\", \"b\"]")},
           Row{"kafka", "group", "\"other\"", "$LLMBATCHD_KAFKA__GROUP"},
           Row{"kafka", "auto_offset_reset", "\"earliest\"", ""},
           Row{"kafka.properties", "\"sasl.username\"", "\"u\"", at("\"sasl.username\" = \"u\"")},
       }) {
    const auto found = Find(outcome, row.section, row.key);
    ASSERT_TRUE(found.has_value()) << row.section << "." << row.key;
    EXPECT_EQ(found->value, row.value) << row.key;
    EXPECT_EQ(found->source, row.source) << row.key;
  }
}

TEST(Listing, HasCredentialsByTheirReferenceOnly) {
  const Draft draft = Draft().Set("[providers.p]", "api_key = \"file:/root/p\"");
  const LoadOutcome outcome = Load(draft.Text(), {{"/root/p", "canary"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(Find(outcome, "providers.p", "api_key").value_or(ConfigValue{}).value,
            "\"file:/root/p\"");
  for (const ConfigValue& each : outcome.values) EXPECT_THAT(each.value, Not(HasSubstr("canary")));
}

TEST(Listing, IsEmptyWhereSomethingIsWrong) {
  const LoadOutcome outcome =
      Load(Draft().Set("[redis]", "url = \"redis://:canary@h:6379\"").Text());
  EXPECT_FALSE(outcome.problems.empty());
  EXPECT_TRUE(outcome.values.empty());
}

Draft WithCredentials() {
  return Draft()
      .Set("[providers.p]", "api_key = \"credential:openai\"")
      .Set("[redis]", "password = \"file:none\"")
      .Set("[kafka.properties]", "sasl.password = \"file:k\"");
}

TEST(CredentialsOf, KafkaAloneAreFetchedForItsTools) {
  const LoadOutcome outcome = LoadFile(
      kMainFile, InMemory({{kMainFile, WithCredentials().Text()}, {"/etc/k", "kafka-canary"}}),
      Credentials::kKafka);
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->kafka.secret_properties.at("sasl.password").Reveal(), "kafka-canary");
  EXPECT_TRUE(outcome.config->providers.at("p").api_key.empty());
  EXPECT_TRUE(outcome.config->redis.password.empty());
}

TEST(CredentialsOf, NobodyNeedNotBeWithinReach) {
  const Environment environment = InMemory({{kMainFile, WithCredentials().Text()}});
  EXPECT_FALSE(LoadFile(kMainFile, environment, Credentials::kKafka).config.has_value());
  EXPECT_TRUE(LoadFile(kMainFile, environment, Credentials::kNone).config.has_value());
}

TEST(CredentialsOf, NobodyMustStillBeReferences) {
  const LoadOutcome outcome = LoadFile(
      kMainFile,
      InMemory({{kMainFile, Draft().Set("[providers.p]", "api_key = \"sk-canary\"").Text()}}),
      Credentials::kNone);
  EXPECT_FALSE(outcome.config.has_value());
  EXPECT_THAT(Shown(outcome.problems), Not(HasSubstr("canary")));
}

}  // namespace
}  // namespace llmbatch::config
