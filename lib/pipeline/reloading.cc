// Pipeline, beside a request's life: a changed configuration.
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "pipeline/observations.h"
#include "pipeline/pipeline.h"

namespace llmbatch::pipeline {

base::Result<Pipeline::Recipes> Pipeline::BuildRecipes(
    const model::Catalog& catalog, const std::shared_ptr<const tokens::Bpe>& bpe) {
  Recipes recipes;
  for (const auto& [name, task] : catalog.tasks) {
    auto recipe = Recipe::Build(task, catalog, bpe);
    if (!recipe) return base::Invalid("tasks." + name + ": " + recipe.error().message);
    recipes.emplace(RecipeName{.task = name, .route = {}}, *recipe);
    for (const auto& [kind, other] : task->steps) {
      if (!catalog.tasks.contains(other))
        return base::Invalid("tasks." + name + ".steps." + kind + ": no such task");
    }
  }
  return recipes;
}

void Pipeline::On(ports::ConfigurationLoaded& event) {
  LLMBATCH_CHECK(event.catalog != nullptr);
  auto recipes = BuildRecipes(*event.catalog, options_.bpe);
  if (!recipes) {
    Emit(ports::LogLine{.level = ports::LogLevel::kError,
                        .message = "the new configuration is refused",
                        .fields = {{"error", recipes.error().message}}});
    ports::ConfigurationRefused refused;
    return On(refused);
  }
  // What jobs chose before, they may choose again.
  for (const auto& [name, before] : recipes_) {
    if (name.route.empty() || !event.catalog->tasks.contains(name.task)) continue;
    auto selected = Recipe::BuildSelected(name, *event.catalog, options_.bpe);
    if (selected) recipes->emplace(name, *std::move(selected));
  }
  for (const auto& [name, recipe] : *recipes) {
    const auto before = recipes_.find(name);
    if (before != recipes_.end()) recipe->LearnFrom(*before->second);
  }
  // What gathers keeps its recipe, so nothing new may join it.
  batcher_.FlushAll(out_);
  recipes_ = std::move(recipes).value();
  ratios_.OnRecipes();
  options_.catalog = std::move(event.catalog);

  const ports::LiveLimits& limits = event.limits;
  options_.permits.limit = limits.concurrency;
  options_.limits.max_pending_bytes = limits.max_pending_bytes;
  options_.drain_timeout = limits.drain_timeout;
  options_.max_wait = limits.max_wait;
  options_.jobs.progress_interval = limits.progress_interval;
  options_.items_timeout = limits.items_timeout;
  options_.commit_interval = limits.commit_interval;
  calls_.OnOptions(now_.steady);
  partitions_.SetLimits(options_.limits, options_.commit_interval);
  jobs_.SetOptions(options_.jobs);

  ObserveNoFailures(*options_.catalog, out_);
  reload_refused_ = false;
  loaded_at_ = now_.wall;
  ReportConfiguration("ok");
  Emit(ports::LogLine{.level = ports::LogLevel::kInfo,
                      .message = "a new configuration is in use",
                      .fields = {{"tasks", std::to_string(options_.catalog->tasks.size())}}});
}

void Pipeline::On(ports::ConfigurationRefused&) {
  reload_refused_ = true;
  ReportConfiguration("refused");
}

void Pipeline::ReportConfiguration(std::string_view outcome) {
  ++reloads_;
  next_gauges_ = {};
  Emit(Observed(ports::Metric::kConfigReloads, 1, {std::string(outcome)}));
}

}  // namespace llmbatch::pipeline
