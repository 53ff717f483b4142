#include "wire/dead_letter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"

namespace llmbatch::wire {
namespace {

ports::Record BadRecord() {
  return {.partition = {.topic = "llm.requests", .partition = 3},
          .offset = 1042,
          .key = std::string("k\0\xFF", 3),
          .value = std::string("\xFF\0not json", 10),
          .headers = {{"traceparent", "t"}, {"traceparent", std::string("\0\x80", 2)}}};
}

DeadLetter Encoded(const ports::Record& record, std::size_t max_bytes = 8U << 20) {
  return EncodeDeadLetter(record, "not_json", "not JSON at byte 0",
                          {.at = *base::ParseRfc3339("2026-11-21T07:51:21.042Z"),
                           .attempts = 2,
                           .max_bytes = max_bytes,
                           .sha256_hex = "abc123"});
}

std::optional<std::string> HeaderOf(const DeadLetter& letter, std::string_view name) {
  const auto found = std::find_if(letter.headers.begin(), letter.headers.end(),
                                  [name](const auto& header) { return header.name == name; });
  return found == letter.headers.end() ? std::nullopt : std::optional(found->value);
}

TEST(DeadLetter, KeepsTheRecordAsItCame) {
  const ports::Record record = BadRecord();
  const DeadLetter letter = Encoded(record);
  EXPECT_EQ(letter.key, record.key);
  EXPECT_EQ(letter.value, record.value);
  ASSERT_GE(letter.headers.size(), 2U);
  EXPECT_EQ(letter.headers[0], record.headers[0]);
  EXPECT_EQ(letter.headers[1], record.headers[1]);
}

TEST(DeadLetter, TellsWhereItCameFromAndWhy) {
  const DeadLetter letter = Encoded(BadRecord());
  EXPECT_EQ(HeaderOf(letter, "dlq-reason"), "not_json");
  EXPECT_EQ(HeaderOf(letter, "dlq-detail"), "not JSON at byte 0");
  EXPECT_EQ(HeaderOf(letter, "dlq-topic"), "llm.requests");
  EXPECT_EQ(HeaderOf(letter, "dlq-partition"), "3");
  EXPECT_EQ(HeaderOf(letter, "dlq-offset"), "1042");
  EXPECT_EQ(HeaderOf(letter, "dlq-attempts"), "2");
  EXPECT_EQ(HeaderOf(letter, "dlq-at"), "2026-11-21T07:51:21.042Z");
  EXPECT_EQ(HeaderOf(letter, "dlq-size"), std::nullopt);
  EXPECT_EQ(HeaderOf(letter, "dlq-headers-dropped"), std::nullopt);
}

TEST(DeadLetter, ReplacesTheTracesOfAnEarlierOne) {
  ports::Record record = BadRecord();
  record.headers = {
      {"dlq-reason", "old"}, {"dlq-size", "1"}, {"llmbatch-id", "x"}, {"llmbatch-origin", "t/0/1"}};
  const DeadLetter letter = Encoded(record);
  EXPECT_EQ(HeaderOf(letter, "dlq-reason"), "not_json");
  EXPECT_EQ(HeaderOf(letter, "dlq-size"), std::nullopt);
  EXPECT_EQ(HeaderOf(letter, "llmbatch-id"), std::nullopt);
  EXPECT_EQ(HeaderOf(letter, "llmbatch-origin"), "t/0/1");
}

TEST(DeadLetter, NullKeyAndValueStayNull) {
  ports::Record record = BadRecord();
  record.key.reset();
  record.value.reset();
  const DeadLetter letter = Encoded(record);
  EXPECT_EQ(letter.key, std::nullopt);
  EXPECT_EQ(letter.value, std::nullopt);
  EXPECT_EQ(HeaderOf(letter, "dlq-size"), std::nullopt);
}

TEST(DeadLetter, AValueThatDoesNotFitIsNamedBySizeAndHash) {
  ports::Record record = BadRecord();
  record.value = std::string(5'000, 'x');
  const DeadLetter letter = Encoded(record, 2'000);
  EXPECT_EQ(letter.value, std::nullopt);
  EXPECT_EQ(letter.key, record.key);
  EXPECT_EQ(HeaderOf(letter, "dlq-size"), "5000");
  EXPECT_EQ(HeaderOf(letter, "dlq-sha256"), "abc123");
  EXPECT_EQ(HeaderOf(letter, "traceparent"), "t");
}

TEST(DeadLetter, AValueThatIsNotKeptIsNamedLikeOneThatDoesNotFit) {
  const ports::Record record = BadRecord();
  const DeadLetter letter =
      EncodeDeadLetter(record, "result_too_large", "", {.sha256_hex = "abc", .keeps_value = false});
  EXPECT_EQ(letter.value, std::nullopt);
  EXPECT_EQ(letter.key, record.key);
  EXPECT_EQ(HeaderOf(letter, "dlq-size"), "10");
  EXPECT_EQ(HeaderOf(letter, "dlq-sha256"), "abc");
  EXPECT_EQ(HeaderOf(letter, "dlq-offset"), "1042");
}

TEST(DeadLetter, HeadersAndKeyGoLast) {
  ports::Record record = BadRecord();
  record.headers.push_back({"huge", std::string(5'000, 'x')});
  const DeadLetter without_headers = Encoded(record, 2'000);
  EXPECT_EQ(HeaderOf(without_headers, "traceparent"), std::nullopt);
  EXPECT_EQ(HeaderOf(without_headers, "dlq-headers-dropped"), "3");
  EXPECT_EQ(HeaderOf(without_headers, "dlq-offset"), "1042");
  EXPECT_EQ(without_headers.key, record.key);

  record.key = std::string(5'000, 'k');
  const DeadLetter without_key = Encoded(record, 2'000);
  EXPECT_EQ(without_key.key, std::nullopt);
  EXPECT_EQ(HeaderOf(without_key, "dlq-key-dropped"), "5000");
}

TEST(DeadLetter, ALongDetailIsCutBetweenCharacters) {
  std::string detail;
  for (int i = 0; i < 1'000; ++i) detail += "\xE2\x82\xAC";
  const DeadLetter letter = EncodeDeadLetter(BadRecord(), "not_json", detail, {});
  const std::string cut = HeaderOf(letter, "dlq-detail").value_or("");
  EXPECT_EQ(cut.size(), 1'023U);
  EXPECT_TRUE(base::IsUtf8(cut));
}

// As it stands on the dead letters' topic.
ports::Record Published(const DeadLetter& letter) {
  ports::Record record{.partition = {.topic = "llm.dead-letters", .partition = 1},
                       .offset = 7,
                       .key = letter.key,
                       .value = letter.value,
                       .headers = letter.headers};
  record.headers.push_back({"llmbatch-id", "0123"});
  return record;
}

TEST(ReadDeadLetter, GivesBackWhatWasTold) {
  const DeadLetterInfo info = ReadDeadLetter(Published(Encoded(BadRecord())));
  EXPECT_EQ(info.reason, "not_json");
  EXPECT_EQ(info.detail, "not JSON at byte 0");
  ASSERT_TRUE(info.origin.has_value());
  EXPECT_EQ(ToString(*info.origin), "llm.requests/3/1042");
  EXPECT_EQ(info.attempts, 2);
  EXPECT_EQ(info.at, base::ParseRfc3339("2026-11-21T07:51:21.042Z"));
  EXPECT_EQ(info.value_bytes, 10);
  EXPECT_EQ(info.missing, "");
}

TEST(ReadDeadLetter, TellsWhatDidNotFit) {
  ports::Record record = BadRecord();
  record.value = std::string(5'000, 'x');
  const DeadLetterInfo info = ReadDeadLetter(Published(Encoded(record, 2'000)));
  EXPECT_EQ(info.missing, "value");
  EXPECT_EQ(info.value_bytes, 5'000);

  record.value.reset();
  record.headers = {{"huge", std::string(5'000, 'x')}};
  EXPECT_EQ(ReadDeadLetter(Published(Encoded(record, 2'000))).missing, "headers");
  record.headers = {};
  record.key = std::string(5'000, 'k');
  EXPECT_EQ(ReadDeadLetter(Published(Encoded(record, 2'000))).missing, "key");
}

TEST(ReadDeadLetter, LeavesEmptyWhatMakesNoSense) {
  ports::Record record;
  EXPECT_EQ(ReadDeadLetter(record).origin, std::nullopt);
  for (const model::Header& bad :
       std::vector<model::Header>{{"dlq-topic", "a/b"},
                                  {"dlq-topic", ""},
                                  {"dlq-partition", "-1"},
                                  {"dlq-partition", "4294967296"},
                                  {"dlq-offset", "1x"},
                                  {"dlq-offset", "99999999999999999999"}}) {
    record = Published(Encoded(BadRecord()));
    for (model::Header& header : record.headers) {
      if (header.name == bad.name) header.value = bad.value;
    }
    EXPECT_EQ(ReadDeadLetter(record).origin, std::nullopt) << bad.name << " " << bad.value;
    EXPECT_FALSE(ReplayOf(record).ok());
  }
}

TEST(ReplayOf, IsTheRecordAsItCameWithItsIdentity) {
  const ports::Record record = BadRecord();
  const auto replay = ReplayOf(Published(Encoded(record)));
  ASSERT_TRUE(replay.ok());
  EXPECT_EQ(replay->topic, "llm.requests");
  EXPECT_EQ(replay->key, record.key);
  EXPECT_EQ(replay->value, record.value);
  auto headers = record.headers;
  headers.push_back({"llmbatch-origin", "llm.requests/3/1042"});
  EXPECT_EQ(replay->headers, headers);
}

TEST(ReplayOf, ATombstoneStaysOne) {
  ports::Record record = BadRecord();
  record.value.reset();
  const auto replay = ReplayOf(Published(Encoded(record)));
  ASSERT_TRUE(replay.ok());
  EXPECT_EQ(replay->value, std::nullopt);
}

TEST(ReplayOf, KeepsTheIdentityOfAnEarlierReplay) {
  ports::Record record = BadRecord();
  record.headers = {{"llmbatch-origin", "first/0/1"}};
  const auto replay = ReplayOf(Published(Encoded(record)));
  ASSERT_TRUE(replay.ok());
  EXPECT_EQ(replay->headers, record.headers);
}

TEST(ReplayOf, ReplacesAnIdentityThatIsNone) {
  ports::Record record = BadRecord();
  record.headers = {{"llmbatch-origin", "anything"}, {"a", "b"}};
  const auto replay = ReplayOf(Published(Encoded(record)));
  ASSERT_TRUE(replay.ok());
  const std::vector<model::Header> expected{{"a", "b"}, {"llmbatch-origin", "llm.requests/3/1042"}};
  EXPECT_EQ(replay->headers, expected);
}

TEST(ReplayOf, RefusesALetterThatIsNotWhole) {
  ports::Record record = BadRecord();
  record.value = std::string(5'000, 'x');
  const auto replay = ReplayOf(Published(Encoded(record, 2'000)));
  ASSERT_FALSE(replay.ok());
  EXPECT_EQ(replay.error().kind, base::ErrorKind::kTooLarge);
  EXPECT_EQ(replay.error().message, "the record's value didn't fit into it");
}

}  // namespace
}  // namespace llmbatch::wire
