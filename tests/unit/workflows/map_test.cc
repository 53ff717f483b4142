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

MapWorkflow Elsewhere() { return MapWorkflow(model::DocumentPlace{.name = "today"}); }

TEST(MapWorkflow, AsksForItemsThatAreElsewhereWhenTheyAreThere) {
  for (const char* text :
       {R"([{"id":"a","text":"one"},{"id":"b","input":{"n":2},"metadata":{"m":1}}])",
        "{\"id\":\"a\",\"text\":\"one\"}\r\n\n{\"id\":\"b\",\"input\":{\"n\":2},\"metadata\":{"
        "\"m\":1}}"}) {
    MapWorkflow map = Elsewhere();
    EXPECT_TRUE(map.Begin().empty());
    ASSERT_EQ(map.references().size(), 1U);
    EXPECT_EQ(map.references()[0].field, "items_ref");
    EXPECT_FALSE(map.done());
    EXPECT_EQ(map.standing().message, "the items are being fetched");
    const Steps steps = map.OnFetched(0, {.text = text});
    ASSERT_EQ(steps.size(), 2U);
    EXPECT_EQ(steps[0].path, "map/0");
    EXPECT_EQ(steps[0].input.value, "one");
    EXPECT_EQ(steps[1].id, "b");
    EXPECT_EQ(steps[1].input.value, R"({"n":2})");
    EXPECT_EQ(steps[1].metadata_json, R"({"m":1})");
    EXPECT_FALSE(map.done());
    map.OnOutcome(0, Result("a"));
    map.OnOutcome(1, Result("b"));
    ASSERT_TRUE(map.done());
    EXPECT_EQ(map.End({}, {}).results.size(), 2U);
  }
}

TEST(MapWorkflow, FailsWithWhatIsWrongWithItemsThatAreElsewhere) {
  const std::string one = R"({"id":"a","text":"one"})";
  const std::pair<std::string, std::string> rows[] = {
      {"[", "items_ref: not JSON at byte 1"},
      {"[]", "items_ref: must have from 1 to 10000 elements"},
      {" \n", "items_ref: must have from 1 to 10000 elements"},
      {"[" + one + ",7]", "items_ref: [1]: must be of type object, is number"},
      {"[" + one + R"(,{"id":"b"}])", "items_ref: [1].input: missing"},
      {"[" + one + "," + one + "]", "items_ref: [1].id: the same as that of an item before"},
      {one + "\n\n" + R"({"text":"two"})", "items_ref: line 3: id: missing"},
      {one + "\n7", "items_ref: line 2: must be a JSON object"},
      {one + "\n{", "items_ref: line 2: not JSON at byte 1"},
      {one + "\n" + one, "items_ref: line 2: id: the same as that of an item before"},
  };
  for (const auto& [text, error] : rows) {
    MapWorkflow map = Elsewhere();
    map.Begin();
    EXPECT_TRUE(map.OnFetched(0, {.text = text}).empty());
    ASSERT_TRUE(map.done());
    const jobs::Ending ending = map.End({}, {});
    EXPECT_EQ(ending.status, model::JobStatus::kFailed);
    ASSERT_TRUE(ending.error);
    EXPECT_EQ(ending.error->code, model::ErrorCode::kInvalidMessage);
    EXPECT_FALSE(ending.error->retryable);
    EXPECT_EQ(ending.error->message, error);
  }
  std::string many;
  for (int i = 0; i <= 10'000; ++i)
    many += R"({"id":")" + std::to_string(i) +
            R"(","text":""})"
            "\n";
  MapWorkflow map = Elsewhere();
  map.OnFetched(0, {.text = many});
  EXPECT_EQ(map.End({}, {}).error->message, "items_ref: must have from 1 to 10000 elements");
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
