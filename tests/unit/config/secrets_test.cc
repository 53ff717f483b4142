// Credentials are fetched from where the configuration says, and are told to nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using testing::HasSubstr;
using testing::Not;

Draft WithKey(const std::string& reference) {
  return Draft().Set("[providers.p]", "api_key = \"" + reference + "\"");
}

std::string_view KeyIn(const LoadOutcome& outcome) {
  if (!outcome.config) return "(no configuration)";
  return outcome.config->providers.at("p").api_key.Reveal();
}

TEST(Secrets, ComeFromSystemdCredentials) {
  const LoadOutcome outcome =
      Load(WithKey("credential:openai").Text(), {{"/run/credentials/openai", "canary\n"}},
           {{"CREDENTIALS_DIRECTORY", "/run/credentials"}});
  EXPECT_EQ(KeyIn(outcome), "canary") << Shown(outcome.problems);
  EXPECT_TRUE(outcome.warnings.empty());
}

TEST(Secrets, ComeFromFilesBesideTheConfiguration) {
  EXPECT_EQ(KeyIn(Load(WithKey("file:keys/p").Text(), {{"/etc/keys/p", "canary"}})), "canary");
  EXPECT_EQ(KeyIn(Load(WithKey("file:/root/p").Text(), {{"/root/p", "canary"}})), "canary");
}

TEST(Secrets, ComeFromVariablesWithAWarning) {
  const LoadOutcome outcome = Load(WithKey("env:P_KEY").Text(), {}, {{"P_KEY", "canary"}});
  EXPECT_EQ(KeyIn(outcome), "canary");
  ASSERT_EQ(outcome.warnings.size(), 1U);
  EXPECT_EQ(outcome.warnings.front().key, "providers.p.api_key");
}

TEST(Secrets, OfKafkaAndRedisAreFetchedAlike) {
  const LoadOutcome outcome = Load(
      Draft()
          .Set("[kafka.properties]", "sasl.password = \"file:k\"")
          .Set("[redis]", "password = \"file:r\"")
          .Set("[redis]", "ledger_secret = \"file:l\"")
          .Text(),
      {{"/etc/k", "kafka-canary"}, {"/etc/r", "redis-canary"}, {"/etc/l", "sixteen bytes ok"}});
  ASSERT_TRUE(outcome.config.has_value()) << Shown(outcome.problems);
  EXPECT_EQ(outcome.config->kafka.secret_properties.at("sasl.password").Reveal(), "kafka-canary");
  EXPECT_TRUE(outcome.config->kafka.properties.empty());
  EXPECT_EQ(outcome.config->redis.password.Reveal(), "redis-canary");
  EXPECT_EQ(outcome.config->redis.ledger_secret.Reveal(), "sixteen bytes ok");
}

TEST(Secrets, OfTheLedgerAreLongEnoughNotToBeGuessed) {
  const LoadOutcome outcome = Load(Draft().Set("[redis]", "ledger_secret = \"file:l\"").Text(),
                                   {{"/etc/l", "fifteen bytes.."}});
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_EQ(outcome.problems.front().key, "redis.ledger_secret");
  EXPECT_EQ(Shown(outcome.problems).find("fifteen"), std::string::npos);
}

struct BadReference {
  const char* reference;
  const char* what;
};

TEST(Secrets, ThatCannotBeFetchedAreAProblemWithoutTheirContent) {
  for (const BadReference& bad : {
           BadReference{"sk-canary", "must say where the secret is"},
           BadReference{"sk:canary", "must say where the secret is"},
           BadReference{"credential:none", "no such file"},
           BadReference{"credential:../canary", "the name of a systemd credential"},
           BadReference{"credential:", "the name of a systemd credential"},
           BadReference{"file:none", "no such file"},
           BadReference{"env:NONE", "not set"},
           BadReference{"file:empty", "the secret is empty"},
           BadReference{"file:lines", "control character"},
       }) {
    const Draft draft = WithKey(bad.reference);
    const LoadOutcome outcome =
        Load(draft.Text(), {{"/etc/empty", "\n"}, {"/etc/lines", "can\nary"}},
             {{"CREDENTIALS_DIRECTORY", "/run/credentials"}});
    ASSERT_EQ(outcome.problems.size(), 1U) << bad.reference << Shown(outcome.problems);
    EXPECT_EQ(outcome.problems.front().key, "providers.p.api_key");
    EXPECT_GT(outcome.problems.front().line, 0);
    EXPECT_THAT(outcome.problems.front().what, HasSubstr(bad.what));
    EXPECT_THAT(Shown(outcome.problems), Not(HasSubstr("canary")));
  }
}

TEST(Secrets, WithoutACredentialsDirectoryTellWhatToDo) {
  const LoadOutcome outcome = Load(WithKey("credential:openai").Text());
  ASSERT_EQ(outcome.problems.size(), 1U);
  EXPECT_THAT(outcome.problems.front().what, HasSubstr("LoadCredential=openai:PATH"));
}

TEST(Secrets, InTheWrongPlaceAreNotToldEither) {
  for (const Draft& draft :
       {Draft().Set("[providers.p]", "base_url = \"https://user:canary@h/v1\""),
        Draft().Set("[providers.p]", "proxy = \"http://user:canary@proxy:3128\""),
        Draft().Set("[redis]", "url = \"redis://:canary@h:6379\""),
        Draft().Set("[kafka.properties]", "ssl.key.password = \"canary\""),
        Draft().Set("[limits]", "concurrency = \"canary\""),
        Draft().Set("[providers.p]", "api = \"canary\"")}) {
    const LoadOutcome outcome = Load(draft.Text());
    EXPECT_FALSE(outcome.problems.empty());
    EXPECT_THAT(Shown(outcome.problems), Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace llmbatch::config
