// Reading a topic between two places, outside any group.
#include "kafka/topic_reader.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using std::chrono::milliseconds;

base::Timestamp In(base::Duration duration) { return runtime::ReadClock().steady + duration; }

std::unique_ptr<TopicReader> ReaderOf(Cluster& cluster) {
  auto reader = TopicReader::Make({.connection = cluster.PublisherOf().connection});
  if (!reader) {
    ADD_FAILURE() << reader.error().message;
    std::abort();
  }
  return std::move(reader).value();
}

// "partition/offset value" of everything up to the ends, in one order.
std::set<std::string> ReadAll(TopicReader& reader) {
  std::set<std::string> records;
  while (true) {
    auto next = reader.Next(In(kDeadline));
    if (!next) {
      ADD_FAILURE() << next.error().message;
      return records;
    }
    if (!*next) return records;
    const ports::Record& record = **next;
    records.insert(std::to_string(record.partition.partition) + "/" +
                   std::to_string(record.offset) + " " + record.value.value_or("(null)"));
  }
}

TEST(TopicReader, ReadsAllPartitionsToTheirEndsAndEnds) {
  Cluster cluster;
  cluster.CreateTopic("t", 3);
  cluster.Write("t", 0, {"a", "b"});
  cluster.Write("t", 2, {"c"});
  const auto reader = ReaderOf(cluster);
  const auto ranges = reader->Ranges("t", In(kDeadline));
  ASSERT_TRUE(ranges.ok()) << ranges.error().message;
  ASSERT_EQ(ranges->size(), 3U);
  EXPECT_EQ(ranges->at(0).end, 2);
  EXPECT_EQ(ranges->at(1).end, 0);

  ASSERT_TRUE(reader->Begin(*ranges, ReadUntil::kEnd).ok());
  EXPECT_EQ(ReadAll(*reader), (std::set<std::string>{"0/0 a", "0/1 b", "2/0 c"}));
}

TEST(TopicReader, LeavesOutWhatIsWrittenAfterTheRangesWereAsked) {
  Cluster cluster;
  cluster.CreateTopic("t", 1);
  cluster.Write("t", 0, {"a", "b"});
  const auto reader = ReaderOf(cluster);
  const auto ranges = reader->Ranges("t", In(kDeadline));
  ASSERT_TRUE(ranges.ok()) << ranges.error().message;
  cluster.Write("t", 0, {"late", "later"});

  ASSERT_TRUE(reader->Begin(*ranges, ReadUntil::kEnd).ok());
  EXPECT_EQ(ReadAll(*reader), (std::set<std::string>{"0/0 a", "0/1 b"}));
}

TEST(TopicReader, ReadsAPartOfAPartition) {
  Cluster cluster;
  cluster.CreateTopic("t", 1);
  cluster.Write("t", 0, {"a", "b", "c", "d"});
  const auto reader = ReaderOf(cluster);
  ASSERT_TRUE(reader
                  ->Begin({{.partition = {.topic = "t", .partition = 0}, .begin = 1, .end = 3}},
                          ReadUntil::kEnd)
                  .ok());
  EXPECT_EQ(ReadAll(*reader), (std::set<std::string>{"0/1 b", "0/2 c"}));
}

TEST(TopicReader, EndsAtAnEndThatIsBeyondTheTopics) {
  Cluster cluster;
  cluster.CreateTopic("t", 1);
  cluster.Write("t", 0, {"a"});
  const auto reader = ReaderOf(cluster);
  ASSERT_TRUE(reader
                  ->Begin({{.partition = {.topic = "t", .partition = 0}, .begin = 0, .end = 100}},
                          ReadUntil::kEnd)
                  .ok());
  EXPECT_EQ(ReadAll(*reader), (std::set<std::string>{"0/0 a"}));
}

TEST(TopicReader, FollowsWhatIsWritten) {
  Cluster cluster;
  cluster.CreateTopic("t", 1);
  cluster.Write("t", 0, {"before"});
  const auto reader = ReaderOf(cluster);
  ASSERT_TRUE(reader
                  ->Begin({{.partition = {.topic = "t", .partition = 0}, .begin = 1, .end = 1}},
                          ReadUntil::kForever)
                  .ok());
  const auto nothing = reader->Next(In(milliseconds(100)));
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().kind, base::ErrorKind::kTimeout);

  cluster.Write("t", 0, {"after"});
  const auto next = reader->Next(In(kDeadline));
  ASSERT_TRUE(next.ok()) << next.error().message;
  ASSERT_TRUE(next->has_value());
  EXPECT_EQ((*next)->value, "after");
}

TEST(TopicReader, AnOutageIsAnErrorInTime) {
  Cluster cluster;
  cluster.CreateTopic("t", 1);
  cluster.TakeDown();
  const auto reader = ReaderOf(cluster);
  const auto ranges = reader->Ranges("t", In(milliseconds(300)));
  ASSERT_FALSE(ranges.ok());
  EXPECT_TRUE(ranges.error().retryable()) << ranges.error().message;
}

TEST(TopicReader, NamesAnOptionThatIsWrong) {
  EXPECT_FALSE(TopicReader::Make({}).ok());
  const auto reader = TopicReader::Make(
      {.connection = {.brokers = "localhost:1", .properties = {{"no.such.property", "1"}}}});
  ASSERT_FALSE(reader.ok());
  EXPECT_NE(reader.error().message.find("no.such.property"), std::string::npos);
}

}  // namespace
}  // namespace llmbatch::kafka
