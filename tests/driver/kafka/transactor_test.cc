#include "kafka/transactor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"
#include "kafka/consumer.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// A member of a group with one partition, and transactions in its name.
class TransactorTest : public testing::Test {
 protected:
  TransactorTest() {
    cluster_.CreateTopic("requests", 1);
    cluster_.CreateTopic("results", 1);
    cluster_.Write("requests", 0, {"a", "b", "c"});
    consumer_ = StartConsumer(cluster_.ConsumerOf({"requests"}), mailbox_);
    const auto assigned = mailbox_.Wait<ports::PartitionsAssigned>(1);
    assignment_ = assigned.empty() ? 0 : assigned[0].assignment;
    StartTransactor({});
  }

  void StartTransactor(TransactorOptions options) {
    options.connection = cluster_.PublisherOf().connection;
    options.transactional_id = "group.instance";
    auto transactor = Transactor::Start(std::move(options), mailbox_.inbox());
    ASSERT_TRUE(transactor.ok());
    transactor_ = std::move(transactor).value();
  }

  // Values to write, and the offset of requests/0 to commit.
  static ports::RunTransaction Transaction(std::uint64_t id, const std::vector<std::string>& values,
                                           std::int64_t offset) {
    ports::RunTransaction transaction{.commit = model::CommitId{id},
                                      .records = {},
                                      .offsets = Commit(id, "requests", 0, offset, "map").offsets,
                                      .assignment = 0};
    for (const std::string& value : values) {
      transaction.records.push_back(
          Publication(id * 100 + transaction.records.size(), "results", "key", value));
    }
    return transaction;
  }

  ports::TransactionEnded Run(ports::RunTransaction transaction) {
    const std::size_t before = mailbox_.Count<ports::TransactionEnded>();
    transactor_->Execute(std::move(transaction), consumer_->Membership(assignment_));
    const auto ended = mailbox_.Wait<ports::TransactionEnded>(before + 1);
    EXPECT_THAT(ended, SizeIs(before + 1));
    return ended.back();
  }

  // Until one succeeds, as the core does.
  void RunUntilCommitted(std::uint64_t id, const std::vector<std::string>& values,
                         std::int64_t offset) {
    for (int i = 0; i < 20; ++i) {
      if (Run(Transaction(id + static_cast<std::uint64_t>(i), values, offset)).outcome) return;
    }
    ADD_FAILURE() << "never committed";
  }

  std::vector<std::string> Written(std::size_t count) {
    Mailbox reader;
    ConsumerOptions options = cluster_.ConsumerOf({"results"});
    options.group = "reader";
    auto consumer = StartConsumer(options, reader);
    std::vector<std::string> values;
    for (const auto& each : reader.Wait<ports::RecordReceived>(count)) {
      values.push_back(each.record.value.value_or(""));
    }
    return values;
  }

  Cluster cluster_;
  Mailbox mailbox_;
  std::unique_ptr<Consumer> consumer_;
  std::int64_t assignment_ = 0;
  std::unique_ptr<Transactor> transactor_;
};

// The mock cluster takes the offsets and keeps none; the crash loop sees them on Apache Kafka.
TEST_F(TransactorTest, WritesRecordsInOrder) {
  const auto ended = Run(Transaction(1, {"one", "two"}, 2));

  EXPECT_TRUE(ended.outcome.ok());
  EXPECT_EQ(ended.commit, model::CommitId{1});
  EXPECT_THAT(Written(2), ElementsAre("one", "two"));
}

TEST_F(TransactorTest, GoesOnAfterErrorsThatPass) {
  cluster_.FailNext(Request::kAddPartitionsToTransaction,
                    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS});
  cluster_.FailNext(Request::kOffsetCommitInTransaction,
                    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE});
  cluster_.FailNext(Request::kEndTransaction, {RD_KAFKA_RESP_ERR_NOT_COORDINATOR});

  EXPECT_TRUE(Run(Transaction(1, {"one"}, 1)).outcome.ok());
  EXPECT_EQ(transactor_->health().rebuilds, 0);
}

TEST_F(TransactorTest, TellsWhichRecordIsTooLargeAndGoesOn) {
  cluster_.FailNext(Request::kProduce, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});

  const auto ended = Run(Transaction(1, {"large"}, 1));

  EXPECT_FALSE(ended.outcome.ok());
  EXPECT_THAT(ended.too_large, ElementsAre(model::PublishId{100}));
  RunUntilCommitted(2, {"letter"}, 1);
}

TEST_F(TransactorTest, AStaleMemberCommitsNothing) {
  cluster_.FailNext(Request::kOffsetCommitInTransaction, {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION});

  EXPECT_FALSE(Run(Transaction(1, {"one"}, 1)).outcome.ok());
  EXPECT_TRUE(Run(Transaction(2, {"one"}, 1)).outcome.ok());
}

TEST_F(TransactorTest, AFencedProducerIsReplaced) {
  cluster_.FailNext(Request::kEndTransaction, {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH});

  EXPECT_FALSE(Run(Transaction(1, {"one"}, 1)).outcome.ok());

  RunUntilCommitted(2, {"one"}, 1);
  EXPECT_EQ(transactor_->health().rebuilds, 1);
  EXPECT_FALSE(transactor_->health().broken);
}

TEST_F(TransactorTest, AnEndWhoseReplyIsLostIsAskedForAgain) {
  cluster_.FailNext(Request::kEndTransaction, {RD_KAFKA_RESP_ERR__TRANSPORT});

  EXPECT_TRUE(Run(Transaction(1, {"one"}, 1)).outcome.ok());
  EXPECT_THAT(Written(1), ElementsAre("one"));
}

// Nobody else can tell whether it was committed, so that no time limit would be right.
TEST_F(TransactorTest, AnEndIsAskedForUntilItIsAnswered) {
  TransactorOptions options;
  options.transaction_timeout = std::chrono::seconds(3);
  StartTransactor(options);
  cluster_.FailNext(Request::kEndTransaction,
                    std::vector<int>(300, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS));
  const base::Timestamp begin = runtime::ReadClock().steady;

  const auto ended = Run(Transaction(1, {"one"}, 1));

  EXPECT_TRUE(ended.outcome.ok()) << ended.outcome.error().message;
  const base::Timestamp end = runtime::ReadClock().steady;
  EXPECT_GT(end - begin, 2 * options.transaction_timeout);
  EXPECT_LT(end - transactor_->health().last_progress, std::chrono::seconds(2));
  EXPECT_EQ(transactor_->health().rebuilds, 0);
}

TEST_F(TransactorTest, RecordsThatAreNotAcknowledgedInTimeFailIt) {
  TransactorOptions options;
  options.transaction_timeout = std::chrono::seconds(2);
  StartTransactor(options);
  cluster_.FailNext(Request::kProduce,
                    std::vector<int>(400, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS));

  EXPECT_FALSE(Run(Transaction(1, {"one"}, 1)).outcome.ok());
  RunUntilCommitted(2, {"one"}, 1);
}

TEST_F(TransactorTest, ACoordinatorThatTakesNoOffsetsFailsItInTime) {
  TransactorOptions options;
  options.offsets_timeout = std::chrono::seconds(1);
  StartTransactor(options);
  cluster_.FailNext(Request::kOffsetCommitInTransaction,
                    std::vector<int>(400, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE));
  const base::Timestamp begin = runtime::ReadClock().steady;

  EXPECT_FALSE(Run(Transaction(1, {"one"}, 1)).outcome.ok());
  EXPECT_LT(runtime::ReadClock().steady - begin, std::chrono::seconds(10));
  cluster_.ForgiveAll();
  RunUntilCommitted(2, {"one"}, 1);
}

TEST_F(TransactorTest, FailsWhenTheAssignmentIsOver) {
  EXPECT_NE(consumer_->Membership(assignment_), nullptr);
  Leave(*consumer_, mailbox_);

  EXPECT_EQ(consumer_->Membership(assignment_), nullptr);
  const auto ended = Run(Transaction(1, {"one"}, 1));

  ASSERT_FALSE(ended.outcome.ok());
  EXPECT_EQ(ended.outcome.error().kind, base::ErrorKind::kAborted);
}

TEST_F(TransactorTest, StopDoesNotWaitForABrokerThatIsAway) {
  cluster_.TakeDown();
  transactor_->Execute(Transaction(1, {"one"}, 1), consumer_->Membership(assignment_));
  const base::Timestamp begin = runtime::ReadClock().steady;

  transactor_->Stop();

  EXPECT_LT(runtime::ReadClock().steady - begin, std::chrono::seconds(10));
  transactor_->Execute(Transaction(2, {"two"}, 1), nullptr);
  const auto ended = mailbox_.Wait<ports::TransactionEnded>(2);
  ASSERT_THAT(ended, SizeIs(2));
  EXPECT_FALSE(ended[0].outcome.ok());
  EXPECT_FALSE(ended[1].outcome.ok());
}

}  // namespace
}  // namespace llmbatch::kafka
