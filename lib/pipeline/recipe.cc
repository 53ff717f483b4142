#include "pipeline/recipe.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ledger/fingerprint.h"
#include "providers/codec.h"
#include "providers/service_tier.h"

namespace llmbatch::pipeline {
namespace {

constexpr double kLearningRate = 0.2;
// Answers vary: a batch is planned to need no more than this part of the output limit.
constexpr double kPlannedShareOfOutputLimit = 0.8;
// Of a task's version; tells those of one task apart.
constexpr std::size_t kVersionDigits = 12;

// How texts are counted, where that isn't told by the model's name.
std::string_view NameOf(model::Tokenizer tokenizer) {
  switch (tokenizer) {
    case model::Tokenizer::kByName:
      break;
    case model::Tokenizer::kO200k:
      return "/o200k";
    case model::Tokenizer::kClaude:
      return "/claude";
    case model::Tokenizer::kChars:
      return "/chars";
  }
  return "";
}

// Other texts, and texts counted in another way, are off by other ratios.
std::string RatioName(const model::RouteEntry& route, const Recipe& recipe,
                      model::Tokenizer tokenizer, bool exact) {
  const std::string& selected = recipe.selected_route();
  return route.provider + "/" + route.model + "/" + recipe.task().name + "/" +
         recipe.version().substr(0, kVersionDigits) + (selected.empty() ? "" : "/as " + selected) +
         (exact ? "/exact" : std::string(NameOf(tokenizer)));
}

}  // namespace

std::int64_t Lane::OutputLimit(const model::Task& task) const {
  return std::min(task.max_output_tokens, model.max_output_tokens);
}

std::int64_t Lane::PromptRoom(const model::Task& task) const {
  return model.context_window_tokens - OutputLimit(task);
}

std::int64_t Lane::ItemTokenBound(const model::Task& task) const {
  const std::int64_t bound = std::min(task.max_batch_tokens, PromptRoom(task));
  return std::max<std::int64_t>(0, bound - calibration.Calibrated(planner.fixed_tokens()));
}

Recipe::Recipe(std::shared_ptr<const model::Task> task, batching::PromptTemplate prompt_template,
               std::string selected_route)
    : task_(std::move(task)),
      version_(ledger::TaskVersion(*task_)),
      selected_route_(std::move(selected_route)),
      prompt_template_(std::move(prompt_template)) {}

base::Result<std::shared_ptr<Recipe>> Recipe::Build(const std::shared_ptr<const model::Task>& task,
                                                    const model::Catalog& catalog,
                                                    const std::shared_ptr<const tokens::Bpe>& bpe) {
  return Build(task, {}, catalog, bpe);
}

base::Result<std::shared_ptr<Recipe>> Recipe::BuildSelected(
    const RecipeName& name, const model::Catalog& catalog,
    const std::shared_ptr<const tokens::Bpe>& bpe) {
  const auto route = catalog.routes.find(name.route);
  if (route == catalog.routes.end()) return base::Invalid("no such route is configured");
  model::Task task = *catalog.tasks.at(name.task);
  task.route = route->second;
  for (const model::RouteEntry& entry : task.route) {
    const std::string model = entry.provider + "/" + entry.model;
    const model::Provider& provider = catalog.providers.at(entry.provider);
    const providers::Codec* codec = providers::CodecFor(provider.api);
    const std::string& parameters = task.ParametersFor(entry);
    if (codec != nullptr) {
      const auto fits = codec->ValidateParameters(parameters, provider);
      if (!fits) {
        return base::Invalid("of task " + name.task + ", for " + model + ": " +
                             fits.error().message);
      }
    }
    if (task.budget.any() && catalog.models.at(entry).prices.empty())
      return base::Invalid("task " + name.task + " has a budget and " + model + " no price");
  }
  return Build(std::make_shared<const model::Task>(std::move(task)), name.route, catalog, bpe);
}

base::Result<std::shared_ptr<Recipe>> Recipe::Build(const std::shared_ptr<const model::Task>& task,
                                                    std::string selected_route,
                                                    const model::Catalog& catalog,
                                                    const std::shared_ptr<const tokens::Bpe>& bpe) {
  auto prompt_template = batching::PromptTemplate::Compile(*task);
  if (!prompt_template) return prompt_template.error();
  std::shared_ptr<Recipe> recipe(
      new Recipe(task, std::move(prompt_template).value(), std::move(selected_route)));
  if (!task->output_schema_json.empty()) {
    auto item_schema = json::Schema::Compile(task->output_schema_json);
    if (!item_schema) return item_schema.error();
    recipe->item_schema_ = std::move(item_schema).value();
    auto answer_schema = answers::BuildAnswerSchema(task->output_schema_json);
    if (!answer_schema) return answer_schema.error();
    recipe->answer_schema_json_ = std::move(answer_schema).value();
  }
  for (const model::RouteEntry& route : task->route) {
    const auto provider = catalog.providers.find(route.provider);
    const auto model = catalog.models.find(route);
    if (provider == catalog.providers.end() || model == catalog.models.end()) {
      return base::Invalid("route: unknown model " + route.provider + "/" + route.model);
    }
    const tokens::ModelTokens model_tokens =
        batching::TokensFor(route.model, model->second.tokenizer);
    batching::TokenPlanner planner(recipe->prompt_template_, model_tokens, bpe);
    const bool exact = planner.is_exact();
    recipe->lanes_.push_back(
        Lane{.route = route,
             .model = model->second,
             .provider = provider->second,
             .tier = providers::TierAskedBy(task->ParametersFor(route)),
             .planner = std::move(planner),
             .calibration = tokens::Calibration(model_tokens.seed_ratio),
             .ratio_name = RatioName(route, *recipe, model->second.tokenizer, exact),
             .output = {}});
  }
  return recipe;
}

void Recipe::LearnFrom(const Recipe& before) {
  // Other texts have other lengths.
  if (version_ != before.version_) return;
  output_tokens_per_item_ = before.output_tokens_per_item_;
  for (Lane& lane : lanes_) {
    const auto same =
        std::find_if(before.lanes_.begin(), before.lanes_.end(),
                     [&](const Lane& other) { return other.ratio_name == lane.ratio_name; });
    if (same != before.lanes_.end()) lane.calibration = same->calibration;
  }
}

std::int64_t Recipe::MaxItems(const Lane& lane) const {
  const std::int64_t limit = lane.OutputLimit(*task_);
  if (output_tokens_per_item_ <= 0) {
    // What the task allows is meant for its own limit.
    return std::max<std::int64_t>(1, task_->max_batch_items * limit / task_->max_output_tokens);
  }
  const double fitting =
      kPlannedShareOfOutputLimit * static_cast<double>(limit) / output_tokens_per_item_;
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(fitting)), 1,
                                  task_->max_batch_items);
}

void Recipe::ObserveAnswer(std::int64_t output_tokens, std::int64_t items) {
  if (items <= 0 || output_tokens <= 0) return;
  const double each = static_cast<double>(output_tokens) / static_cast<double>(items);
  output_tokens_per_item_ =
      output_tokens_per_item_ <= 0
          ? each
          : output_tokens_per_item_ + kLearningRate * (each - output_tokens_per_item_);
}

}  // namespace llmbatch::pipeline
