// Where the records of jobs stand in Redis. What they mean is tested by job_conformance.h.
#include <gtest/gtest.h>

#include <string>

#include "driver/redis/redis_server.h"
#include "driver/redis/replica.h"
#include "unit/coordinator/job_conformance.h"

namespace llmbatch::redis {
namespace {

using coordinator::SaveOf;
using coordinator::TakenState;
using coordinator::TakeOf;

constexpr std::size_t kInline = 16'384;

std::string TextOf(std::size_t bytes) { return std::string(bytes, 'x'); }

class JobRecords : public ::testing::Test {
 protected:
  // Of a hash that isn't there, and a text likewise, it is 0.
  std::size_t BytesOf(const std::string& field) const {
    return Number("HSTRLEN {llmbatchd}:job:j " + field);
  }
  std::size_t BytesBeside(const std::string& kind) const {
    return Number("STRLEN {llmbatchd}:job-" + kind + ":j");
  }
  // ":123"
  std::size_t Number(const std::string& command) const {
    return std::stoul(server_.Command(command).substr(1));
  }

  ports::JobRecordSaved::State End(const std::string& result, std::int64_t epoch = 1) {
    ports::SaveJobRecord save = SaveOf("j", epoch, model::JobStatus::kCompleted);
    save.result = result;
    return *replica_.ask().Save(save);
  }

  RedisServer server_;
  Replica replica_{Replica::Options(server_.url())};
};

TEST_F(JobRecords, HaveWhatIsSmallInThem) {
  ports::TakeJobRecord take = TakeOf("j");
  take.request = TextOf(kInline);
  ASSERT_TRUE(replica_.ask().Take(take).ok());
  End(TextOf(kInline));
  EXPECT_EQ(BytesOf("request"), kInline);
  EXPECT_EQ(BytesOf("result"), kInline);
  EXPECT_EQ(BytesOf("request_key") + BytesOf("result_key"), 0);
  EXPECT_EQ(BytesBeside("request") + BytesBeside("result"), 0);
}

TEST_F(JobRecords, NameWhatIsLargeAndItLivesAsLongAsTheyDo) {
  ports::TakeJobRecord take = TakeOf("j");
  take.request = TextOf(kInline + 1);
  take.ttl = std::chrono::seconds(60);
  ASSERT_TRUE(replica_.ask().Take(take).ok());
  End(TextOf(1'000'000));  // lives for an hour
  EXPECT_EQ(BytesOf("request") + BytesOf("result"), 0);
  EXPECT_EQ(BytesBeside("request"), kInline + 1);
  EXPECT_EQ(BytesBeside("result"), 1'000'000);
  for (const std::string kind : {"request", "result"}) {
    const std::string key = "{llmbatchd}:job-" + kind + ":j";
    EXPECT_EQ(BytesOf(kind + "_key"), key.size());
    EXPECT_GT(Number("TTL " + key), 3'000);
  }
  EXPECT_LT(Number("MEMORY USAGE {llmbatchd}:job:j"), 2'000);
}

TEST_F(JobRecords, BeginAnewWhenTheResultIsLost) {
  ASSERT_TRUE(replica_.ask().Take(TakeOf("j")).ok());
  End(TextOf(kInline + 1));
  EXPECT_EQ(replica_.ask().Take(TakeOf("j"))->state, TakenState::kEnded);
  server_.Command("DEL {llmbatchd}:job-result:j");
  EXPECT_EQ(replica_.ask().Take(TakeOf("j", "another"))->state, TakenState::kOtherUser);
  const auto taken = replica_.ask().Take(TakeOf("j"));
  EXPECT_EQ(taken->state, TakenState::kNew);
  EXPECT_FALSE(taken->cancel_requested);
  EXPECT_EQ(Number("ZCARD {llmbatchd}:jobs:status:completed"), 0);
  EXPECT_EQ(Number("ZCARD {llmbatchd}:jobs:user-completed:u"), 0);
  EXPECT_EQ(Number("ZCARD {llmbatchd}:jobs:user-queued:u"), 1);
  EXPECT_EQ(End("{}", taken->epoch), ports::JobRecordSaved::State::kSaved);
  EXPECT_EQ(replica_.ask().Take(TakeOf("j"))->result, "{}");
}

TEST_F(JobRecords, AreListedByPriorityThenAgeWhileOpenAndByAgeForTheirUser) {
  const struct {
    const char* id;
    int priority;
    int age_s;
  } jobs[] = {{"late", 5, 0}, {"low", 2, 30}, {"early", 5, 20}, {"urgent", 8, 10}};
  for (const auto& job : jobs) {
    ports::TakeJobRecord take = TakeOf(job.id);
    take.priority = job.priority;
    take.now -= std::chrono::seconds(job.age_s);
    ASSERT_TRUE(replica_.ask().Take(take).ok());
  }
  std::size_t rank = 0;
  for (const std::string id : {"urgent", "early", "late", "low"})
    EXPECT_EQ(Number("ZRANK {llmbatchd}:jobs:open " + id), rank++) << id;
  rank = 0;
  for (const std::string id : {"late", "urgent", "early", "low"})
    EXPECT_EQ(Number("ZREVRANK {llmbatchd}:jobs:user:u " + id), rank++) << id;
  ASSERT_TRUE(replica_.ask().Save(SaveOf("urgent", 1, model::JobStatus::kFailed)).ok());
  EXPECT_EQ(Number("ZRANK {llmbatchd}:jobs:open early"), 0);
  EXPECT_EQ(Number("ZCARD {llmbatchd}:jobs:open"), 3);
}

}  // namespace
}  // namespace llmbatch::redis
