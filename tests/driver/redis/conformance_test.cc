#include "unit/coordinator/conformance.h"

#include <gtest/gtest.h>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"
#include "unit/coordinator/job_conformance.h"

namespace llmbatch::coordinator {
namespace {

class RedisCoordinatorTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Ask().AwaitOffer(std::chrono::seconds(20))) << "it listens"; }
  Asker<redis::RedisCoordinator> Ask() { return {replica_.coordinator(), replica_.inbox()}; }

  redis::RedisServer server_;
  redis::Replica replica_{redis::Replica::Options(server_.url())};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Redis, ConformanceTest, RedisCoordinatorTest);
INSTANTIATE_TYPED_TEST_SUITE_P(Redis, JobConformanceTest, RedisCoordinatorTest);

}  // namespace
}  // namespace llmbatch::coordinator
