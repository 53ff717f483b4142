#include "wire/outcome.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace llmbatch::wire {
namespace {

model::ItemOutcome Answered() {
  return {.status = model::ResultStatus::kOk,
          .output_json = R"({"summary":"\u0000 ü","score":0.10})",
          .error = {},
          .source = model::ResultSource::kGenerated,
          .model = "openai/gpt-6-luna",
          .batch_id = "b-1",
          .usage = {.input_tokens = 100,
                    .cached_input_tokens = 50,
                    .cache_write_tokens = 30,
                    .output_tokens = 20,
                    .reasoning_tokens = 5},
          .cost = model::NanoUsd{4'215'000},
          .duration = std::chrono::nanoseconds(1'234'567'891)};
}

void ExpectRoundTrip(const model::ItemOutcome& outcome) {
  const std::string text = EncodeOutcome(outcome);
  const auto decoded = DecodeOutcome(text);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(*decoded, outcome) << text;
}

TEST(Outcome, ComesBackAsItWas) {
  ExpectRoundTrip(Answered());
  for (const auto source : {model::ResultSource::kGenerated, model::ResultSource::kCached,
                            model::ResultSource::kCoalesced, model::ResultSource::kExtracted}) {
    model::ItemOutcome outcome = Answered();
    outcome.source = source;
    ExpectRoundTrip(outcome);
  }
}

TEST(Outcome, KeepsHowTheAnswerWasRead) {
  model::ItemOutcome outcome = Answered();
  outcome.repair = "extracted";
  ExpectRoundTrip(outcome);
  outcome.repair = "fixed";
  outcome.repair_edits = 20'000;
  ExpectRoundTrip(outcome);
}

TEST(Outcome, AnUnknownCostStaysUnknown) {
  model::ItemOutcome outcome = Answered();
  outcome.cost.reset();
  ExpectRoundTrip(outcome);
  outcome.cost = model::NanoUsd{0};
  ExpectRoundTrip(outcome);
}

TEST(Outcome, KeepsWhatIsInDoubtOfTheCost) {
  model::ItemOutcome outcome = Answered();
  outcome.cost_in_doubt = model::NanoUsd{1};
  ExpectRoundTrip(outcome);
  outcome.cost_in_doubt.reset();
  ExpectRoundTrip(outcome);
}

TEST(Outcome, NothingIsInDoubtWhereNothingIsSaidOfIt) {
  const std::string text = EncodeOutcome(Answered());
  EXPECT_EQ(text.find("doubt"), std::string::npos) << text;
  const auto decoded = DecodeOutcome(text);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->cost_in_doubt, model::NanoUsd{});
}

TEST(Outcome, EveryKindOfOutputComesBack) {
  for (const char* output :
       {"null", "true", "12345678901234567890.10", "\"text\"", "[]", "{}", "[[[null]]]"}) {
    model::ItemOutcome outcome = Answered();
    outcome.output_json = output;
    ExpectRoundTrip(outcome);
  }
  model::ItemOutcome deepest = Answered();
  deepest.output_json = std::string(64, '[') + std::string(64, ']');
  ExpectRoundTrip(deepest);
}

TEST(Outcome, ErrorsComeBackWithEveryCode) {
  for (int code = 0; code <= static_cast<int>(model::ErrorCode::kInternal); ++code) {
    model::ItemOutcome outcome;
    outcome.error = model::ItemError{.code = static_cast<model::ErrorCode>(code),
                                     .message = "für Menschen \"1\"",
                                     .retryable = code % 2 == 0,
                                     .attempts = code};
    ExpectRoundTrip(outcome);
    outcome.status = model::ResultStatus::kFallback;
    outcome.output_json = R"({"label":"unknown"})";
    ExpectRoundTrip(outcome);
  }
}

std::string ErrorOf(std::string_view text) {
  const auto decoded = DecodeOutcome(text);
  return decoded ? "" : decoded.error().message;
}

std::string With(std::string_view from, std::string_view to) {
  std::string text = EncodeOutcome(Answered());
  const auto at = text.find(from);
  LLMBATCH_CHECK(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

TEST(Outcome, WhatIsNoOutcomeIsAnErrorThatNamesTheField) {
  EXPECT_EQ(ErrorOf(""), "not JSON at byte 0");
  EXPECT_EQ(ErrorOf("[]"), "message: must be of type object, is array");
  EXPECT_EQ(ErrorOf("{}"), "v: missing");
  EXPECT_EQ(ErrorOf(With("\"v\":1", "\"v\":2")), "v: a version that isn't known");
  EXPECT_EQ(ErrorOf(With("\"ok\"", "\"fine\"")), "status: not a name that is known");
  EXPECT_EQ(ErrorOf(With("\"ok\"", "\"error\"")), "error: missing");
  EXPECT_EQ(ErrorOf(With("\"output\":", "\"other\":")), "output: missing");
  EXPECT_EQ(ErrorOf(With("generated", "invented")), "source: not a name that is known");
  EXPECT_EQ(ErrorOf(With("\"usage\"", "\"used\"")), "usage: missing");
  EXPECT_EQ(ErrorOf(With(":100", ":-1")),
            "usage.input_tokens: must be from 0 to 9223372036854775807");
  EXPECT_EQ(ErrorOf(With("4215000", "\"4\"")), "cost_nanos: must be of type number, is string");
  EXPECT_EQ(ErrorOf(With("\"source\"", R"("error":{"code":"odd"},"source")")),
            "error.code: not a name that is known");
}

TEST(Outcome, EveryCutOfAnOutcomeIsAnError) {
  const std::string text = EncodeOutcome(Answered());
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(DecodeOutcome(text.substr(0, length)).ok()) << length;
  }
}

TEST(Outcome, FieldsOfALaterVersionAreIgnored) {
  EXPECT_EQ(ErrorOf(With("\"v\":1", "\"v\":1,\"new\":{}")), "");
}

}  // namespace
}  // namespace llmbatch::wire
