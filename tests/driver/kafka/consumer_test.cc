#include "kafka/consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"

namespace llmbatch::kafka {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> Numbers(int first, int count) {
  std::vector<std::string> numbers;
  for (int i = first; i < first + count; ++i) numbers.push_back(std::to_string(i));
  return numbers;
}

std::vector<std::string> Values(const Mailbox& mailbox, int partition) {
  std::vector<std::string> values;
  for (const auto& [record] : mailbox.All<ports::RecordReceived>()) {
    if (record.partition.partition == partition) values.push_back(record.value.value_or("(null)"));
  }
  return values;
}

// Ends when the commands before it are carried out.
void Settle(Consumer& consumer, Mailbox& mailbox) {
  const std::size_t before = mailbox.Count<ports::OffsetsCommitted>();
  consumer.Execute({ports::CommitOffsets{.commit = model::CommitId{999}, .offsets = {}}});
  mailbox.Wait<ports::OffsetsCommitted>(before + 1);
}

TEST(Reading, GivesTheRecordsOfAPartitionInOrder) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a", "b", "c"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  mailbox.Wait<ports::RecordReceived>(3);

  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/0 a", "requests/0/1 b", "requests/0/2 c"));
}

TEST(Reading, KeepsKeysHeadersAndTheDifferenceBetweenNullAndEmpty) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);
  const std::string bytes("\0\xff\n", 3);
  std::vector<ports::PublishRecord> records;
  for (ports::Message message : {
           ports::Message{.topic = "requests"},
           ports::Message{.topic = "requests", .key = "", .value = ""},
           ports::Message{.topic = "requests",
           .key = bytes,
           .value = bytes,
           .headers = {{.name = "h", .value = bytes},
                       {.name = "h", .value = ""},
                       {.name = "", .value = "x"}}},
       }) {
    records.push_back({.publish = model::PublishId{records.size() + 1},
                       .message = std::make_shared<const ports::Message>(std::move(message))});
  }
  publisher->Publish(std::move(records));
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  const auto received = mailbox.Wait<ports::RecordReceived>(3);

  ASSERT_THAT(received, SizeIs(3));
  EXPECT_EQ(received[0].record.key, std::nullopt);
  EXPECT_EQ(received[0].record.value, std::nullopt);
  EXPECT_THAT(received[0].record.headers, IsEmpty());
  EXPECT_EQ(received[1].record.key, "");
  EXPECT_EQ(received[1].record.value, "");
  EXPECT_EQ(received[2].record.key, bytes);
  EXPECT_EQ(received[2].record.value, bytes);
  EXPECT_THAT(
      received[2].record.headers,
      ElementsAre(model::Header{"h", bytes}, model::Header{"h", ""}, model::Header{"", "x"}));
}

TEST(Reading, FindsTopicsByPatternAndThoseThatAreMadeLater) {
  Cluster cluster;
  cluster.CreateTopic("requests-a", 1);
  cluster.CreateTopic("other", 1);
  cluster.Write("other", 0, {"no"});
  cluster.Write("requests-a", 0, {"yes"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"^requests-.*"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  cluster.CreateTopic("requests-b", 1);
  cluster.Write("requests-b", 0, {"later"});
  mailbox.Wait<ports::PartitionsRevoked>(1);
  consumer->Execute({Commit(1, "requests-a", 0, 1), ports::RevokeDone{}});
  mailbox.Wait<ports::RecordReceived>(2);

  EXPECT_THAT(mailbox.Records(), ElementsAre("requests-a/0/0 yes", "requests-b/0/0 later"));
}

TEST(Assignment, ComesBeforeTheFirstRecordAndSaysThatNothingWasCommitted) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  mailbox.Wait<ports::RecordReceived>(1);

  EXPECT_EQ(mailbox.First<ports::PartitionsAssigned>(), 0);
  const auto assigned = mailbox.All<ports::PartitionsAssigned>();
  ASSERT_THAT(assigned, SizeIs(1));
  ASSERT_THAT(assigned[0].partitions, SizeIs(1));
  EXPECT_EQ(assigned[0].partitions[0].partition, (model::TopicPartition{"requests", 0}));
  EXPECT_LT(assigned[0].partitions[0].committed_offset, 0);
  EXPECT_EQ(assigned[0].partitions[0].metadata, "");
}

TEST(Assignment, HasOffsetAndMetadataAsTheyWereCommittedAndReadingGoesOnThere) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a", "b", "c"});
  const std::string metadata(4096, 'm');
  {
    Mailbox first;
    auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), first);
    first.Wait<ports::RecordReceived>(3);
    consumer->Execute({Commit(7, "requests", 0, 2, metadata)});
    const auto committed = first.Wait<ports::OffsetsCommitted>(1);
    ASSERT_THAT(committed, SizeIs(1));
    EXPECT_EQ(committed[0].commit, model::CommitId{7});
    EXPECT_TRUE(committed[0].outcome.ok());
    Leave(*consumer, first);
  }
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  mailbox.Wait<ports::RecordReceived>(1);

  const auto assigned = mailbox.All<ports::PartitionsAssigned>();
  ASSERT_THAT(assigned, SizeIs(1));
  EXPECT_EQ(assigned[0].partitions.at(0).committed_offset, 2);
  EXPECT_EQ(assigned[0].partitions.at(0).metadata, metadata);
  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/2 c"));
}

TEST(Pause, StopsOnePartitionAndResumeGoesOnWithoutLossOrRepetition) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  cluster.Write("requests", 0, Numbers(0, 10));
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(10);

  consumer->Execute({ports::PausePartitions{{{"requests", 0}}},
                     ports::PausePartitions{{{"requests", 0}, {"requests", 7}}}});
  Settle(*consumer, mailbox);
  cluster.Write("requests", 0, Numbers(10, 10));
  for (int round = 1; round <= 3; ++round) {
    cluster.Write("requests", 1, {"other"});
    mailbox.Wait<ports::RecordReceived>(10 + static_cast<std::size_t>(round));
  }
  EXPECT_EQ(Values(mailbox, 0), Numbers(0, 10));

  consumer->Execute({ports::ResumePartitions{{{"requests", 0}}}});
  mailbox.Wait<ports::RecordReceived>(23);

  EXPECT_EQ(Values(mailbox, 0), Numbers(0, 20));
}

TEST(Pause, BeforeTheFirstRecordKeepsThePosition) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  consumer->Execute({ports::PausePartitions{{{"requests", 0}}}});
  Settle(*consumer, mailbox);
  cluster.Write("requests", 0, Numbers(0, 5));
  consumer->Execute({ports::ResumePartitions{{{"requests", 0}}}});
  mailbox.Wait<ports::RecordReceived>(5);

  EXPECT_EQ(Values(mailbox, 0), Numbers(0, 5));
}

TEST(Resume, OfAPartitionThatIsNotPausedDoesNothing) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, Numbers(0, 5));
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(5);

  consumer->Execute({ports::ResumePartitions{{{"requests", 0}}}});
  Settle(*consumer, mailbox);
  cluster.Write("requests", 0, Numbers(5, 5));
  mailbox.Wait<ports::RecordReceived>(10);

  EXPECT_EQ(Values(mailbox, 0), Numbers(0, 10));
}

TEST(Lag, TellsPositionAndHighWatermark) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, Numbers(0, 5));
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  EXPECT_TRUE(mailbox.Until([&] {
    const std::vector<PartitionLag> lag = consumer->Lag();
    return lag.size() == 1 && lag[0].position == 5 && lag[0].high_watermark == 5 &&
           lag[0].records() == 0;
  }));
}

TEST(Lag, GrowsWhileThePartitionIsPaused) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  cluster.Write("requests", 0, Numbers(0, 5));
  cluster.Write("requests", 1, Numbers(0, 1));
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.end_offsets_interval = std::chrono::milliseconds(100);
  auto consumer = StartConsumer(options, mailbox);
  mailbox.Wait<ports::RecordReceived>(6);
  const auto lag_is = [&](std::int64_t first, std::int64_t second) {
    std::map<std::int32_t, std::int64_t> records;
    for (const PartitionLag& each : consumer->Lag()) {
      records[each.partition.partition] = each.records();
    }
    return records == std::map<std::int32_t, std::int64_t>{{0, first}, {1, second}};
  };

  consumer->Execute({ports::PausePartitions{{{"requests", 0}}}});
  Settle(*consumer, mailbox);
  cluster.Write("requests", 0, Numbers(5, 7));
  EXPECT_TRUE(mailbox.Until([&] { return lag_is(7, 0); }));

  consumer->Execute({ports::ResumePartitions{{{"requests", 0}}}});
  EXPECT_TRUE(mailbox.Until([&] { return lag_is(0, 0); }));
}

TEST(Inbox, IsNotFilledBeyondTheBoundWhileTheMainLoopIsBusy) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  constexpr std::size_t kRecords = 400;
  cluster.Write("requests", 0, std::vector<std::string>(kRecords, std::string(8192, 'x')));
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.max_unread_bytes = 64 << 10;
  auto consumer = StartConsumer(options, mailbox);

  // The high watermark tells that records are at hand; nobody takes them.
  const auto position = [&] {
    const std::vector<PartitionLag> lag = consumer->Lag();
    return lag.empty() ? 0 : lag[0].position;
  };
  Mailbox clock;
  ASSERT_TRUE(clock.Until([&] { return position() > 0; }));
  const std::int64_t before = position();
  clock.Until([&] { return position() > before; }, std::chrono::seconds(2));
  EXPECT_LT(mailbox.inbox().size(), kRecords / 2);

  EXPECT_THAT(mailbox.Wait<ports::RecordReceived>(kRecords), SizeIs(kRecords));
}

TEST(Reading, TakesARecordOfTheGreatestSize) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);
  const std::string value((8U << 20) - 1000, 'x');
  publisher->Publish({Publication(1, "requests", "k", value)});
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  const auto received = mailbox.Wait<ports::RecordReceived>(1);

  ASSERT_THAT(received, SizeIs(1));
  EXPECT_EQ(received[0].record.value->size(), value.size());
}

}  // namespace
}  // namespace llmbatch::kafka
