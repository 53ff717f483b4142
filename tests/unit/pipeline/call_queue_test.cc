#include "pipeline/call_queue.h"

#include <gtest/gtest.h>

#include <string>

namespace llmbatch::pipeline {
namespace {

using std::chrono::seconds;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr auto kAnyPermit = [](CallQueue::PermitClass) { return true; };

std::int64_t Startable(const CallQueue& queue, base::Timestamp now) {
  std::int64_t calls = 0;
  for (const auto& [id, wish] : queue.Startable(now)) calls += wish.calls;
  return calls;
}

// One task for each model: "p/m" is model m of the provider p, which takes two calls at a time.
std::shared_ptr<Recipe> RecipeFor(const std::string& provider, const std::string& model) {
  auto task = std::make_shared<model::Task>();
  task->name = "t";
  task->prompt = "{{items_json}}";
  task->route = {{.provider = provider, .model = model}};
  model::Catalog catalog;
  model::Provider options;
  options.name = provider;
  options.concurrency = 2;
  catalog.providers.emplace(provider, options);
  catalog.models.emplace(task->route[0], model::ModelInfo{});
  auto recipe = Recipe::Build(task, catalog);
  EXPECT_TRUE(recipe.ok());
  return *recipe;
}

Call CallOf(std::uint64_t id, std::shared_ptr<Recipe> recipe) {
  Call call;
  call.id = {id};
  call.recipe = std::move(recipe);
  return call;
}

const model::RouteEntry& RouteOf(const Call& call) { return call.recipe->lanes()[call.lane].route; }

std::string PopAll(CallQueue& queue, base::Timestamp now = kStart) {
  std::string order;
  while (const auto order_of = queue.Pop(now, kAnyPermit))
    order += (order.empty() ? "" : " ") + std::to_string(order_of->id.value);
  return order;
}

TEST(CallQueue, TakesRealTimeFirstThenPriorityThenAge) {
  CallQueue queue;
  const auto recipe = RecipeFor("p", "m");
  Call old = CallOf(1, recipe);
  Call young = CallOf(2, recipe);
  Call important = CallOf(3, recipe);
  important.priority = 9;
  Call urgent = CallOf(4, recipe);
  urgent.urgent = true;
  for (const Call* call : {&young, &urgent, &important, &old}) queue.Push(*call);
  EXPECT_EQ(queue.size(), 4U);
  EXPECT_EQ(PopAll(queue), "4 3 1 2");
  EXPECT_EQ(queue.size(), 0U);
}

TEST(CallQueue, KeepsToAChangedBoundWhateverARecipeSays) {
  CallQueue queue;
  const Call running = CallOf(1, RecipeFor("p", "m"));
  queue.OnStarted(running);
  const Call waiting = CallOf(2, running.recipe);
  queue.Push(waiting);
  EXPECT_EQ(Startable(queue, kStart), 1);
  model::Provider narrower;
  narrower.concurrency = 1;
  queue.SetProviders({{"p", narrower}});
  EXPECT_EQ(Startable(queue, kStart), 0);
  const Call another = CallOf(3, RecipeFor("p", "m"));
  queue.Push(another);
  EXPECT_EQ(Startable(queue, kStart), 0);
  queue.OnEnded(running);
  EXPECT_EQ(PopAll(queue), "2 3");
}

TEST(CallQueue, KeepsThatOrderOverAllProviders) {
  CallQueue queue;
  Call low = CallOf(1, RecipeFor("p", "m"));
  Call high = CallOf(2, RecipeFor("q", "m"));
  high.priority = 9;
  queue.Push(low);
  queue.Push(high);
  EXPECT_EQ(PopAll(queue), "2 1");
}

TEST(CallQueue, AHeldModelBlocksNoOther) {
  CallQueue queue;
  const Call held = CallOf(1, RecipeFor("p", "m"));
  const Call sibling = CallOf(2, RecipeFor("p", "n"));
  const Call other = CallOf(3, RecipeFor("q", "m"));
  for (const Call* call : {&held, &sibling, &other}) queue.Push(*call);
  queue.Hold(RouteOf(held), kStart + seconds(10));
  EXPECT_EQ(Startable(queue, kStart), 2);
  EXPECT_EQ(PopAll(queue), "2 3");
  EXPECT_EQ(queue.Deadline(kStart), kStart + seconds(10));
  EXPECT_EQ(PopAll(queue, kStart + seconds(10)), "1");
}

TEST(CallQueue, AHoldIsNeverShortened) {
  CallQueue queue;
  const Call call = CallOf(1, RecipeFor("p", "m"));
  queue.Push(call);
  queue.Hold(RouteOf(call), kStart + seconds(10));
  queue.Hold(RouteOf(call), kStart + seconds(5));
  EXPECT_EQ(queue.HeldUntil(call, kStart), kStart + seconds(10));
  EXPECT_EQ(queue.HeldUntil(call, kStart + seconds(10)), std::nullopt);
}

TEST(CallQueue, ABusyProviderBlocksNoOther) {
  CallQueue queue;
  const auto busy = RecipeFor("p", "m");
  queue.OnStarted(CallOf(1, busy));
  queue.OnStarted(CallOf(2, busy));
  const Call waiting = CallOf(3, busy);
  const Call sibling = CallOf(4, RecipeFor("p", "n"));
  const Call other = CallOf(5, RecipeFor("q", "m"));
  for (const Call* call : {&waiting, &sibling, &other}) queue.Push(*call);
  EXPECT_EQ(Startable(queue, kStart), 1);
  EXPECT_EQ(PopAll(queue), "5") << "the bound is for all models of a provider together";
  queue.OnEnded(CallOf(1, busy));
  EXPECT_EQ(Startable(queue, kStart), 1);
  EXPECT_EQ(queue.Pop(kStart, kAnyPermit)->id, waiting.id);
}

TEST(CallQueue, WantsNoMoreThanAProviderTakes) {
  CallQueue queue;
  const auto recipe = RecipeFor("p", "m");
  for (std::uint64_t id = 1; id <= 5; ++id) queue.Push(CallOf(id, recipe));
  EXPECT_EQ(Startable(queue, kStart), 2);
}

TEST(CallQueue, NoDeadlineWithoutACallThatWaitsForIt) {
  CallQueue queue;
  const Call call = CallOf(1, RecipeFor("p", "m"));
  queue.Hold(RouteOf(call), kStart + seconds(10));
  EXPECT_EQ(queue.Deadline(kStart), std::nullopt);
  queue.Push(call);
  EXPECT_EQ(queue.Deadline(kStart), kStart + seconds(10));
  queue.Remove(call);
  EXPECT_EQ(queue.Deadline(kStart), std::nullopt);
  EXPECT_EQ(queue.size(), 0U);
}

TEST(CallQueue, TellsWhatWaitsForWhichModel) {
  CallQueue queue;
  const Call call = CallOf(1, RecipeFor("p", "m"));
  queue.Push(call);
  queue.Hold(RouteOf(call), kStart + seconds(10));
  const auto status = queue.Status(kStart + seconds(4));
  ASSERT_EQ(status.size(), 1U);
  EXPECT_EQ(status[0].route, (model::RouteEntry{.provider = "p", .model = "m"}));
  EXPECT_EQ(status[0].waiting, 1);
  EXPECT_EQ(status[0].held_for, seconds(6));
}

}  // namespace
}  // namespace llmbatch::pipeline
