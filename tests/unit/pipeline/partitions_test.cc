#include "pipeline/partitions.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "offsets/done_map.h"

namespace llmbatch::pipeline {
namespace {

using std::chrono::milliseconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr base::Duration kInterval = std::chrono::seconds(1);
const model::TopicPartition kZero{.topic = "t", .partition = 0};
const model::TopicPartition kOne{.topic = "t", .partition = 1};

// The partitions 0 and 1, from offset 0 on.
Partitions TwoPartitions(Limits limits = {}) {
  Partitions partitions(limits, kInterval);
  partitions.Assign({{.partition = kZero, .committed_offset = 0, .metadata = {}},
                     {.partition = kOne, .committed_offset = 0, .metadata = {}}});
  return partitions;
}

ports::Record RecordAt(const model::TopicPartition& partition, std::int64_t offset,
                       std::size_t bytes = 0) {
  return {.partition = partition,
          .offset = offset,
          .key = std::nullopt,
          .value = std::string(bytes, 'x'),
          .headers = {}};
}

RecordId Begin(Partitions& partitions, const model::TopicPartition& partition, std::int64_t offset,
               std::size_t bytes = 0) {
  const auto id = partitions.Begin(RecordAt(partition, offset, bytes), kStart);
  EXPECT_TRUE(id.has_value());
  return id.value_or(RecordId{});
}

// "t/0@4", with "[5,7)" for what is done above it, for each offset of a commit.
std::string Text(const std::optional<ports::CommitOffsets>& commit) {
  std::string text;
  for (const ports::PartitionOffset& each :
       commit ? commit->offsets : std::vector<ports::PartitionOffset>()) {
    text += (text.empty() ? "" : " ") + each.partition.topic + "/" +
            std::to_string(each.partition.partition) + "@" + std::to_string(each.offset);
    const auto done = offsets::DecodeDoneMap(each.offset, each.metadata);
    EXPECT_TRUE(done.has_value());
    for (const offsets::OffsetRange& range : done.value_or(offsets::DoneRanges())) {
      text += "[" + std::to_string(range.begin) + "," + std::to_string(range.end) + ")";
    }
  }
  return text;
}

// "pause 0", "resume 0 1", for each command.
std::string Flow(Partitions& partitions) {
  std::string text;
  const auto add = [&text](const char* verb, const std::vector<model::TopicPartition>& names) {
    text += verb;
    for (const model::TopicPartition& name : names) text += " " + std::to_string(name.partition);
  };
  for (const ports::Command& command : partitions.FlowControl()) {
    if (const auto* pause = std::get_if<ports::PausePartitions>(&command))
      add("pause", pause->partitions);
    if (const auto* resume = std::get_if<ports::ResumePartitions>(&command))
      add("resume", resume->partitions);
  }
  return text;
}

TEST(Partitions, TellsHowFullTheFullestDoneMapIs) {
  Partitions partitions = TwoPartitions();
  EXPECT_EQ(partitions.DoneMapFill(), 0);
  const std::string short_map(64, 'A');
  const std::string long_map(offsets::kMaxMetadataBytes / 2, 'A');
  Partitions taken({}, kInterval);
  taken.Assign({{.partition = kZero, .committed_offset = 5, .metadata = long_map},
                {.partition = kOne, .committed_offset = 5, .metadata = short_map}});
  EXPECT_EQ(taken.DoneMapFill(), 0.5);
}

TEST(Partitions, KnowsThatARecordWasReadBeforeByWhatIsDoneBehindIt) {
  Partitions partitions({}, kInterval);
  partitions.Assign({{.partition = kZero,
                      .committed_offset = 5,
                      .metadata = offsets::EncodeDoneMap(5, {{.begin = 7, .end = 8}})}});
  EXPECT_TRUE(partitions.WasReadBefore(kZero, 5));
  EXPECT_TRUE(partitions.WasReadBefore(kZero, 6));
  EXPECT_FALSE(partitions.WasReadBefore(kZero, 8));
  EXPECT_FALSE(partitions.WasReadBefore(kOne, 5));
}

TEST(Partitions, TakesOnlyWhatIsOursAndOnlyOnce) {
  Partitions partitions = TwoPartitions();
  EXPECT_FALSE(partitions.Begin(RecordAt({.topic = "t", .partition = 2}, 0), kStart).has_value());
  EXPECT_TRUE(partitions.Begin(RecordAt(kZero, 0), kStart).has_value());
  EXPECT_FALSE(partitions.Begin(RecordAt(kZero, 0), kStart).has_value());
  EXPECT_EQ(partitions.open_records(), 1U);
}

TEST(Partitions, ARecordIsFinishedWithTheLastOfItsMessages) {
  Partitions partitions = TwoPartitions();
  const RecordId record = Begin(partitions, kZero, 0);
  partitions.Expect(record, 2);
  partitions.Acknowledge(record);
  partitions.Acknowledge(record);
  EXPECT_FALSE(partitions.NextCommit({1}, kStart).has_value());
  EXPECT_TRUE(partitions.Owns(record));
  partitions.Acknowledge(record);
  EXPECT_FALSE(partitions.Owns(record));
  EXPECT_EQ(Text(partitions.NextCommit({2}, kStart)), "t/0@1");
}

TEST(Partitions, CommitsUpToTheLowestOpenRecord) {
  Partitions partitions = TwoPartitions();
  Begin(partitions, kZero, 0);
  const RecordId second = Begin(partitions, kZero, 1);
  const RecordId other = Begin(partitions, kOne, 0);
  partitions.Acknowledge(second);
  partitions.Acknowledge(other);
  EXPECT_EQ(Text(partitions.NextCommit({1}, kStart)), "t/0@0[1,2) t/1@1");
}

TEST(Partitions, CommitsAgainWhenOnlyTheDoneMapHasChanged) {
  Partitions partitions = TwoPartitions();
  Begin(partitions, kZero, 0);
  partitions.Acknowledge(Begin(partitions, kZero, 1));
  EXPECT_EQ(Text(partitions.NextCommit({1}, kStart)), "t/0@0[1,2)");
  partitions.OnCommitted({.commit = {1}, .outcome = {}});
  Begin(partitions, kZero, 2);
  partitions.Acknowledge(Begin(partitions, kZero, 3));
  EXPECT_EQ(Text(partitions.NextCommit({2}, kStart + kInterval)), "t/0@0[1,2)[3,4)");
  partitions.OnCommitted({.commit = {2}, .outcome = {}});
  EXPECT_EQ(Text(partitions.CommitNow({3}, {kZero})), "") << "nothing is new";
}

TEST(Partitions, LeavesAloneWhatTheOwnerBeforeFinished) {
  Partitions partitions({}, kInterval);
  const std::string map = offsets::EncodeDoneMap(4, {{5, 7}});
  EXPECT_TRUE(
      partitions.Assign({{.partition = kZero, .committed_offset = 4, .metadata = map}}).empty());
  const RecordId fourth = Begin(partitions, kZero, 4);
  EXPECT_FALSE(partitions.Begin(RecordAt(kZero, 5), kStart).has_value());
  EXPECT_FALSE(partitions.Begin(RecordAt(kZero, 6), kStart).has_value());
  Begin(partitions, kZero, 7);
  partitions.Acknowledge(fourth);
  EXPECT_EQ(Text(partitions.NextCommit({1}, kStart)), "t/0@7");
}

TEST(Partitions, ReadsEverythingAgainWhereTheMetadataIsNoDoneMap) {
  Partitions partitions({}, kInterval);
  const auto unreadable =
      partitions.Assign({{.partition = kZero, .committed_offset = 4, .metadata = "somebody's own"},
                         {.partition = kOne, .committed_offset = 4, .metadata = {}}});
  EXPECT_EQ(unreadable, std::vector{kZero});
  for (const int offset : {4, 5, 6}) Begin(partitions, kZero, offset);
}

TEST(Partitions, CommitsAnIntervalApartAndOneAtATime) {
  Partitions partitions = TwoPartitions();
  partitions.Acknowledge(Begin(partitions, kZero, 0));
  EXPECT_EQ(Text(partitions.NextCommit({1}, kStart)), "t/0@1");
  partitions.Acknowledge(Begin(partitions, kZero, 1));
  EXPECT_FALSE(partitions.NextCommit({2}, kStart + kInterval).has_value());
  partitions.OnCommitted({.commit = {1}, .outcome = {}});
  EXPECT_FALSE(partitions.NextCommit({3}, kStart + kInterval - milliseconds(1)).has_value());
  EXPECT_EQ(partitions.Deadline(), kStart + kInterval);
  EXPECT_EQ(Text(partitions.NextCommit({4}, kStart + kInterval)), "t/0@2");
}

TEST(Partitions, RepeatsACommitThatFailed) {
  Partitions partitions = TwoPartitions();
  partitions.Acknowledge(Begin(partitions, kZero, 0));
  ASSERT_EQ(Text(partitions.NextCommit({1}, kStart)), "t/0@1");
  partitions.OnCommitted(
      {.commit = {1}, .outcome = base::MakeError(base::ErrorKind::kUnavailable, "simulated")});
  EXPECT_EQ(partitions.Status()[0].committed, 0);
  EXPECT_EQ(Text(partitions.NextCommit({2}, kStart + kInterval)), "t/0@1");
  partitions.OnCommitted({.commit = {2}, .outcome = {}});
  EXPECT_EQ(partitions.Status()[0].committed, 1);
  EXPECT_FALSE(partitions.NextCommit({3}, kStart + 2 * kInterval).has_value());
}

TEST(Partitions, CommitsSomeAtOnce) {
  Partitions partitions = TwoPartitions();
  partitions.Acknowledge(Begin(partitions, kZero, 0));
  partitions.Acknowledge(Begin(partitions, kOne, 0));
  EXPECT_EQ(Text(partitions.CommitNow({1}, {kOne})), "t/1@1");
  EXPECT_FALSE(partitions.CommitNow({2}, {kOne}).has_value());
}

TEST(Partitions, PausesTheOneThatHasMoreBytesThanAreLeftForOthers) {
  Partitions partitions = TwoPartitions({.max_pending_bytes = 100'000});
  std::vector<RecordId> records;
  for (std::int64_t offset = 0; offset < 4; ++offset)
    records.push_back(Begin(partitions, kZero, offset, 12'000));
  EXPECT_EQ(Flow(partitions), "pause 0") << "it has more than half of them";
  const RecordId other = Begin(partitions, kOne, 0, 12'000);
  EXPECT_EQ(Flow(partitions), "") << "the other one goes on";
  partitions.Acknowledge(records[0]);
  EXPECT_EQ(Flow(partitions), "") << "it goes on with half of what is left";
  partitions.Acknowledge(records[1]);
  EXPECT_EQ(Flow(partitions), "resume 0");
  partitions.Acknowledge(records[2]);
  partitions.Acknowledge(records[3]);
  partitions.Acknowledge(other);
  EXPECT_EQ(partitions.pending_bytes(), 0);
}

TEST(Partitions, PausesAllWhileTooManyBytesAreOpen) {
  Partitions partitions = TwoPartitions({.max_pending_bytes = 100'000});
  const RecordId first = Begin(partitions, kZero, 0, 60'000);
  const RecordId second = Begin(partitions, kOne, 0, 60'000);
  EXPECT_EQ(Flow(partitions), "pause 0 1");
  EXPECT_EQ(Flow(partitions), "");
  EXPECT_EQ(partitions.paused(), 2U);
  partitions.Acknowledge(first);
  EXPECT_EQ(Flow(partitions), "resume 0") << "the other one has more than is left";
  partitions.Acknowledge(second);
  EXPECT_EQ(Flow(partitions), "resume 1");
}

TEST(Partitions, TheOnlyOneMayHaveAllBytes) {
  Partitions partitions({.max_pending_bytes = 100'000}, kInterval);
  partitions.Assign({{.partition = kZero, .committed_offset = 0, .metadata = {}}});
  const RecordId first = Begin(partitions, kZero, 0, 50'000);
  EXPECT_EQ(Flow(partitions), "");
  Begin(partitions, kZero, 1, 47'000);
  EXPECT_EQ(Flow(partitions), "pause 0");
  partitions.Acknowledge(first);
  EXPECT_EQ(Flow(partitions), "resume 0") << "it has less than half";
}

TEST(Partitions, PausesTheOneThatIsTooFarAheadAndResumesAtHalf) {
  Partitions partitions = TwoPartitions({.max_span_records = 4, .max_open_records = 4});
  std::vector<RecordId> records;
  for (std::int64_t offset = 0; offset < 4; ++offset)
    records.push_back(Begin(partitions, kZero, offset));
  EXPECT_EQ(Flow(partitions), "");
  records.push_back(Begin(partitions, kZero, 4));
  EXPECT_EQ(Flow(partitions), "pause 0");
  partitions.Acknowledge(records[0]);
  partitions.Acknowledge(records[1]);
  EXPECT_EQ(Flow(partitions), "") << "three are still open";
  partitions.Acknowledge(records[2]);
  EXPECT_EQ(Flow(partitions), "resume 0");
}

TEST(Partitions, ALongSpanOfFewOpenRecordsDoesNotPause) {
  Partitions partitions = TwoPartitions({.max_span_records = 4, .max_open_records = 4});
  Begin(partitions, kZero, 0);
  for (std::int64_t offset = 1; offset < 50; ++offset)
    partitions.Acknowledge(Begin(partitions, kZero, offset));
  EXPECT_EQ(Flow(partitions), "");
}

TEST(Partitions, RevokingDropsWhatIsOpen) {
  Partitions partitions = TwoPartitions();
  const RecordId ours = Begin(partitions, kZero, 0, 10);
  const std::int64_t bytes = partitions.pending_bytes();
  const RecordId theirs = Begin(partitions, kOne, 0, 10);
  partitions.Revoke({kOne});
  EXPECT_TRUE(partitions.Owns(ours));
  EXPECT_FALSE(partitions.Owns(theirs));
  EXPECT_EQ(partitions.pending_bytes(), bytes);
  EXPECT_EQ(partitions.Assigned(), std::vector<model::TopicPartition>{kZero});
}

TEST(Partitions, WhatIsAcknowledgedAfterARevocationCommitsNothing) {
  Partitions partitions = TwoPartitions();
  const RecordId record = Begin(partitions, kOne, 0);
  partitions.Revoke({kOne});
  partitions.Acknowledge(record);
  partitions.Expect(record, 1);
  EXPECT_FALSE(partitions.NextCommit({1}, kStart).has_value());
  EXPECT_FALSE(partitions.CommitNow({2}, {kOne}).has_value());
}

TEST(Partitions, ACommitOfARevokedPartitionCanStillEnd) {
  Partitions partitions = TwoPartitions();
  partitions.Acknowledge(Begin(partitions, kOne, 0));
  ASSERT_TRUE(partitions.CommitNow({1}, {kOne}).has_value());
  partitions.Revoke({kOne});
  partitions.OnCommitted({.commit = {1}, .outcome = {}});
  partitions.OnCommitted({.commit = {9}, .outcome = {}});
  EXPECT_EQ(partitions.Assigned(), std::vector<model::TopicPartition>{kZero});
}

TEST(Partitions, ADeliveryAfterAReassignmentIsAnotherRecord) {
  Partitions partitions = TwoPartitions();
  const RecordId before = Begin(partitions, kOne, 0);
  partitions.Revoke({kOne});
  partitions.Assign({{.partition = kOne, .committed_offset = 0, .metadata = {}}});
  const RecordId after = Begin(partitions, kOne, 0);
  EXPECT_NE(before, after);
  partitions.Acknowledge(before);
  EXPECT_TRUE(partitions.Owns(after));
}

}  // namespace
}  // namespace llmbatch::pipeline
