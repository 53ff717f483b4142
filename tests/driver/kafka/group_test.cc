// Joining, rebalancing and leaving.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"
#include "kafka/consumer.h"
#include "kafka/group_client.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

base::Timestamp Now() { return runtime::ReadClock().steady; }

// Partitions of the last assignment.
std::vector<ports::AssignedPartition> Assigned(const Mailbox& mailbox) {
  const auto assigned = mailbox.All<ports::PartitionsAssigned>();
  return assigned.empty() ? std::vector<ports::AssignedPartition>{} : assigned.back().partitions;
}

// As a main loop does that has nothing to finish.
void AnswerRevokes(Consumer& consumer, Mailbox& mailbox, std::size_t& answered) {
  mailbox.Take();
  for (; answered < mailbox.Count<ports::PartitionsRevoked>(); ++answered) {
    consumer.Execute({ports::RevokeDone{}});
  }
}

TEST(Rebalance, GivesPartitionsBackWhenTheLastCommitIsAnswered) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  cluster.Write("requests", 0, {"a", "b", "c"});
  cluster.Write("requests", 1, {"d", "e", "f"});
  Mailbox old_mailbox;
  auto old_owner = StartConsumer(cluster.ConsumerOf({"requests"}), old_mailbox);
  old_mailbox.Wait<ports::RecordReceived>(6);

  Mailbox new_mailbox;
  auto new_owner = StartConsumer(cluster.ConsumerOf({"requests"}), new_mailbox);
  const auto revoked = old_mailbox.Wait<ports::PartitionsRevoked>(1);
  ASSERT_THAT(revoked, SizeIs(1));
  EXPECT_THAT(revoked[0].partitions, SizeIs(2));
  EXPECT_FALSE(revoked[0].lost);
  old_owner->Execute({Commit(1, "requests", 0, 2, "map"), Commit(2, "requests", 1, 2, "map"),
                      ports::RevokeDone{}});
  new_mailbox.Wait<ports::RecordReceived>(1);
  old_mailbox.Wait<ports::PartitionsAssigned>(2);

  // The mock, unlike Kafka, takes no commit while its group rebalances: what matters is the order.
  EXPECT_EQ(old_mailbox.Count<ports::OffsetsCommitted>(), 2u);
  EXPECT_LT(old_mailbox.Last<ports::OffsetsCommitted>(),
            old_mailbox.Last<ports::PartitionsAssigned>());
  EXPECT_THAT(Assigned(old_mailbox), SizeIs(1));
  EXPECT_THAT(Assigned(new_mailbox), SizeIs(1));
  EXPECT_NE(Assigned(old_mailbox)[0].partition, Assigned(new_mailbox)[0].partition);
}

TEST(Rebalance, GivesPartitionsBackWithoutAnAnswerWhenTheTimeoutHasPassed) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  Mailbox old_mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.revoke_timeout = std::chrono::seconds(1);
  auto old_owner = StartConsumer(options, old_mailbox);
  old_mailbox.Wait<ports::PartitionsAssigned>(1);

  Mailbox new_mailbox;
  auto new_owner = StartConsumer(options, new_mailbox);
  old_mailbox.Wait<ports::PartitionsRevoked>(1);
  const base::Timestamp revoked_at = Now();
  old_mailbox.Wait<ports::PartitionsAssigned>(2);

  EXPECT_GE(Now() - revoked_at, std::chrono::milliseconds(900));
  EXPECT_THAT(new_mailbox.Wait<ports::PartitionsAssigned>(1), SizeIs(1));
}

TEST(Rebalance, TakesALateAnswerForTheRevocationThatItBelongsTo) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.revoke_timeout = std::chrono::seconds(1);
  auto consumer = StartConsumer(options, mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);
  Mailbox other_mailbox;
  auto other = StartConsumer(options, other_mailbox);
  mailbox.Wait<ports::PartitionsRevoked>(1);
  // The partition goes to either of the two; both learn it in the same round.
  std::size_t answered = 0;
  mailbox.Until([&] {
    AnswerRevokes(*other, other_mailbox, answered);
    return mailbox.Count<ports::PartitionsAssigned>() == 2 ||
           other_mailbox.Count<ports::PartitionsAssigned>() == 1;
  });
  other->Execute({ports::StopConsuming{}});
  mailbox.Until([&] {
    AnswerRevokes(*other, other_mailbox, answered);
    return mailbox.Count<ports::PartitionsAssigned>() == 2;
  });
  ASSERT_EQ(mailbox.Count<ports::PartitionsAssigned>(), 2u);

  const base::Timestamp stopped_at = Now();
  consumer->Execute({ports::RevokeDone{}, ports::StopConsuming{}});
  mailbox.Wait<ports::ConsumerStopped>(1);

  const std::size_t revoked = mailbox.Count<ports::PartitionsRevoked>();
  EXPECT_GE(revoked, 2u);
  EXPECT_GE(Now() - stopped_at, std::chrono::milliseconds(900)) << "the late answer was counted";
}

TEST(Rebalance, EndsThePauseOfAPartitionThatComesBack) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"^requests.*"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);
  consumer->Execute({ports::PausePartitions{{{"requests", 0}}}, Commit(1, "requests", 0, 1)});
  mailbox.Wait<ports::OffsetsCommitted>(1);

  cluster.CreateTopic("requests2", 1);
  mailbox.Wait<ports::PartitionsRevoked>(1);
  consumer->Execute({ports::RevokeDone{}});
  mailbox.Wait<ports::PartitionsAssigned>(2);
  cluster.Write("requests", 0, {"b"});

  mailbox.Wait<ports::RecordReceived>(2);
  EXPECT_THAT(mailbox.Records(), testing::ElementsAre("requests/0/0 a", "requests/0/1 b"));
}

TEST(Rebalance, RefusesACommitOfAnEarlierTimeOfOwning) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a", "b"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"^requests.*"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(2);
  cluster.CreateTopic("requests2", 1);
  mailbox.Wait<ports::PartitionsRevoked>(1);
  consumer->Execute({ports::RevokeDone{}});
  const auto assigned = mailbox.Wait<ports::PartitionsAssigned>(2);

  ports::CommitOffsets late = Commit(1, "requests", 0, 1);
  ports::CommitOffsets timely = Commit(2, "requests", 0, 2);
  timely.assignment = assigned.back().assignment;
  consumer->Execute({late, timely});

  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(2);
  ASSERT_THAT(committed, SizeIs(2));
  EXPECT_FALSE(committed[0].outcome.ok()) << "another owner may have committed more meanwhile";
  EXPECT_TRUE(committed[1].outcome.ok());
}

// What the group does together doesn't stop what goes on.
TEST(CooperativeRebalance, TakesAwayOnlyWhatGoesToAnother) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  cluster.Write("requests", 0, {"a"});
  cluster.Write("requests", 1, {"b"});
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.connection.properties["partition.assignment.strategy"] = "cooperative-sticky";
  Mailbox old_mailbox;
  auto old_owner = StartConsumer(options, old_mailbox);
  old_mailbox.Wait<ports::RecordReceived>(2);
  Mailbox new_mailbox;
  auto new_owner = StartConsumer(options, new_mailbox);

  const auto revoked = old_mailbox.Wait<ports::PartitionsRevoked>(1);
  ASSERT_THAT(revoked, SizeIs(1));
  ASSERT_THAT(revoked[0].partitions, SizeIs(1));
  const model::TopicPartition gone = revoked[0].partitions[0];
  const model::TopicPartition kept{.topic = "requests", .partition = 1 - gone.partition};
  old_owner->Execute({ports::RevokeDone{}});

  const auto assigned = old_mailbox.Wait<ports::PartitionsAssigned>(2);
  ASSERT_THAT(assigned, SizeIs(2));
  EXPECT_THAT(assigned[1].partitions, IsEmpty()) << "only the number is new";
  new_mailbox.Wait<ports::PartitionsAssigned>(1);
  ASSERT_THAT(Assigned(new_mailbox), SizeIs(1));
  EXPECT_EQ(Assigned(new_mailbox)[0].partition, gone);

  cluster.Write(kept.topic, kept.partition, {"c"});
  old_mailbox.Wait<ports::RecordReceived>(3);
  EXPECT_THAT(old_mailbox.Records().back(), testing::EndsWith("/1 c"));
  new_mailbox.Wait<ports::RecordReceived>(1);
}

TEST(CooperativeRebalance, GivesEverythingBackAtTheEnd) {
  Cluster cluster;
  cluster.CreateTopic("requests", 2);
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.connection.properties["partition.assignment.strategy"] = "cooperative-sticky";
  Mailbox mailbox;
  auto consumer = StartConsumer(options, mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);

  Leave(*consumer, mailbox);

  const auto revoked = mailbox.All<ports::PartitionsRevoked>();
  ASSERT_THAT(revoked, SizeIs(1));
  EXPECT_THAT(revoked[0].partitions, SizeIs(2));
}

TEST(CooperativeRebalance, IsTheDefaultWhereLibrdkafkaIsSoundForIt) {
  EXPECT_STREQ(AssignorsFor(0x020002ff), "range,roundrobin");
  EXPECT_STREQ(AssignorsFor(0x020900ff), "range,roundrobin");
  EXPECT_STREQ(AssignorsFor(0x020a00ff), "cooperative-sticky");
}

TEST(Stop, RevokesLeavesTheGroupAndTellsItOnce) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  cluster.Write("requests", 0, {"a"});
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::RecordReceived>(1);

  const base::Timestamp before = Now();
  consumer->Execute({ports::StopConsuming{}, ports::StopConsuming{}});
  mailbox.Wait<ports::PartitionsRevoked>(1);
  consumer->Execute({Commit(1, "requests", 0, 1), ports::RevokeDone{}});
  mailbox.Wait<ports::ConsumerStopped>(1);
  EXPECT_LT(Now() - before, std::chrono::seconds(3));
  consumer.reset();
  mailbox.Take();

  EXPECT_EQ(mailbox.Count<ports::ConsumerStopped>(), 1u);
  EXPECT_EQ(mailbox.Count<ports::PartitionsRevoked>(), 1u);
  const auto committed = mailbox.All<ports::OffsetsCommitted>();
  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_TRUE(committed[0].outcome.ok());
  EXPECT_TRUE(std::holds_alternative<ports::ConsumerStopped>(mailbox.events().back()));
}

TEST(Stop, OfAMemberWithoutAnAssignmentNeedsNoRevocation) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);

  consumer->Execute({ports::StopConsuming{}});

  EXPECT_THAT(mailbox.Wait<ports::ConsumerStopped>(1), SizeIs(1));
  EXPECT_THAT(mailbox.All<ports::PartitionsRevoked>(), IsEmpty());
}

TEST(Stop, EndsInTimeThoughTheBrokerIsAwayAndNobodyAnswers) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"requests"});
  options.close_timeout = std::chrono::seconds(2);
  auto consumer = StartConsumer(options, mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);
  cluster.TakeDown();

  const base::Timestamp before = Now();
  consumer->Execute({Commit(1, "requests", 0, 1), ports::StopConsuming{}});
  mailbox.Wait<ports::ConsumerStopped>(1);

  consumer.reset();
  EXPECT_LT(Now() - before, std::chrono::seconds(4));
  EXPECT_EQ(mailbox.Count<ports::ConsumerStopped>(), 1u);
  const auto committed = mailbox.All<ports::OffsetsCommitted>();
  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_FALSE(committed[0].outcome.ok());
}

TEST(Stop, AnswersCommitsThatComeLater) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  consumer->Execute({ports::StopConsuming{}});
  mailbox.Wait<ports::ConsumerStopped>(1);

  consumer->Execute({Commit(5, "requests", 0, 1), ports::RevokeDone{}});

  const auto committed = mailbox.Wait<ports::OffsetsCommitted>(1);
  ASSERT_THAT(committed, SizeIs(1));
  EXPECT_EQ(committed[0].commit, model::CommitId{5});
  EXPECT_EQ(committed[0].outcome.error().kind, base::ErrorKind::kAborted);
}

TEST(Destruction, AnswersCommitsUnderWayAndTellsNoStop) {
  Cluster cluster;
  cluster.CreateTopic("requests", 1);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  mailbox.Wait<ports::PartitionsAssigned>(1);
  cluster.TakeDown();

  consumer->Execute({Commit(1, "requests", 0, 1), Commit(2, "requests", 0, 1)});
  const base::Timestamp before = Now();
  consumer.reset();

  EXPECT_LT(Now() - before, std::chrono::seconds(2));
  EXPECT_THAT(mailbox.Wait<ports::OffsetsCommitted>(2), SizeIs(2));
  EXPECT_EQ(mailbox.Count<ports::ConsumerStopped>(), 0u);
}

}  // namespace
}  // namespace llmbatch::kafka
