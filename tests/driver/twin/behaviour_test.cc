#include "twin/behaviour.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::twin {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string ErrorOf(std::string_view script) {
  const auto behaviour = ParseScript(script, Behaviour{});
  return behaviour ? "" : behaviour.error().message;
}

base::Duration LatencyOf(std::string_view text) {
  base::Rng rng(1);
  const auto latency = Latency::Parse(text);
  return latency ? latency->Draw(rng) : base::Duration(-1);
}

TEST(ParseScript, ReadsSettingsAsNumbersTextsAndObjects) {
  const auto behaviour = ParseScript(
      R"({"requests_per_minute":60,"concurrency":"5","retry_after_seconds":1.5,"chars_per_token":3,
          "latency":"uniform:50-200","error_rate":{"429":0.1,"reset":0.2},"answer_fault":"missing=0.5"})",
      Behaviour{});
  ASSERT_TRUE(behaviour.ok()) << behaviour.error().message;
  EXPECT_EQ(behaviour->limits.requests_per_minute, 60U);
  EXPECT_EQ(behaviour->limits.concurrency, 5U);
  EXPECT_EQ(behaviour->retry_after_seconds, 1.5);
  EXPECT_EQ(behaviour->chars_per_token, 3);
  EXPECT_EQ(behaviour->answer_fault.missing_rate(), 0.5);
}

TEST(ParseScript, ReadsStepsAndRules) {
  const auto behaviour = ParseScript(
      R"({"next":[{"fault":"429","retry_after_seconds":2},{"fault":"timeout","times":3},{"answer":"hi","latency_ms":7}],
          "match":[{"text_contains":"poison","fault":"content_filter"}]})",
      Behaviour{});
  ASSERT_TRUE(behaviour.ok()) << behaviour.error().message;
  ASSERT_THAT(behaviour->next, SizeIs(3));
  EXPECT_EQ(behaviour->next[0].fault, (Fault{.kind = FaultKind::kStatus, .status = 429}));
  EXPECT_EQ(behaviour->next[0].retry_after_seconds, 2);
  EXPECT_EQ(behaviour->next[1].times, 3U);
  EXPECT_EQ(behaviour->next[2].answer, "hi");
  EXPECT_EQ(behaviour->next[2].latency_ms, 7);
  ASSERT_THAT(behaviour->match, SizeIs(1));
  EXPECT_EQ(behaviour->match[0].text_contains, "poison");
  EXPECT_EQ(behaviour->match[0].step.times, 0U);
}

TEST(ParseScript, KeepsWhatItDoesNotName) {
  const auto behaviour = ParseScript(R"({"seed":7})", Behaviour{.context_window = 100});
  ASSERT_TRUE(behaviour.ok());
  EXPECT_EQ(behaviour->context_window, 100U);
  EXPECT_EQ(behaviour->seed, 7U);
}

TEST(ParseScript, NamesTheKeyThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"concurency":5})", "concurency: no such setting"},
      {R"({"concurrency":-1})", "concurrency: "},
      {R"({"concurrency":[1]})", "concurrency: "},
      {R"({"latency":"fast"})", "latency: "},
      {R"({"latency_ms":1e400})", ""},
      {R"({"chars_per_token":0})", "chars_per_token: "},
      {R"({"error_rate":{"429":1.5}})", "error_rate: "},
      {R"({"error_rate":{"429":0.6,"500":0.6}})", "add up"},
      {R"({"error_rate":"truncated=0.1"})", "answer_fault"},
      {R"({"answer_fault":"429=0.1"})", "error_rate"},
      {R"({"error_rate":"missing=0.1"})", "answer_fault"},
      {R"({"error_rate":{"explode":0.1}})", "no such fault"},
      {R"({"error_rate":{"200":0.1}})", "400-599"},
      {R"({"next":{}})", "next: "},
      {R"({"next":[{"falt":"429"}]})", "falt"},
      {R"({"next":[{"fault":"concurrency"}]})", "fault"},
      {R"({"next":[{"text_contains":"x"}]})", "match"},
      {R"({"match":[{"fault":"429"}]})", "text_contains"},
      {R"({"match":[7]})", "match: "},
      {R"([])", "object"},
      {R"({)", "JSON"}};
  for (const auto& [script, part] : cases) {
    EXPECT_FALSE(ErrorOf(script).empty()) << script;
    EXPECT_THAT(ErrorOf(script), HasSubstr(part)) << script;
  }
}

TEST(Latency, DrawsFromTheDistributionItWasTold) {
  EXPECT_EQ(LatencyOf("fixed:200"), std::chrono::milliseconds(200));
  base::Rng rng(1);
  const auto uniform = Latency::Parse("uniform:50-200");
  const auto lognormal = Latency::Parse("lognormal:200,0.5");
  ASSERT_TRUE(uniform && lognormal);
  int below_median = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto drawn = uniform->Draw(rng);
    EXPECT_TRUE(drawn >= std::chrono::milliseconds(50) && drawn <= std::chrono::milliseconds(200));
    if (lognormal->Draw(rng) < std::chrono::milliseconds(200)) ++below_median;
  }
  EXPECT_NEAR(below_median, 500, 60);
}

TEST(Latency, RefusesEverythingElse) {
  for (const char* text :
       {"", "200", "fixed:", "fixed:-1", "fixed:1,2", "uniform:5", "uniform:9-5", "lognormal:200",
        "lognormal:1,99", "normal:1,2", "fixed:nan", "fixed:1e9"}) {
    EXPECT_FALSE(Latency::Parse(text).ok()) << text;
  }
}

TEST(FaultRates, DrawAsOftenAsTold) {
  const auto rates = FaultRates::Parse("429=0.1,reset=0.3");
  ASSERT_TRUE(rates.ok());
  base::Rng rng(3);
  int limited = 0;
  int reset = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Fault fault = rates->Draw(rng);
    limited += fault.kind == FaultKind::kStatus ? 1 : 0;
    reset += fault.kind == FaultKind::kReset ? 1 : 0;
  }
  EXPECT_NEAR(limited, 1000, 150);
  EXPECT_NEAR(reset, 3000, 250);
}

TEST(Fault, IsReadByTheNameItIsWrittenWith) {
  for (const char* name : {"none",
                           "429",
                           "503",
                           "insufficient_quota",
                           "context_length_exceeded",
                           "slow_down",
                           "timeout",
                           "stall",
                           "reset",
                           "close_mid_body",
                           "half_close",
                           "truncated",
                           "garbled",
                           "fenced",
                           "prose",
                           "missing",
                           "swapped",
                           "duplicated",
                           "foreign",
                           "empty",
                           "refusal",
                           "content_filter",
                           "no_usage",
                           "error_in_200"}) {
    const auto fault = ParseFault(name);
    ASSERT_TRUE(fault.ok()) << name;
    EXPECT_EQ(FaultName(*fault), name);
  }
}

}  // namespace
}  // namespace llmbatch::twin
