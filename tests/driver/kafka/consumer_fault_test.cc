// What goes wrong at the broker while consuming.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"
#include "kafka/consumer.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

struct FailedCommit {
  int code;
  base::ErrorKind kind;
};

class CommitFault : public testing::TestWithParam<FailedCommit> {};

TEST_P(CommitFault, IsTheOutcomeOfThisCommitAlone) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  cluster.FailNext(Request::kOffsetCommit, {GetParam().code});
  consumer->Execute({Commit(1, "requests", 0, 1)});
  mailbox.Wait<ports::OffsetsCommitted>(1);
  consumer->Execute({Commit(2, "requests", 0, 1)});
  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(2);

  ASSERT_THAT(committed, SizeIs(2));
  EXPECT_EQ(committed[0].commit, model::CommitId{1});
  ASSERT_FALSE(committed[0].outcome.ok());
  EXPECT_EQ(committed[0].outcome.error().kind, GetParam().kind);
  EXPECT_EQ(committed[1].commit, model::CommitId{2});
  EXPECT_TRUE(committed[1].outcome.ok());
}

INSTANTIATE_TEST_SUITE_P(Codes, CommitFault,
                         testing::Values(FailedCommit{RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE,
                                                      base::ErrorKind::kTooLarge},
                                         FailedCommit{RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                                      base::ErrorKind::kDenied},
                                         FailedCommit{RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE,
                                                      base::ErrorKind::kUnavailable}));

class StaleMember : public testing::TestWithParam<int> {};

// The broker takes it for a member of another generation, or for none.
TEST_P(StaleMember, CommitsNothingAndReadsOn) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  cluster.FailNext(Request::kOffsetCommit, {GetParam()});
  consumer->Execute({Commit(1, "requests", 0, 1)});
  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(1);
  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_FALSE(committed[0].outcome.ok());
  cluster.Write("requests", 0, {"b"});

  // Where the partition was taken away it has to come back, and the broker may keep waiting for the
  // member that it knew, twice.
  std::size_t let_go = 0;
  EXPECT_TRUE(mailbox.Until(
      [&] {
        for (; let_go < mailbox.Count<ports::PartitionsRevoked>(); ++let_go) {
          consumer->Execute({ports::RevokeDone{}});
        }
        const auto records = mailbox.Records();
        return !records.empty() && records.back() == "requests/0/1 b";
      },
      2 * kDeadline));
}

INSTANTIATE_TEST_SUITE_P(Codes, StaleMember,
                         testing::Values(RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION,
                                         RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
                                         RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS));

TEST(Commit, WaitsForACoordinatorThatIsLoadingItsOffsets) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  cluster.FailNext(Request::kOffsetCommit, {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
                                            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
                                            RD_KAFKA_RESP_ERR_NOT_COORDINATOR});
  for (std::uint64_t id = 1; id <= 20; ++id) {
    consumer->Execute({Commit(id, "requests", 0, 1)});
    const auto committed = mailbox.Wait<ports::OffsetsCommitted>(id);
    ASSERT_THAT(committed, SizeIs(id));
    if (committed.back().outcome) return;
  }
  ADD_FAILURE() << "never committed";
}

TEST(Commit, OfAPartitionThatIsNotAssignedIsRefused) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.CreateTopic("foreign", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  consumer->Execute({Commit(1, "foreign", 0, 1)});

  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(1);
  ASSERT_THAT(committed, SizeIs(1));
  ASSERT_FALSE(committed[0].outcome.ok());
  EXPECT_EQ(committed[0].outcome.error().kind, base::ErrorKind::kAborted);
}

TEST(Commit, OfNothingSucceeds) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  consumer->Execute({ports::CommitOffsets{.commit = model::CommitId{1}, .offsets = {}}});

  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(1);
  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_TRUE(committed[0].outcome.ok());
}

// librdkafka would do so by itself, and crashes if that fails.
TEST(CommittedOffsets, AreAskedForOnceOnly) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  cluster.FailNext(Request::kOffsetFetch,
                   {RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  mailbox.Wait<ports::RecordReceived>(1);

  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/0 a"));
}

TEST(CommittedOffsets, AreReadAgainUntilTheyAreKnown) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a", "b", "c"});
  {
    Mailbox first;
    auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), first);
    first.Wait<ports::RecordReceived>(3);
    consumer->Execute({Commit(1, "requests", 0, 2)});
    first.Wait<ports::OffsetsCommitted>(1);
    Leave(*consumer, first);
  }
  cluster.FailNext(Request::kOffsetFetch, {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
                                           RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  mailbox.Wait<ports::RecordReceived>(1);

  const auto assigned = mailbox.All<ports::PartitionsAssigned>();
  ASSERT_THAT(assigned, SizeIs(1));
  EXPECT_EQ(assigned[0].partitions.at(0).committed_offset, 2);
  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/2 c"));
  const auto lines = cluster.log().lines();
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const ports::LogLine& line) {
                            return line.message.find("committed offsets can't be read") !=
                                   std::string::npos;
                          }),
            1);
}

TEST(BrokerDown, IsLoggedOnceAndReadingGoesOnWhenItIsBack) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  cluster.TakeDown();
  const auto down_lines = [&] {
    const auto lines = cluster.log().lines();
    return std::count_if(lines.begin(), lines.end(), [](const ports::LogLine& line) {
      return line.message.find("_ALL_BROKERS_DOWN") != std::string::npos;
    });
  };
  EXPECT_TRUE(mailbox.Until([&] { return down_lines() > 0; }));
  const base::Timestamp then = runtime::ReadClock().steady;
  EXPECT_TRUE(mailbox.Until([&] { return consumer->health().last_progress > then; }));
  EXPECT_FALSE(consumer->health().broken);
  cluster.BringUp();
  cluster.Write("requests", 0, {"b"});
  mailbox.Wait<ports::RecordReceived>(2);

  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/0 a", "requests/0/1 b"));
  EXPECT_EQ(down_lines(), 1);
}

TEST(Brokers, ReadingAndCommittingFollowTheCoordinatorAndTheLeader) {
  Cluster cluster(3);
  cluster.CreateTopic("requests", 1);
  cluster.MoveCoordinator("group", 1);
  cluster.MoveLeader("requests", 0, 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  cluster.MoveCoordinator("group", 2);
  cluster.MoveLeader("requests", 0, 3);
  cluster.Write("requests", 0, {"b"});
  EXPECT_TRUE(mailbox.Until([&] {
    const auto records = mailbox.Records();
    return !records.empty() && records.back() == "requests/0/1 b";
  }));
  if (mailbox.Count<ports::PartitionsRevoked>() > 0) consumer->Execute({ports::RevokeDone{}});
  const auto assignment = [&] {
    return mailbox.All<ports::PartitionsAssigned>().back().assignment;
  };
  EXPECT_TRUE(mailbox.Until([&] {
    const std::size_t commits = mailbox.Count<ports::OffsetsCommitted>();
    auto commit = Commit(commits + 1, "requests", 0, 2);
    commit.assignment = assignment();
    consumer->Execute({commit});
    return mailbox.Wait<ports::OffsetsCommitted>(commits + 1).back().outcome.ok();
  }));
}

TEST(Brokers, SlowOnesAreWaitedFor) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  cluster.SlowDown(std::chrono::seconds(2));
  cluster.Write("requests", 0, {"b"});
  mailbox.Wait<ports::RecordReceived>(2);
  consumer->Execute({Commit(1, "requests", 0, 2)});
  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(1);

  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_TRUE(committed[0].outcome.ok());
  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/0 a", "requests/0/1 b"));
  EXPECT_EQ(mailbox.Count<ports::PartitionsRevoked>(), 0u);
}

TEST(FatalError, LosesThePartitionsAndBringsANewMember) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.instance = "replica-1";
  auto consumer = StartConsumer(options, mailbox);
  mailbox.Wait<ports::RecordReceived>(1);
  consumer->Execute({Commit(1, "requests", 0, 1)});
  mailbox.Wait<ports::OffsetsCommitted>(1);

  cluster.FailNext(Request::kHeartbeat, {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID});
  const auto revoked = mailbox.Wait<ports::PartitionsRevoked>(1);
  ASSERT_THAT(revoked, SizeIs(1));
  EXPECT_TRUE(revoked[0].lost);
  consumer->Execute({Commit(2, "requests", 0, 1), ports::RevokeDone{}});
  cluster.Write("requests", 0, {"b"});
  mailbox.Wait<ports::RecordReceived>(2);

  EXPECT_THAT(mailbox.Records(), ElementsAre("requests/0/0 a", "requests/0/1 b"));
  EXPECT_EQ(consumer->health().rebuilds, 1);
  EXPECT_FALSE(consumer->health().broken);
  const auto committed = mailbox.All<ports::OffsetsCommitted>();
  ASSERT_THAT(committed, SizeIs(2));
  EXPECT_FALSE(committed[1].outcome.ok());
}

TEST(SessionExpired, LosesThePartitionsAndTakesThemAgain) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  cluster.FailNext(Request::kHeartbeat, {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID});
  const auto revoked = mailbox.Wait<ports::PartitionsRevoked>(1);
  ASSERT_THAT(revoked, SizeIs(1));
  EXPECT_TRUE(revoked[0].lost);
  consumer->Execute({ports::RevokeDone{}});

  EXPECT_THAT(mailbox.Wait<ports::PartitionsAssigned>(2), SizeIs(2));
}

}  // namespace
}  // namespace llmbatch::kafka
