#include "pipeline/ratios.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace llmbatch::pipeline {
namespace {

using std::chrono::seconds;
using Shared = std::vector<std::optional<std::int64_t>>;

constexpr base::Timestamp kStart{std::chrono::hours(1)};

// Tasks of these names, served by one model each.
Ratios::Recipes RecipesOf(const std::vector<std::string>& names) {
  const model::RouteEntry route{.provider = "p", .model = "m"};
  model::Catalog catalog;
  catalog.providers.emplace(route.provider, model::Provider{.name = route.provider});
  catalog.models.emplace(route, model::ModelInfo{.context_window_tokens = 8'000});
  Ratios::Recipes recipes;
  for (const std::string& name : names) {
    auto task = std::make_shared<model::Task>();
    task->name = name;
    task->route = {route};
    task->prompt = "{{items_json}}";
    auto recipe = Recipe::Build(task, catalog);
    EXPECT_TRUE(recipe.ok());
    recipes.emplace(RecipeName{.task = name, .route = {}}, *recipe);
  }
  return recipes;
}

class RatiosTest : public ::testing::Test {
 protected:
  tokens::Calibration& Of(const std::string& task) {
    return recipes_.at({.task = task, .route = {}})->lanes().front().calibration;
  }
  // A call that had so many times the tokens that were estimated.
  void Learn(const std::string& task, double factor) {
    Of(task).Observe(1'000, static_cast<std::int64_t>(1'000 * factor));
    ratios_.OnLearnt();
  }
  std::optional<ports::ShareRatios> Next(bool at_once = false) {
    return ratios_.Next(recipes_, model::RatiosId{++last_id_}, now_, at_once);
  }
  void Answer(const ports::ShareRatios& share, Shared ratios) {
    ratios_.OnShared({.share = share.share, .ratios = std::move(ratios)}, recipes_);
  }
  void Fail(const ports::ShareRatios& share) {
    ratios_.OnShared(
        {.share = share.share, .ratios = base::MakeError(base::ErrorKind::kUnavailable, "away")},
        recipes_);
  }

  base::Timestamp now_ = kStart;
  Ratios::Recipes recipes_ = RecipesOf({"a", "b"});
  Ratios ratios_;
  std::uint64_t last_id_ = 0;
};

TEST_F(RatiosTest, BeginWithWhatOthersHaveLearnt) {
  const auto share = Next();
  ASSERT_TRUE(share);
  ASSERT_EQ(share->lessons.size(), 2U);
  EXPECT_TRUE(share->lessons[0].name.starts_with("p/m/a/")) << share->lessons[0].name;
  EXPECT_EQ(share->lessons[0].keep, ports::RatioLesson::kOne) << "there is nothing to tell yet";
  Answer(*share, {1'250'000, std::nullopt});
  EXPECT_DOUBLE_EQ(Of("a").ratio(), 1.25);
  EXPECT_DOUBLE_EQ(Of("b").ratio(), 1.0);
  now_ += std::chrono::hours(1);
  EXPECT_FALSE(Next()) << "and nothing is asked for again without a reason";
}

TEST_F(RatiosTest, TellWhatWasLearntNowAndThen) {
  Answer(*Next(), {std::nullopt, 1'200'000});
  Learn("b", 1.7);
  now_ += seconds(4);
  EXPECT_FALSE(Next()) << "too early";
  now_ += seconds(1);
  const auto share = Next();
  ASSERT_TRUE(share);
  ASSERT_EQ(share->lessons.size(), 1U);
  EXPECT_EQ(share->lessons[0].ratio, 1'300'000);
  EXPECT_EQ(share->lessons[0].keep, 800'000);
  EXPECT_EQ(share->lessons[0].add, 340'000);
  Learn("b", 1.7);
  Answer(*share, {1'100'000});
  EXPECT_DOUBLE_EQ(Of("b").ratio(), 1.1 + 0.2 * 0.6) << "with what was seen meanwhile";
  EXPECT_TRUE(Next(/*at_once=*/true)) << "at the end";
}

TEST_F(RatiosTest, OneIsUnderWayAtMost) {
  const auto share = Next();
  Learn("a", 1.5);
  now_ += seconds(60);
  EXPECT_FALSE(Next(true));
  Answer({.share = model::RatiosId{99}, .lessons = {}, .ttl = {}}, {2'000'000, 2'000'000});
  EXPECT_DOUBLE_EQ(Of("a").ratio(), 1.1) << "an answer to something else changes nothing";
  Answer(*share, {std::nullopt, std::nullopt});
  EXPECT_TRUE(Next());
}

TEST_F(RatiosTest, WithoutTheCoordinatorGoByTheirOwnAndTellItLater) {
  Fail(*Next());
  EXPECT_FALSE(Next()) << "not at once again";
  EXPECT_FALSE(Next(/*at_once=*/true)) << "nor at the end, as long as it fails";
  Learn("a", 1.5);
  now_ += seconds(5);
  auto share = Next();
  ASSERT_TRUE(share);
  EXPECT_EQ(share->lessons.size(), 2U) << "b is still to be asked for";
  Fail(*share);
  EXPECT_DOUBLE_EQ(Of("a").ratio(), 1.1);
  Learn("a", 1.6);
  now_ += seconds(5);
  share = Next();
  ASSERT_TRUE(share);
  EXPECT_EQ(share->lessons[0].ratio, 1'200'000);
  EXPECT_EQ(share->lessons[0].keep, 640'000) << "both that were seen";
  EXPECT_EQ(share->lessons[0].add, 560'000);
}

TEST_F(RatiosTest, OfAnotherConfigurationOnlyWhatIsNewIsAskedFor) {
  Answer(*Next(), {std::nullopt, std::nullopt});
  Learn("a", 1.5);
  now_ += seconds(5);
  const auto share = Next();
  ASSERT_TRUE(share);
  recipes_ = RecipesOf({"b", "c"});
  ratios_.OnRecipes();
  Answer(*share, {1'500'000});
  EXPECT_DOUBLE_EQ(Of("b").ratio(), 1.0);
  now_ += seconds(5);
  const auto next = Next();
  ASSERT_TRUE(next);
  ASSERT_EQ(next->lessons.size(), 1U);
  EXPECT_TRUE(next->lessons[0].name.starts_with("p/m/c/"));
}

TEST_F(RatiosTest, AnAnswerOfAnotherLengthIsTakenAsFarAsItGoes) {
  Answer(*Next(), {1'500'000});
  EXPECT_DOUBLE_EQ(Of("a").ratio(), 1.5);
  EXPECT_DOUBLE_EQ(Of("b").ratio(), 1.0);
}

}  // namespace
}  // namespace llmbatch::pipeline
