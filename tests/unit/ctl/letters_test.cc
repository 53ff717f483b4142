// Dead letters as an operator sees them.
#include "ctl/letters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "json/value.h"

namespace llmbatch::ctl {
namespace {

using testing::HasSubstr;
using testing::Not;

base::WallTime At(const char* text) { return *base::ParseRfc3339(text); }

ports::Record LetterRecord(std::string value = "not json", const char* topic = "llm.requests") {
  return {.partition = {.topic = "llm.dead-letters", .partition = 2},
          .offset = 17,
          .key = "k",
          .value = std::move(value),
          .headers = {{"authorization", "Bearer canary"},
                      {"traceparent", "t"},
                      {"dlq-reason", "not_json"},
                      {"dlq-detail", "not JSON at byte 0"},
                      {"dlq-topic", topic},
                      {"dlq-partition", "3"},
                      {"dlq-offset", "1042"},
                      {"dlq-attempts", "1"},
                      {"dlq-at", "2026-11-21T07:51:21.042Z"}}};
}

config::Kafka Kafka() {
  config::Kafka kafka;
  kafka.bindings = {{.topic = "support.tickets", .task = "triage"}};
  return kafka;
}

Letter Described(const ports::Record& record) {
  const config::Kafka kafka = Kafka();
  Sources sources(kafka);
  return Describe(record, sources);
}

TEST(Place, IsWrittenAndRead) {
  EXPECT_EQ(ParsePlace("3@1042"), (Place{.partition = 3, .offset = 1042}));
  EXPECT_EQ(ToString(Place{.partition = 3, .offset = 1042}), "3@1042");
  for (const char* bad :
       {"", "@", "3", "3@", "@4", "-1@4", "1@-4", "3@4x", "4294967296@0", " 1@2"}) {
    EXPECT_EQ(ParsePlace(bad), std::nullopt) << bad;
  }
}

TEST(Describe, FindsTheTaskInTheMessageOrByItsTopic) {
  struct Row {
    const char* value;
    const char* topic;
    const char* task;
  };
  for (const Row& row : {
           Row{R"({"kind":"item","id":7,"task":"analyze"})", "llm.requests", "analyze"},
           Row{"not json", "llm.requests", ""},
           Row{"[1]", "llm.requests", ""},
           Row{R"({"task":7})", "llm.requests", ""},
           Row{"\xff", "support.tickets", "triage"},
       }) {
    EXPECT_EQ(Described(LetterRecord(row.value, row.topic)).task, row.task) << row.value;
  }
}

TEST(Describe, TellsWhatStandsInTheWayOfAReplay) {
  EXPECT_EQ(Described(LetterRecord()).obstacle, "");
  EXPECT_EQ(Described(LetterRecord("x", "support.tickets")).obstacle, "");
  EXPECT_EQ(Described(LetterRecord("x", "payments")).obstacle,
            "the configuration reads no topic 'payments'");

  ports::Record cut = LetterRecord();
  cut.value.reset();
  cut.headers.push_back({"dlq-size", "9000000"});
  EXPECT_EQ(Described(cut).obstacle, "the record's value didn't fit into it");

  ports::Record foreign = LetterRecord();
  foreign.headers.clear();
  EXPECT_EQ(Described(foreign).obstacle, "it doesn't tell where the record came from");
}

TEST(Sources, KnowTopicsByRegularExpression) {
  config::Kafka kafka = Kafka();
  kafka.requests = {"^llm\\.requests\\..*"};
  Sources sources(kafka);
  for (int repeat = 0; repeat < 2; ++repeat) {
    EXPECT_TRUE(sources.Reads("llm.requests.eu"));
    EXPECT_FALSE(sources.Reads("llm.requests"));
    EXPECT_TRUE(sources.Reads("support.tickets"));
  }
}

TEST(Matches, EveryPartOfTheFilterMustHold) {
  const Letter letter = Described(LetterRecord(R"({"task":"analyze","id":7})"));
  const auto passes = [&](const LetterFilter& filter) { return Matches(letter, filter); };
  EXPECT_TRUE(passes({}));
  EXPECT_TRUE(passes({.reason = "not_json", .task = "analyze"}));
  EXPECT_FALSE(passes({.reason = "not_json", .task = "other"}));
  EXPECT_FALSE(passes({.reason = "not"}));
  EXPECT_TRUE(passes({.since = At("2026-11-21T07:51:21.042Z")}));
  EXPECT_FALSE(passes({.since = At("2026-11-21T07:51:21.043Z")}));
  EXPECT_TRUE(passes({.until = At("2026-11-21T07:51:21.043Z")}));
  EXPECT_FALSE(passes({.until = At("2026-11-21T07:51:21.042Z")}));
  EXPECT_TRUE(passes({.places = {{2, 17}, {0, 0}}}));
  EXPECT_FALSE(passes({.places = {{2, 18}}}));
}

TEST(Matches, ALetterWithoutATimePassesNoFilterOfTimes) {
  Letter letter = Described(LetterRecord());
  letter.info.at.reset();
  EXPECT_TRUE(Matches(letter, {.reason = "not_json"}));
  EXPECT_FALSE(Matches(letter, {.since = At("1990-01-01T00:00:00Z")}));
  EXPECT_FALSE(Matches(letter, {.until = At("2100-01-01T00:00:00Z")}));
}

TEST(OldestLetters, KeepsTheOldestInOrder) {
  OldestLetters oldest(3);
  const auto add = [&](std::int64_t offset, const char* at) {
    Letter letter;
    letter.place = {.partition = 0, .offset = offset};
    letter.info.at = At(at);
    oldest.Add(std::move(letter));
  };
  add(1, "2026-01-03T00:00:00Z");
  add(2, "2026-01-01T00:00:00Z");
  add(3, "2026-01-04T00:00:00Z");
  add(5, "2026-01-02T00:00:00Z");
  add(4, "2026-01-02T00:00:00Z");
  EXPECT_EQ(oldest.left_out(), 2U);
  std::vector<std::int64_t> offsets;
  for (const Letter& letter : oldest.Take()) offsets.push_back(letter.place.offset);
  EXPECT_EQ(offsets, (std::vector<std::int64_t>{2, 4, 5}));
}

TEST(TableOf, HasOneLineALetter) {
  EXPECT_EQ(TableOf({Described(LetterRecord())}),
            "PLACE  TIME                      REASON    ORIGIN               SIZE  TASK  REPLAY\n"
            "2@17   2026-11-21T07:51:21.042Z  not_json  llm.requests/3/1042  8 B         yes\n");
}

TEST(TableOf, DoesATerminalNoHarm) {
  ports::Record record = LetterRecord();
  for (model::Header& header : record.headers) {
    if (header.name == "dlq-reason") header.value = "\x1b[2J";
  }
  EXPECT_THAT(TableOf({Described(record)}), Not(HasSubstr("\x1b")));
}

TEST(JsonOf, TellsTheSameAsTheTable) {
  EXPECT_EQ(JsonOf(Described(LetterRecord())),
            R"({"partition":2,"offset":17,"at":"2026-11-21T07:51:21.042Z","reason":"not_json",)"
            R"("detail":"not JSON at byte 0",)"
            R"("origin":{"topic":"llm.requests","partition":3,"offset":1042},)"
            R"("attempts":1,"bytes":8,"replayable":true})");
}

TEST(PageOf, HasHeadersWithoutCredentialsAndNeverTheValue) {
  const ports::Record record = LetterRecord("the value");
  const std::string page = PageOf(Described(record), record);
  EXPECT_THAT(page, HasSubstr("header    traceparent: t\n"));
  EXPECT_THAT(page, HasSubstr("header    authorization: (hidden)\n"));
  EXPECT_THAT(page, Not(HasSubstr("the value")));
}

TEST(JsonPageOf, IsJsonWhateverTheBytes) {
  ports::Record record = LetterRecord(std::string("\0\xff", 2));
  record.key = "\xfe";
  record.headers.push_back({"bytes", "\xfd"});
  const auto page = json::Document::Parse(JsonPageOf(Described(record), record, Detail::kWhole));
  ASSERT_TRUE(page.ok()) << page.error().message;
  EXPECT_EQ(page->root().Find("key_base64")->AsString(), "/g==");
  EXPECT_EQ(page->root().Find("value_base64")->AsString(), "AP8=");
  EXPECT_THAT(page->root().ToJson(), HasSubstr("Bearer canary"));

  const std::string masked = JsonPageOf(Described(record), record, Detail::kMasked);
  EXPECT_THAT(masked, Not(HasSubstr("canary")));
  EXPECT_THAT(masked, Not(HasSubstr("AP8=")));
}

}  // namespace
}  // namespace llmbatch::ctl
