// Where an item goes that the first model of its task has no room for.
#include "pipeline/batcher.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace llmbatch::pipeline {
namespace {

constexpr base::Timestamp kNow{std::chrono::hours(1)};
constexpr std::int64_t kOutputTokens = 500;

struct Setting {
  model::Oversize oversize = model::Oversize::kError;
  std::int64_t max_batch_tokens = 0;
  std::vector<std::int64_t> contexts;  // of the models of the route, in tokens
};

std::shared_ptr<Recipe> RecipeOf(const Setting& setting) {
  auto task = std::make_shared<model::Task>();
  model::Catalog catalog;
  catalog.providers.emplace("p", model::Provider{.name = "p"});
  for (std::size_t i = 0; i < setting.contexts.size(); ++i) {
    const model::RouteEntry route{.provider = "p", .model = "m" + std::to_string(i)};
    catalog.models.emplace(route, model::ModelInfo{.context_window_tokens = setting.contexts[i],
                                                   .max_output_tokens = kOutputTokens});
    task->route.push_back(route);
  }
  task->name = "t";
  task->prompt = "{{items_json}}";
  task->oversize = setting.oversize;
  task->max_batch_tokens = setting.max_batch_tokens;
  task->max_output_tokens = kOutputTokens;
  auto recipe = Recipe::Build(task, catalog);
  EXPECT_TRUE(recipe.ok());
  return *recipe;
}

// The place in the route of the model that an item of about 500 tokens is to be asked of: "too
// large": of none; "gathers": of the first, with others.
std::string PlaceOf(const Setting& setting) {
  Request request;
  request.id = model::RequestId{1};
  request.recipe = RecipeOf(setting);
  request.item.input.kind = model::ItemInput::Kind::kText;
  for (int i = 0; i < 500; ++i) request.item.input.value += "word ";
  Batcher batcher(/*by_user=*/false);
  ports::Commands out;
  if (batcher.Add(request, kNow, out) == Batcher::Fit::kTooLarge) return "too large";
  const std::vector<BatchPlan> plans = batcher.TakeReady();
  if (plans.empty()) return "gathers";
  EXPECT_EQ(plans.size(), 1U);
  EXPECT_EQ(plans.front().requests, std::vector{request.id});
  return std::to_string(plans.front().lane);
}

TEST(Batcher, HandsAnItemToTheFirstModelWithRoomForIt) {
  using enum model::Oversize;
  struct Case {
    Setting setting;
    std::string_view place;
  };
  const Case cases[] = {
      {{kError, 8'000, {8'000}}, "gathers"},
      {{kError, 8'000, {8'000, 100'000}}, "gathers"},
      {{kError, 8'000, {800}}, "too large"},
      {{kError, 8'000, {800, 8'000}}, "1"},
      {{kError, 8'000, {800, 700, 8'000, 100'000}}, "2"},
      {{kError, 8'000, {800, 700}}, "too large"},
      // The bound is the task's, whatever its models could take.
      {{kError, 300, {8'000, 100'000}}, "too large"},
      {{kError, 300, {800, 8'000}}, "too large"},
      {{kAlone, 300, {8'000, 100'000}}, "0"},
      {{kAlone, 300, {800, 8'000}}, "1"},
      {{kAlone, 300, {800, 700}}, "too large"},
  };
  for (const Case& c : cases) {
    std::string contexts;
    for (const std::int64_t context : c.setting.contexts) contexts += std::to_string(context) + " ";
    EXPECT_EQ(PlaceOf(c.setting), c.place)
        << contexts << "with a bound of " << c.setting.max_batch_tokens;
  }
}

}  // namespace
}  // namespace llmbatch::pipeline
