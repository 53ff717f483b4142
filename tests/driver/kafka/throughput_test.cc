// Both drivers under load.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "driver/kafka/cluster.h"
#include "driver/kafka/mailbox.h"

namespace llmbatch::kafka {
namespace {

TEST(Load, ManyRecordsGoInAndComeOutOnce) {
  constexpr std::uint64_t kRecords = 100'000;
  Cluster cluster;
  cluster.CreateTopic("requests", 8);
  Mailbox mailbox;
  auto consumer = StartConsumer(cluster.ConsumerOf({"requests"}), mailbox);
  auto publisher = StartPublisher(cluster.PublisherOf(), mailbox);

  for (std::uint64_t first = 1; first <= kRecords; first += 1000) {
    std::vector<ports::PublishRecord> records;
    for (std::uint64_t id = first; id < first + 1000; ++id) {
      records.push_back(Publication(id, "requests", std::to_string(id), std::to_string(id)));
    }
    publisher->Publish(std::move(records));
  }
  std::set<std::string> values;
  std::uint64_t received = 0;
  std::uint64_t acknowledged = 0;
  mailbox.Until(
      [&] {
        for (const auto& [record] : mailbox.All<ports::RecordReceived>()) {
          values.insert(*record.value);
          ++received;
        }
        for (const auto& each : mailbox.All<ports::RecordPublished>()) {
          acknowledged += each.outcome.ok() ? 1 : 0;
        }
        mailbox.Clear();
        return received >= kRecords && acknowledged >= kRecords;
      },
      std::chrono::seconds(120));

  EXPECT_EQ(acknowledged, kRecords);
  EXPECT_EQ(received, kRecords);
  EXPECT_EQ(values.size(), kRecords);
}

}  // namespace
}  // namespace llmbatch::kafka
