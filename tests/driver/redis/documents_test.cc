#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"
#include "redis/document_requests.h"

namespace llmbatch::redis {
namespace {

base::Result<std::string> Fetch(Replica& replica, const std::string& user,
                                const std::string& name) {
  return replica.ask().Fetch({.fetch = {},
                              .place = {.store = model::DocumentPlace::Store::kKept, .name = name},
                              .user_id = user,
                              .max_bytes = 10});
}

TEST(Documents, AreReadByTheirUserAlone) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  server.Command("SET {llmbatchd}:doc:u1:lease rent");
  server.Command("SET {llmbatchd}:doc:a%3Ab:c colon");
  server.Command("SET {llmbatchd}:ledger:x outcome");
  EXPECT_EQ(*Fetch(replica, "u1", "lease"), "rent");
  EXPECT_EQ(*Fetch(replica, "a:b", "c"), "colon");
  const std::pair<const char*, const char*> kOthers[] = {
      {"u2", "lease"},  {"u", "1:lease"}, {"a", "b:c"}, {"a%3Ab", "c"},
      {"", "u1:lease"}, {"u1", "none"},   {"u1", ""},   {"..", "ledger:x"}};
  for (const auto& [user, name] : kOthers) {
    const auto text = Fetch(replica, user, name);
    ASSERT_FALSE(text.ok()) << user << " " << name;
    EXPECT_EQ(text.error().kind, base::ErrorKind::kNotFound);
  }
}

TEST(Documents, AnyNameIsOneKey) {
  EXPECT_EQ(DocumentKey("{n}:", "u", "a:b %*\n"), "{n}:doc:u:a:b %*\n");
  EXPECT_EQ(DocumentKey("{n}:", "a%:", "x"), "{n}:doc:a%25%3A:x");
}

TEST(Documents, ThoseThatAreTooLongOrNoTextAreErrors) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  server.Command("SET {llmbatchd}:doc:u:ten 1234567890");
  server.Command("SET {llmbatchd}:doc:u:eleven 12345678901");
  server.Command("LPUSH {llmbatchd}:doc:u:list x");
  EXPECT_EQ(*Fetch(replica, "u", "ten"), "1234567890");
  EXPECT_EQ(Fetch(replica, "u", "eleven").error().kind, base::ErrorKind::kTooLarge);
  EXPECT_EQ(Fetch(replica, "u", "list").error().kind, base::ErrorKind::kInvalid);
}

TEST(Documents, MayComeLaterWhileRedisIsAway) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  server.Command("SET {llmbatchd}:doc:u:lease rent");
  ASSERT_TRUE(Fetch(replica, "u", "lease").ok());
  server.Kill();
  EXPECT_TRUE(Fetch(replica, "u", "lease").error().retryable());
}

}  // namespace
}  // namespace llmbatch::redis
