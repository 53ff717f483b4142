// Recipe: a task made ready for work: templates compiled, schema compiled, and what was learnt
// about its answers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admission/output_forecast.h"
#include "answers/answer_schema.h"
#include "base/result.h"
#include "batching/prompt_template.h"
#include "batching/token_planner.h"
#include "json/schema.h"
#include "model/task.h"
#include "tokens/calibration.h"

namespace llmbatch::pipeline {

// One way to serve a task, with what was learnt about it.
struct Lane {
  model::RouteEntry route;
  model::ModelInfo model;
  model::Provider provider;
  std::string tier;  // that calls ask for, as price lists have it
  batching::TokenPlanner planner;
  tokens::Calibration calibration;
  std::string ratio_name;  // of the calibration, the same on all replicas
  admission::OutputForecast output;

  // Tokens that an answer may have: what the task allows, as far as the model can.
  std::int64_t OutputLimit(const model::Task& task) const;
  // Tokens that the model's context leaves for a prompt.
  std::int64_t PromptRoom(const model::Task& task) const;
  // Tokens that the items of one batch may have, so that the whole stays within the task's bound
  // and the model's context.
  std::int64_t ItemTokenBound(const model::Task& task) const;
};

// What a recipe is for.
struct RecipeName {
  std::string task;
  std::string route;  // of the catalog, in place of the task's own; empty: its own

  friend auto operator<=>(const RecipeName&, const RecipeName&) = default;
};

// Shared by all requests and calls that began with it, also when a changed configuration has
// another in its place. Belongs to one thread.
class Recipe {
 public:
  // `bpe`: see Options.
  static base::Result<std::shared_ptr<Recipe>> Build(
      const std::shared_ptr<const model::Task>& task, const model::Catalog& catalog,
      const std::shared_ptr<const tokens::Bpe>& bpe = nullptr);
  // For jobs that choose their models. The error says why the task can't be asked with that route.
  // REQUIRES: name.task is in the catalog; name.route isn't empty
  static base::Result<std::shared_ptr<Recipe>> BuildSelected(
      const RecipeName& name, const model::Catalog& catalog,
      const std::shared_ptr<const tokens::Bpe>& bpe = nullptr);

  // Takes over what `before` has learnt, as far as it holds for this one.
  void LearnFrom(const Recipe& before);

  const model::Task& task() const { return *task_; }
  const std::string& version() const { return version_; }
  // Empty: the task's own.
  const std::string& selected_route() const { return selected_route_; }
  const batching::PromptTemplate& prompt_template() const { return prompt_template_; }
  // Of the whole answer of a batch; empty if the task has no output schema.
  const std::string& answer_schema_json() const { return answer_schema_json_; }
  // Of one item's output; nullptr if the task has none.
  const json::Schema* item_schema() const { return item_schema_ ? &*item_schema_ : nullptr; }
  std::vector<Lane>& lanes() { return lanes_; }

  // How many items may share a batch for the lane: what the task allows, and what is expected to
  // fit into one answer.
  std::int64_t MaxItems(const Lane& lane) const;
  // Learns from an answer to `items` items.
  void ObserveAnswer(std::int64_t output_tokens, std::int64_t items);

 private:
  Recipe(std::shared_ptr<const model::Task> task, batching::PromptTemplate prompt_template,
         std::string selected_route);
  static base::Result<std::shared_ptr<Recipe>> Build(const std::shared_ptr<const model::Task>& task,
                                                     std::string selected_route,
                                                     const model::Catalog& catalog,
                                                     const std::shared_ptr<const tokens::Bpe>& bpe);

  std::shared_ptr<const model::Task> task_;
  std::string version_;
  std::string selected_route_;
  batching::PromptTemplate prompt_template_;
  std::string answer_schema_json_;
  std::optional<json::Schema> item_schema_;
  std::vector<Lane> lanes_;
  double output_tokens_per_item_ = 0;  // 0: nothing learnt yet
};

}  // namespace llmbatch::pipeline
