#include "jobs/batch_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::jobs {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr model::RequestId kJob{7};
constexpr model::RequestId kOther{8};

base::WallTime At(int second) { return base::WallTime(std::chrono::seconds(second)); }

BatchNews New(const std::string& id) {
  return {.batch_id = id,
          .status = BatchStatus::kPending,
          .model = "p/m",
          .members = {{kJob, "a"}, {kOther, "x"}, {kJob, "b"}},
          .usage = {}};
}

TEST(BatchList, ListsTheJobsOwnItems) {
  BatchList list;
  list.Apply(kJob, New("b1"), At(1));
  const auto changed = list.TakeChanged();
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_EQ(changed[0].id, "b1");
  EXPECT_EQ(changed[0].json, R"({"id":"b1","status":"pending","items":["a","b"],"model":"p/m",)"
                             R"("created_at":"1970-01-01T00:00:01.000Z"})");
}

TEST(BatchList, KnowsNothingOfBatchesWithoutItsItems) {
  BatchList list;
  list.Apply(model::RequestId{9}, New("b1"), At(1));
  // News of a batch that was made before the job was taken here.
  list.Apply(kJob,
             {.batch_id = "b2",
              .status = BatchStatus::kCompleted,
              .model = {},
              .members = {},
              .usage = {}},
             At(1));
  EXPECT_THAT(list.TakeChanged(), SizeIs(0));
}

TEST(BatchList, TellsABatchWhenItHasChanged) {
  BatchList list;
  list.Apply(kJob, New("b1"), At(1));
  list.Apply(kJob, New("b2"), At(1));
  EXPECT_THAT(list.TakeChanged(), SizeIs(2));
  BatchNews news{.batch_id = "b1",
                 .status = BatchStatus::kInProgress,
                 .model = {},
                 .members = {},
                 .usage = {}};
  list.Apply(kJob, news, At(2));
  news.status = BatchStatus::kCompleted;
  news.usage = model::Usage{};
  news.usage->input_tokens = 12;
  list.Apply(kJob, news, At(3));
  const auto changed = list.TakeChanged();
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_THAT(changed[0].json, HasSubstr(R"("status":"completed")"));
  EXPECT_THAT(changed[0].json, HasSubstr(R"("completed_at":"1970-01-01T00:00:03.000Z")"));
  EXPECT_THAT(changed[0].json, HasSubstr(R"("input_tokens":12)"));
  EXPECT_THAT(list.TakeChanged(), SizeIs(0));
  list.TellAll();
  EXPECT_THAT(list.TakeChanged(), SizeIs(2));
}

model::ItemOutcome Answered(const std::string& batch_id, const std::string& output_json) {
  model::ItemOutcome outcome;
  outcome.status = model::ResultStatus::kOk;
  outcome.output_json = output_json;
  outcome.batch_id = batch_id;
  return outcome;
}

TEST(BatchList, TellsHowTheItemsOfABatchHaveEnded) {
  BatchList list;
  list.Apply(kJob, New("b1"), At(1));
  list.TakeChanged();
  list.Apply("a", Answered("b1", R"({"label":"x"})"));
  model::ItemOutcome failed = model::NeverAsked(model::ErrorCode::kAnswerInvalid, "secret");
  failed.batch_id = "b1";
  list.Apply("b", failed);
  // From the ledger: that batch was made before the job was taken here.
  list.Apply("c", Answered("b0", "1"));
  const auto changed = list.TakeChanged();
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_THAT(changed[0].json,
              HasSubstr(R"("results":[{"id":"a","status":"ok","output":{"label":"x"}},)"
                        R"({"id":"b","status":"error","error":{"code":"answer_invalid"}}])"));
}

TEST(BatchList, TellsOnlyTheSizeOfAnswersThatAreTooMuch) {
  BatchList list;
  list.Apply(kJob, New("b1"), At(1));
  const std::string half = '"' + std::string(kMaxBatchOutputBytes / 2, 'x') + '"';
  list.Apply("a", Answered("b1", half));
  list.Apply("b", Answered("b1", half));
  list.Apply("c", Answered("b1", "1"));
  const auto changed = list.TakeChanged();
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_THAT(changed[0].json, HasSubstr(R"({"id":"b","status":"ok","output_bytes":8194},)"
                                         R"({"id":"c","status":"ok","output":1})"));
  EXPECT_LT(changed[0].json.size(), kMaxBatchOutputBytes + 1'000);
}

TEST(BatchList, ClosesWhatIsOpenWhenTheJobEnds) {
  BatchList list;
  list.Apply(kJob, New("b1"), At(1));
  list.CloseOpen(At(5));
  const auto changed = list.TakeChanged();
  ASSERT_THAT(changed, SizeIs(1));
  EXPECT_THAT(changed[0].json, HasSubstr(R"("status":"failed")"));
  EXPECT_THAT(changed[0].json, Not(HasSubstr("usage")));
}

}  // namespace
}  // namespace llmbatch::jobs
