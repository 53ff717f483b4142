#include "pipeline/outbox.h"

#include <gtest/gtest.h>

namespace llmbatch::pipeline {
namespace {

using std::chrono::milliseconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr admission::BackoffOptions kBackoff{.first = milliseconds(100),
                                             .longest = milliseconds(400)};
const model::TopicPartition kPartition{.topic = "t", .partition = 0};

ports::Message Hello() {
  return {.topic = "out", .key = "k", .value = "hello", .headers = {{.name = "h", .value = "v"}}};
}

const ports::PublishRecord& Publish(const ports::Command& command) {
  return std::get<ports::PublishRecord>(command);
}
const ports::Message& MessageOf(const ports::Command& command) { return *Publish(command).message; }

ports::RecordPublished Taken(const ports::Command& command) {
  return {.publish = Publish(command).publish, .outcome = {}};
}
ports::RecordPublished Failed(const ports::Command& command,
                              base::ErrorKind kind = base::ErrorKind::kUnavailable) {
  return {.publish = Publish(command).publish, .outcome = base::MakeError(kind, "simulated")};
}

TEST(Outbox, KeepsAMessageUntilItIsAcknowledged) {
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(RecordId{7}, Hello(), out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(MessageOf(out[0]).topic, "out");
  EXPECT_EQ(MessageOf(out[0]).key, "k");
  EXPECT_EQ(MessageOf(out[0]).value, "hello");
  EXPECT_EQ(MessageOf(out[0]).headers, Hello().headers);
  EXPECT_FALSE(outbox.empty());
  const auto report = outbox.OnPublished(Taken(out[0]), kStart, rng);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->fate, Outbox::Fate::kAcknowledged);
  EXPECT_EQ(report->record, RecordId{7});
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, DoesNotKnowOtherPublishes) {
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(RecordId{7}, Hello(), out);
  static_cast<void>(outbox.OnPublished(Taken(out[0]), kStart, rng));
  EXPECT_FALSE(outbox.OnPublished(Taken(out[0]), kStart, rng).has_value());
  EXPECT_FALSE(outbox.OnPublished({.publish = {99}, .outcome = {}}, kStart, rng).has_value());
}

TEST(Outbox, PublishesTheSameAgainUnderAnotherIdWhenItIsDue) {
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(RecordId{7}, Hello(), out);
  const auto report = outbox.OnPublished(Failed(out[0]), kStart, rng);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->fate, Outbox::Fate::kRetrying);
  EXPECT_FALSE(outbox.empty());
  const auto due = outbox.Deadline();
  ASSERT_TRUE(due.has_value());
  EXPECT_LE(*due, kStart + milliseconds(100));

  ports::Commands again;
  outbox.Retry(*due - milliseconds(1), again);
  EXPECT_TRUE(again.empty());
  outbox.Retry(*due, again);
  ASSERT_EQ(again.size(), 1U);
  EXPECT_NE(Publish(again[0]).publish, Publish(out[0]).publish);
  EXPECT_EQ(MessageOf(again[0]).value, "hello");
  EXPECT_EQ(MessageOf(again[0]).headers, Hello().headers);
  EXPECT_EQ(outbox.Deadline(), std::nullopt);
}

TEST(Outbox, NeverGivesUp) {
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(RecordId{7}, Hello(), out);
  base::Timestamp now = kStart;
  for (const base::ErrorKind kind : {base::ErrorKind::kDenied, base::ErrorKind::kNotFound,
                                     base::ErrorKind::kTimeout, base::ErrorKind::kInvalid}) {
    static_cast<void>(outbox.OnPublished(Failed(out.back(), kind), now, rng));
    ASSERT_TRUE(outbox.Deadline().has_value());
    EXPECT_LE(*outbox.Deadline(), now + kBackoff.longest);
    now = *outbox.Deadline();
    outbox.Retry(now, out);
  }
  EXPECT_EQ(out.size(), 5U);
}

TEST(Outbox, GivesBackWhatIsTooLarge) {
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(RecordId{7}, Hello(), out);
  const auto report = outbox.OnPublished(Failed(out[0], base::ErrorKind::kTooLarge), kStart, rng);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->fate, Outbox::Fate::kTooLarge);
  EXPECT_EQ(report->message->topic, "out");
  EXPECT_EQ(report->message->value, "hello");
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, DropsWhatWaitsForAnotherAttemptAndIsNoLongerOurs) {
  Partitions partitions({}, std::chrono::seconds(1));
  partitions.Assign({{.partition = kPartition, .committed_offset = 0, .metadata = {}}});
  const auto ours = partitions.Begin(
      {.partition = kPartition, .offset = 0, .key = {}, .value = {}, .headers = {}}, kStart);
  ASSERT_TRUE(ours.has_value());
  Outbox outbox(kBackoff);
  base::Rng rng(1);
  ports::Commands out;
  outbox.Publish(*ours, Hello(), out);
  outbox.Publish(RecordId{99}, Hello(), out);
  for (const ports::Command& command : out)
    static_cast<void>(outbox.OnPublished(Failed(command), kStart, rng));

  outbox.DropForeign(partitions);
  ports::Commands again;
  outbox.Retry(kStart + milliseconds(400), again);
  ASSERT_EQ(again.size(), 1U);
  const auto report = outbox.OnPublished(Taken(again[0]), kStart, rng);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->record, *ours);
  EXPECT_TRUE(outbox.empty());
}

}  // namespace
}  // namespace llmbatch::pipeline
