#include "kafka/publisher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <map>
#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"
#include "runtime/clock.h"

namespace llmbatch::kafka {
namespace {

base::Timestamp Now() { return runtime::ReadClock().steady; }

// "ok" or the error's kind, by id; an id that was answered twice is there as "twice".
std::map<std::uint64_t, std::string> Outcomes(const Mailbox& mailbox) {
  std::map<std::uint64_t, std::string> outcomes;
  for (const ports::RecordPublished& each : mailbox.All<ports::RecordPublished>()) {
    const std::string outcome =
        each.outcome.ok() ? "ok" : std::string(ToString(each.outcome.error().kind));
    const auto [it, is_new] = outcomes.emplace(each.publish.value, outcome);
    if (!is_new) it->second = "twice";
  }
  return outcomes;
}

std::map<std::uint64_t, std::string> AllWith(std::uint64_t count, const std::string& outcome) {
  std::map<std::uint64_t, std::string> outcomes;
  for (std::uint64_t id = 1; id <= count; ++id) outcomes.emplace(id, outcome);
  return outcomes;
}

std::vector<ports::PublishRecord> Publications(std::uint64_t first, std::uint64_t count) {
  std::vector<ports::PublishRecord> records;
  for (std::uint64_t id = first; id < first + count; ++id) {
    records.push_back(
        Publication(id, "results", "key-" + std::to_string(id % 3), std::to_string(id)));
  }
  return records;
}

// What a reader finds in a topic, by key.
std::map<std::string, std::vector<std::string>> ReadBack(Cluster& cluster, std::size_t count) {
  Mailbox mailbox;
  ConsumerOptions options = cluster.ConsumerOf({"results"});
  options.group = "reader";
  auto consumer = StartConsumer(options, mailbox);
  std::map<std::string, std::vector<std::string>> found;
  const auto records = mailbox.Wait<ports::RecordReceived>(count);
  for (const auto& [record] : records) {
    found[record.key.value_or("(null)")].push_back(record.value.value_or("(null)"));
  }
  if (records.size() < count) {
    ADD_FAILURE() << "the reader was assigned " << mailbox.Count<ports::PartitionsAssigned>()
                  << " times";
    for (const ports::LogLine& line : cluster.log().lines()) {
      ADD_FAILURE() << line.message << (line.fields.empty() ? "" : ": " + line.fields[0].value);
    }
  }
  return found;
}

std::map<std::string, std::vector<std::string>> InOrder(std::uint64_t count) {
  std::map<std::string, std::vector<std::string>> expected;
  for (std::uint64_t id = 1; id <= count; ++id) {
    expected["key-" + std::to_string(id % 3)].push_back(std::to_string(id));
  }
  return expected;
}

TEST(Publish, IsAnsweredOnceAndKeepsTheOrderOfEachKey) {
  Cluster cluster;
  cluster.CreateTopic("results", 4);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  for (std::uint64_t first = 1; first <= 900; first += 100) {
    publisher->Publish(Publications(first, 100));
  }
  mailbox.Wait<ports::RecordPublished>(900);

  EXPECT_EQ(Outcomes(mailbox), AllWith(900, "ok"));
  EXPECT_EQ(ReadBack(cluster, 900), InOrder(900));
}

TEST(Publish, GoesOnAfterErrorsThatPass) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  cluster.FailNext(Request::kProduce,
                   {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART});
  publisher->Publish(Publications(1, 30));
  mailbox.Wait<ports::RecordPublished>(30);

  EXPECT_EQ(Outcomes(mailbox), AllWith(30, "ok"));
  EXPECT_EQ(ReadBack(cluster, 30), InOrder(30));
}

TEST(Publish, TellsThatTheBrokerFoundARecordTooLargeAndGoesOn) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  cluster.FailNext(Request::kProduce, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  publisher->Publish(Publications(1, 1));
  mailbox.Wait<ports::RecordPublished>(1);
  publisher->Publish(Publications(2, 1));
  mailbox.Wait<ports::RecordPublished>(2);

  EXPECT_EQ(Outcomes(mailbox), (std::map<std::uint64_t, std::string>{{1, "too_large"}, {2, "ok"}}));
}

TEST(Publish, TellsThatTheRightIsMissing) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  cluster.FailNext(Request::kProduce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  publisher->Publish(Publications(1, 1));
  mailbox.Wait<ports::RecordPublished>(1);

  EXPECT_EQ(Outcomes(mailbox), AllWith(1, "denied"));
}

TEST(Publish, RefusesWhatIsTooLargeAndGoesOn) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  PublisherOptions options = cluster.PublisherOf();
  options.max_message_bytes = 2000;
  auto publisher = StartPublisher(options, mailbox);

  publisher->Publish({Publication(1, "results", "key", std::string(3000, 'x')),
                      Publication(2, "results", "key", std::string(1000, 'x'))});
  const auto published = mailbox.Wait<ports::RecordPublished>(2);

  EXPECT_EQ(Outcomes(mailbox), (std::map<std::uint64_t, std::string>{{1, "too_large"}, {2, "ok"}}));
  EXPECT_FALSE(published.at(0).outcome.error().retryable());
}

TEST(Publish, WaitsForABrokerThatIsDown) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);
  publisher->Publish(Publications(1, 10));
  mailbox.Wait<ports::RecordPublished>(10);

  cluster.TakeDown();
  publisher->Publish(Publications(11, 20));
  EXPECT_TRUE(mailbox.Until([&] { return !cluster.log().lines().empty(); }));
  EXPECT_EQ(mailbox.Count<ports::RecordPublished>(), 10u);
  cluster.BringUp();
  mailbox.Wait<ports::RecordPublished>(30);

  EXPECT_EQ(Outcomes(mailbox), AllWith(30, "ok"));
  EXPECT_EQ(ReadBack(cluster, 30), InOrder(30));
}

TEST(Publish, GivesUpWhenTheDeliveryTimeoutHasPassed) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  PublisherOptions options = cluster.PublisherOf();
  options.delivery_timeout = std::chrono::seconds(2);
  auto publisher = StartPublisher(options, mailbox);
  cluster.TakeDown();

  publisher->Publish(Publications(1, 5));
  const auto published = mailbox.Wait<ports::RecordPublished>(5);

  EXPECT_EQ(Outcomes(mailbox), AllWith(5, "timeout"));
  EXPECT_TRUE(published.at(0).outcome.error().retryable());
}

TEST(Publish, KeepsWhatTheQueueHasNoRoomFor) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  PublisherOptions options = cluster.PublisherOf();
  options.max_queued_records = 10;
  auto publisher = StartPublisher(options, mailbox);

  publisher->Publish(Publications(1, 1000));
  mailbox.Wait<ports::RecordPublished>(1000);

  EXPECT_EQ(Outcomes(mailbox), AllWith(1000, "ok"));
  EXPECT_EQ(ReadBack(cluster, 1000), InOrder(1000));
}

TEST(Publish, GoesOnWithANewProducerAfterAFatalError) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);
  publisher->Publish(Publications(1, 10));
  mailbox.Wait<ports::RecordPublished>(10);

  cluster.FailNext(Request::kProduce, {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  publisher->Publish(Publications(11, 20));
  EXPECT_TRUE(mailbox.Until([&] { return publisher->health().broken; }));
  publisher->Publish(Publications(31, 10));
  mailbox.Wait<ports::RecordPublished>(40);

  EXPECT_EQ(Outcomes(mailbox), AllWith(40, "ok"));
  EXPECT_EQ(ReadBack(cluster, 40), InOrder(40));
  EXPECT_EQ(publisher->health().rebuilds, 1);
}

TEST(Stop, WaitsForAcknowledgements) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  publisher->Publish(Publications(1, 500));
  publisher->Stop(kDeadline);
  mailbox.Take();

  EXPECT_EQ(Outcomes(mailbox), AllWith(500, "ok"));
}

TEST(Stop, GivesUpWhatIsNotAcknowledgedInTime) {
  Cluster cluster;
  cluster.CreateTopic("results", 1);
  Mailbox mailbox;
  PublisherOptions options = cluster.PublisherOf();
  options.max_queued_records = 10;
  auto publisher = StartPublisher(options, mailbox);
  cluster.TakeDown();

  publisher->Publish(Publications(1, 50));
  const base::Timestamp before = Now();
  publisher->Stop(std::chrono::milliseconds(200));
  publisher->Publish(Publications(51, 5));
  mailbox.Take();

  EXPECT_LT(Now() - before, std::chrono::seconds(5));
  EXPECT_EQ(Outcomes(mailbox), AllWith(55, "aborted"));
}

TEST(Stop, OfAnIdlePublisherIsQuick) {
  Cluster cluster;
  Mailbox mailbox;
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  const base::Timestamp before = Now();
  publisher->Stop(kDeadline);
  publisher->Stop(kDeadline);

  EXPECT_LT(Now() - before, std::chrono::seconds(2));
}

}  // namespace
}  // namespace llmbatch::kafka
