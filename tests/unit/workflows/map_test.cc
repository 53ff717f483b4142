#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workflows/map/map_workflow.h"

namespace llmbatch::workflows {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

MapWorkflow Of(int items) {
  std::vector<model::Item> all;
  for (int i = 0; i < items; ++i) {
    model::Item item;
    item.id = "i" + std::to_string(i);
    item.input.value = "text " + std::to_string(i);
    item.metadata_json = "{}";
    all.push_back(std::move(item));
  }
  return MapWorkflow(std::move(all));
}

model::ItemResult Result(std::string id, model::ResultStatus status = model::ResultStatus::kOk,
                         model::ResultSource source = model::ResultSource::kGenerated) {
  model::ItemResult result;
  result.id = std::move(id);
  result.outcome.status = status;
  result.outcome.source = source;
  if (status == model::ResultStatus::kOk) result.outcome.output_json = "{}";
  if (status == model::ResultStatus::kError)
    result.outcome.error = model::ItemError{.code = model::ErrorCode::kAnswerInvalid};
  return result;
}

TEST(MapWorkflow, AsksForEveryItemAtOnce) {
  MapWorkflow map = Of(2);
  const Steps steps = map.Begin();
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[1].path, "map/1");
  EXPECT_EQ(steps[1].id, "i1");
  EXPECT_EQ(steps[1].input.value, "text 1");
  EXPECT_EQ(steps[1].metadata_json, "{}");
  EXPECT_FALSE(steps[1].alone);
  EXPECT_EQ(map.max_parallel(), 0);
  EXPECT_TRUE(map.publishes_steps());
}

TEST(MapWorkflow, EndsWithTheResultsInTheOrderAsked) {
  MapWorkflow map = Of(3);
  map.Begin();
  EXPECT_TRUE(map.OnOutcome(2, Result("i2")).empty());
  map.OnOutcome(0, Result("i0", model::ResultStatus::kOk, model::ResultSource::kCached));
  EXPECT_EQ(map.standing().percent, 66);
  EXPECT_EQ(map.standing().items,
            (model::ItemCounts{.total = 3, .done = 2, .failed = 0, .cached = 1}));
  EXPECT_FALSE(map.done());
  map.OnOutcome(1, Result("i1"));
  ASSERT_TRUE(map.done());
  jobs::Totals totals;
  totals.calls = 1;
  const jobs::Ending ending = map.End(totals, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_FALSE(ending.partial);
  EXPECT_EQ(ending.efficiency, 2.0);
  EXPECT_THAT(ending.results,
              ElementsAre(HasSubstr("\"i0\""), HasSubstr("\"i1\""), HasSubstr("\"i2\"")));
}

model::ItemResult At(std::int64_t offset, model::ResultStatus status = model::ResultStatus::kOk) {
  model::ItemResult result = Result("at " + std::to_string(offset), status);
  result.origin.offset = offset;
  return result;
}

TEST(MapWorkflow, AwaitsItemsThatFollowAndPutsThemInTheOrderOfTheirMessages) {
  MapWorkflow map(3);
  EXPECT_EQ(map.awaited_items(), 3);
  EXPECT_TRUE(map.Begin().empty());
  EXPECT_FALSE(map.done());
  map.OnOutcome(1, At(12));
  map.OnOutcome(0, At(30));
  EXPECT_EQ(map.standing().percent, 66);
  map.OnOutcome(2, At(7));
  ASSERT_TRUE(map.done());
  const jobs::Ending ending = map.End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_FALSE(ending.partial);
  EXPECT_FALSE(ending.error.has_value());
  EXPECT_THAT(ending.results,
              ElementsAre(HasSubstr("\"at 7\""), HasSubstr("\"at 12\""), HasSubstr("\"at 30\"")));
}

TEST(MapWorkflow, IsPartialWithoutTheItemsThatNeverCame) {
  const model::ItemError missing{.code = model::ErrorCode::kItemsMissing};
  MapWorkflow some(3);
  some.Begin();
  some.OnOutcome(0, At(1));
  const jobs::Ending ending = some.End({}, missing);
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_TRUE(ending.partial);
  EXPECT_EQ(ending.error->code, model::ErrorCode::kItemsMissing);
  EXPECT_EQ(ending.results.size(), 1U);

  MapWorkflow none(3);
  none.Begin();
  const jobs::Ending failed = none.End({}, missing);
  EXPECT_EQ(failed.status, model::JobStatus::kFailed);
  EXPECT_FALSE(failed.partial);
  EXPECT_EQ(failed.error->code, model::ErrorCode::kItemsMissing);
}

TEST(MapWorkflow, IsPartialWhenSomeItemsFailedAndFailedWhenAllDid) {
  MapWorkflow some = Of(2);
  some.Begin();
  some.OnOutcome(0, Result("i0", model::ResultStatus::kError));
  some.OnOutcome(1, Result("i1"));
  EXPECT_TRUE(some.End({}, {}).partial);

  MapWorkflow all = Of(1);
  all.Begin();
  all.OnOutcome(0, Result("i0", model::ResultStatus::kError));
  const jobs::Ending failed = all.End({}, {});
  EXPECT_EQ(failed.status, model::JobStatus::kFailed);
  EXPECT_FALSE(failed.partial);
  EXPECT_EQ(failed.error->code, model::ErrorCode::kAnswerInvalid);
}

}  // namespace
}  // namespace llmbatch::workflows
