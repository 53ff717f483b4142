// Ratios of estimates that several replicas learn together through a real Redis.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"

namespace llmbatch::redis {
namespace {

using Shared = std::vector<std::optional<std::int64_t>>;

// A fifth of the way to `seen`.
ports::RatioLesson Lesson(std::int64_t seen, std::int64_t own = 1'000'000) {
  return {.name = "p/org/m 1/task/0a1b", .ratio = own, .keep = 800'000, .add = seen / 5};
}
const ports::RatioLesson kNothing{.name = "p/org/m 1/task/0a1b", .ratio = 1'000'000};
const std::string kKey = "'{llmbatchd}:ratio:p/org/m 1/task/0a1b'";

TEST(SharedRatios, OneReplicaGoesOnFromWhatAnotherLearnt) {
  RedisServer server;
  Replica first(Replica::Options(server.url(), "first:1"));
  ASSERT_TRUE(first.ask().Share({Lesson(1'500'000, 1'100'000)}).ok());
  Replica second(Replica::Options(server.url(), "second:1"));
  EXPECT_EQ(*second.ask().Share({kNothing}), Shared{1'100'000});
  EXPECT_EQ(*second.ask().Share({Lesson(1'600'000)}), Shared{1'200'000});
  EXPECT_EQ(*first.ask().Share({kNothing}), Shared{1'200'000});
}

TEST(SharedRatios, OfReplicasAtOnceNoneUndoesWhatTheOthersLearnt) {
  RedisServer server;
  constexpr int kReplicas = 4;
  constexpr int kEach = 50;
  std::vector<std::thread> threads;
  for (int i = 0; i < kReplicas; ++i) {
    threads.emplace_back([&server, i] {
      Replica replica(Replica::Options(server.url(), "r" + std::to_string(i) + ":1"));
      for (int k = 0; k < kEach; ++k) EXPECT_TRUE(replica.ask().Share({Lesson(1'400'000)}).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  Replica reader(Replica::Options(server.url(), "reader:1"));
  const auto ratio = reader.ask().Share({kNothing});
  ASSERT_TRUE(ratio.ok() && ratio->at(0));
  EXPECT_NEAR(static_cast<double>(*ratio->at(0)), 1'400'000, 3);
}

TEST(SharedRatios, LiveFromTheirLastChangeOn) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  ASSERT_TRUE(replica.ask().Share({Lesson(1'500'000)}).ok());
  const std::string ttl = server.Command("PTTL " + kKey);
  ASSERT_EQ(ttl.front(), ':');
  EXPECT_GT(std::stol(ttl.substr(1)), 3'000'000);
  EXPECT_LE(std::stol(ttl.substr(1)), 3'600'000);
}

TEST(SharedRatios, NonsenseInTheirPlaceIsNotBelieved) {
  RedisServer server;
  Replica replica(Replica::Options(server.url()));
  for (const std::string nonsense : {"nan", "inf", "-1", "0", "499999", "3000001", "x", "1e99"}) {
    SCOPED_TRACE(nonsense);
    server.Command("SET " + kKey + " " + nonsense);
    EXPECT_EQ(*replica.ask().Share({kNothing}), Shared{std::nullopt});
    EXPECT_EQ(*replica.ask().Share({Lesson(1'500'000, 1'300'000)}), Shared{1'300'000});
  }
  server.Command("DEL " + kKey);
  server.Command("LPUSH " + kKey + " 1");
  EXPECT_FALSE(replica.ask().Share({kNothing}).ok()) << "and an error is only an error";
  EXPECT_TRUE(replica.Sync(1).ok());
}

}  // namespace
}  // namespace llmbatch::redis
