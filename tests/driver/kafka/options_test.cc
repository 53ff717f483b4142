// What the drivers refuse to start with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "kafka/consumer.h"
#include "kafka/publisher.h"
#include "runtime/inbox.h"

namespace llmbatch::kafka {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

ConsumerOptions Sound() {
  return {.connection = {.brokers = "127.0.0.1:1"}, .group = "group", .topics = {"requests"}};
}

std::string ConsumerError(ConsumerOptions options) {
  runtime::Inbox inbox;
  const auto consumer = Consumer::Start(std::move(options), inbox);
  return consumer ? "" : consumer.error().message;
}

std::string PublisherError(Connection connection) {
  runtime::Inbox inbox;
  const auto publisher = Publisher::Start({.connection = std::move(connection)}, inbox);
  return publisher ? "" : publisher.error().message;
}

TEST(Start, NeedsNoBroker) {
  EXPECT_EQ(ConsumerError(Sound()), "");
  EXPECT_EQ(PublisherError({.brokers = "127.0.0.1:1"}), "");
}

TEST(Start, NamesAnUnknownProperty) {
  ConsumerOptions options = Sound();
  options.connection.properties = {{"sesion.timeout.ms", "6000"}};
  EXPECT_THAT(ConsumerError(options),
              AllOf(HasSubstr("'sesion.timeout.ms'"), HasSubstr("unknown")));
  EXPECT_THAT(PublisherError(options.connection), HasSubstr("'sesion.timeout.ms'"));
}

TEST(Start, NamesAPropertyWithABadValueWithoutTheValue) {
  ConsumerOptions options = Sound();
  options.connection.properties = {{"session.timeout.ms", "hunter2"}};
  EXPECT_THAT(ConsumerError(options),
              AllOf(HasSubstr("'session.timeout.ms'"), Not(HasSubstr("hunter2"))));
}

TEST(Start, NeverTellsASecret) {
  ConsumerOptions options = Sound();
  options.connection.secret_properties = {{"ssl.key.pem", base::Secret("hunter2")},
                                          {"security.protocol", base::Secret("hunter2")}};
  EXPECT_THAT(ConsumerError(options), AllOf(HasSubstr("kafka"), Not(HasSubstr("hunter2"))));
}

TEST(Start, RefusesPropertiesThatDeliveryRestsOn) {
  for (const char* name :
       {"enable.auto.commit", "isolation.level", "group.id", "enable.auto.offset.store"}) {
    ConsumerOptions options = Sound();
    options.connection.properties = {{name, "true"}};
    EXPECT_THAT(ConsumerError(options), AllOf(HasSubstr(name), HasSubstr("llmbatchd"))) << name;
  }
  for (const char* name : {"enable.idempotence", "acks", "message.max.bytes"}) {
    EXPECT_THAT(PublisherError({.brokers = "127.0.0.1:1", .properties = {{name, "1"}}}),
                AllOf(HasSubstr(name), HasSubstr("llmbatchd")))
        << name;
  }
}

TEST(Start, LetsAPropertyReplaceADefault) {
  ConsumerOptions options = Sound();
  options.connection.properties = {{"session.timeout.ms", "7000"}};
  EXPECT_EQ(ConsumerError(options), "");
}

TEST(Start, NamesWhatIsMissing) {
  ConsumerOptions options = Sound();
  options.group = "";
  EXPECT_THAT(ConsumerError(options), HasSubstr("group"));
  options = Sound();
  options.topics = {};
  EXPECT_THAT(ConsumerError(options), HasSubstr("topics"));
  options = Sound();
  options.connection.brokers = "";
  EXPECT_THAT(ConsumerError(options), HasSubstr("brokers"));
  options = Sound();
  options.topics = {"^["};
  EXPECT_THAT(ConsumerError(options), HasSubstr("topics"));
}

}  // namespace
}  // namespace llmbatch::kafka
