#include "pipeline/waiting_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::pipeline {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
const model::TopicPartition kZero{.topic = "t", .partition = 0};
const model::TopicPartition kOne{.topic = "t", .partition = 1};

ArrivedItem ItemOf(std::uint64_t record, const std::string& job_id, std::int64_t offset,
                   const model::TopicPartition& partition = kZero, int second = 0) {
  ArrivedItem item;
  item.item.id = "at " + std::to_string(offset);
  item.item.job_id = job_id;
  item.origin = {.partition = partition, .offset = offset, .index = {}};
  item.envelope = std::make_shared<const Envelope>(
      Envelope{.record = RecordId{record}, .key = job_id, .headers = {}});
  item.since = kStart + std::chrono::seconds(second);
  return item;
}

std::vector<std::int64_t> OffsetsOf(const std::vector<ArrivedItem>& items) {
  std::vector<std::int64_t> offsets;
  for (const ArrivedItem& item : items) offsets.push_back(item.origin.offset);
  return offsets;
}

TEST(WaitingItems, GivesAJobItsItemsInTheOrderInWhichTheyWereWritten) {
  WaitingItems waiting;
  // One came back when its job was let go, after the others had come.
  waiting.Add(ItemOf(5, "j", 30));
  waiting.Add(ItemOf(6, "k", 31));
  waiting.Add(ItemOf(7, "j", 7));
  waiting.Add(ItemOf(8, "j", 9, kOne));
  EXPECT_THAT(OffsetsOf(waiting.TakeOf("j", kZero)), ElementsAre(7, 30));
  EXPECT_THAT(waiting.Of("j"), ElementsAre(RecordId{8}));
  EXPECT_EQ(waiting.size(), 2U);
  EXPECT_THAT(waiting.TakeOf("unknown", kZero), IsEmpty());
}

TEST(WaitingItems, GivesUpThoseThatHaveWaitedLongest) {
  WaitingItems waiting;
  waiting.Add(ItemOf(1, "j", 1, kZero, 10));
  waiting.Add(ItemOf(2, "j", 2, kZero, 5));
  waiting.Add(ItemOf(3, "k", 3, kZero, 20));
  EXPECT_THAT(OffsetsOf(waiting.TakeSince(kStart + std::chrono::seconds(10))), ElementsAre(2, 1));
  EXPECT_THAT(waiting.Of("j"), IsEmpty());
  EXPECT_EQ(waiting.size(), 1U);
}

TEST(WaitingItems, IsAskedForOneByItsRecord) {
  WaitingItems waiting;
  waiting.Add(ItemOf(1, "j", 1));
  ASSERT_NE(waiting.Find(RecordId{1}), nullptr);
  EXPECT_EQ(waiting.Find(RecordId{2}), nullptr);
  EXPECT_EQ(waiting.Take(RecordId{1})->item.id, "at 1");
  EXPECT_FALSE(waiting.Take(RecordId{1}).has_value());
  EXPECT_TRUE(waiting.empty());
  EXPECT_THAT(waiting.TakeSince(kStart), IsEmpty());
}

TEST(WaitingItems, ForgetsWhatIsNotOursAnyMore) {
  Partitions partitions({}, std::chrono::seconds(1));
  partitions.Assign({{.partition = kZero, .committed_offset = 0, .metadata = {}}});
  const ports::Record record{
      .partition = kZero, .offset = 0, .key = std::nullopt, .value = std::string(), .headers = {}};
  const auto ours = partitions.Begin(record, kStart);
  ASSERT_TRUE(ours.has_value());
  WaitingItems waiting;
  waiting.Add(ItemOf(ours->value, "j", 0));
  waiting.Add(ItemOf(ours->value + 1, "j", 1));
  waiting.DropForeign(partitions);
  EXPECT_THAT(waiting.Of("j"), ElementsAre(*ours));
}

}  // namespace
}  // namespace llmbatch::pipeline
