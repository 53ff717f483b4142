// LLMBATCHD_SECTION__KEY in the environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Variables, ReplaceWhatTheFileSays) {
  const LoadOutcome outcome = Load(Draft().Text(), {},
                                   {{"LLMBATCHD_KAFKA__BROKERS", "other:9092"},
                                    {"LLMBATCHD_KAFKA__INSTANCE", "7"},
                                    {"LLMBATCHD_KAFKA__REQUESTS", "[\"a\", \"b\"]"},
                                    {"LLMBATCHD_KAFKA__PROPERTIES__SECURITY__PROTOCOL", "SSL"},
                                    {"LLMBATCHD_LIMITS__CONCURRENCY", "9"},
                                    {"LLMBATCHD_LIMITS__DRAIN_TIMEOUT", "5s"},
                                    {"LLMBATCHD_PROVIDERS__P__ALLOW_PRIVATE", "true"},
                                    {"LLMBATCHD_TASKS__T__FALLBACK", "{ label = \"x\" }"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->kafka.brokers, "other:9092");
  EXPECT_EQ(outcome.config->kafka.instance, "7");
  EXPECT_THAT(outcome.config->kafka.requests, ElementsAre("a", "b"));
  EXPECT_EQ(outcome.config->kafka.properties.at("security.protocol"), "SSL");
  EXPECT_EQ(outcome.config->limits.concurrency, 9);
  EXPECT_EQ(outcome.config->limits.drain_timeout, std::chrono::seconds(5));
  EXPECT_TRUE(outcome.config->providers.at("p").allow_private);
  EXPECT_EQ(outcome.config->catalog->tasks.at("t")->fallback_json, R"({"label":"x"})");
}

TEST(Variables, FindKeysInAnyCase) {
  const LoadOutcome outcome = Load(Draft()
                                       .Set("[tasks.Big]", "route = \"p/m\"")
                                       .Set("[tasks.Big]", "prompt = \"{{items_json}}\"")
                                       .Text(),
                                   {}, {{"LLMBATCHD_TASKS__BIG__LINGER_MS", "1"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->catalog->tasks.at("Big")->linger, std::chrono::milliseconds(1));
}

TEST(Variables, AreNamedInProblems) {
  const LoadOutcome outcome =
      Load(Draft().Text(), {},
           {{"LLMBATCHD_LIMITS__CONCURRENCY", "many"}, {"LLMBATCHD_KAFKA__BROKER", "other:9092"}});
  EXPECT_EQ(Shown(outcome.problems),
            "$LLMBATCHD_KAFKA__BROKER: kafka.broker: unknown key; did you mean \"brokers\"?\n"
            "$LLMBATCHD_LIMITS__CONCURRENCY: limits.concurrency: must be a whole number, is a text "
            "in quotation marks\n");
}

TEST(Variables, CannotMakeATableOfAValue) {
  const LoadOutcome outcome =
      Load(Draft().Text(), {}, {{"LLMBATCHD_KAFKA__BROKERS__X", "other:9092"}});
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(ToString(outcome.problems.front()),
            "$LLMBATCHD_KAFKA__BROKERS__X: kafka.brokers: is no table");
}

TEST(Variables, WithOneUnderscoreAreWarnedOf) {
  const LoadOutcome outcome = Load(Draft().Text(), {}, {{"LLMBATCHD_KAFKA_BROKERS", "other:9092"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_THAT(Shown(outcome.warnings), HasSubstr("LLMBATCHD_KAFKA_BROKERS"));
}

TEST(Variables, OfOthersAreLeftAlone) {
  const LoadOutcome outcome = Load(Draft().Text(), {}, {{"KAFKA__BROKERS", "x"}, {"PATH", "/bin"}});
  EXPECT_TRUE(outcome.config.has_value());
  EXPECT_TRUE(outcome.warnings.empty());
}

}  // namespace
}  // namespace llmbatch::config
