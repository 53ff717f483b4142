#include "ctl/plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "batching/prompt_template.h"
#include "batching/token_planner.h"
#include "ctl/job_message.h"
#include "json/writer.h"
#include "providers/price.h"
#include "tokens/model_tokens.h"
#include "wire/request.h"
#include "workflows/registry.h"

namespace llmbatch::ctl {
namespace {

// A task with what reckons its prompts.
struct Recipe {
  std::shared_ptr<const model::Task> task;
  model::ModelInfo model;
  batching::TokenPlanner planner;
  double ratio;  // of the model's tokens to estimated ones

  std::int64_t Count(std::int64_t estimated) const {
    return static_cast<std::int64_t>(ratio * static_cast<double>(estimated) + 0.5);
  }
  std::int64_t MostOutput() const {
    return std::min(task->max_output_tokens, model.max_output_tokens);
  }
  std::int64_t Bound() const {
    return std::min(task->max_batch_tokens, model.context_window_tokens - MostOutput());
  }
};

// `selection`: a route that is asked in place of the task's own; empty: its own.
base::Result<Recipe> RecipeOf(const std::string& name, const std::string& selection,
                              const config::Config& config) {
  auto chosen = std::make_shared<model::Task>(*config.catalog->tasks.at(name));
  if (!selection.empty()) chosen->route = config.catalog->routes.at(selection);
  const model::Task& task = *chosen;
  const auto compiled = batching::PromptTemplate::Compile(task);
  if (!compiled) return compiled.error();
  const model::ModelInfo& model = config.catalog->models.at(task.route.front());
  const tokens::ModelTokens tokens = batching::TokensFor(task.route.front().model, model.tokenizer);
  return Recipe{.task = std::move(chosen),
                .model = model,
                .planner = batching::TokenPlanner(*compiled, tokens, config.bpe),
                .ratio = tokens.seed_ratio};
}

// Prompts that gather, and the sum of those that are full.
class Reckoning {
 public:
  Reckoning(Plan& plan, const config::Config& config, std::string selection, base::WallTime at)
      : plan_(plan), config_(config), selection_(std::move(selection)), at_(at) {}

  base::Result<void> Add(const workflows::Step& step, const model::Task& job_task) {
    const std::string& name = step.kind.empty() ? job_task.name : job_task.steps.at(step.kind);
    if (!recipes_.contains(name)) {
      auto made = RecipeOf(name, selection_, config_);
      if (!made) return made.error();
      recipes_.emplace(name, *std::move(made));
    }
    const Recipe& recipe = recipes_.at(name);
    ++plan_.steps;
    std::int64_t tokens = recipe.planner.ItemTokens(step.input);
    for (const model::Turn& turn : step.history)
      tokens +=
          recipe.planner.ItemTokens({.kind = model::ItemInput::Kind::kText, .value = turn.text});
    std::int64_t fixed = recipe.planner.fixed_tokens();
    if (step.company) fixed += recipe.planner.ContextTokens(step.company->context_json);
    tokens = recipe.Count(tokens);
    fixed = recipe.Count(fixed);
    if (fixed + tokens > recipe.Bound() && recipe.task->oversize == model::Oversize::kError) {
      ++plan_.too_large;
      return {};
    }
    const std::string company = step.company ? step.company->name : std::string();
    Prompt& prompt = open_[{name, company}];
    const bool full =
        prompt.items >= recipe.task->max_batch_items || prompt.tokens + tokens > recipe.Bound();
    if (prompt.items > 0 && (full || step.alone)) Close(recipe, prompt);
    if (prompt.items == 0) prompt.tokens = fixed;
    prompt.tokens += tokens;
    ++prompt.items;
    if (step.alone) Close(recipe, prompt);
    return {};
  }

  // Returns how many calls the round has.
  std::int64_t EndRound() {
    for (auto& [key, prompt] : open_)
      if (prompt.items > 0) Close(recipes_.at(key.first), prompt);
    open_.clear();
    return std::exchange(calls_, 0);
  }

 private:
  struct Prompt {
    std::int64_t items = 0;
    std::int64_t tokens = 0;
  };

  void Close(const Recipe& recipe, Prompt& prompt) {
    ++calls_;
    ++plan_.batches;
    const std::int64_t most = recipe.MostOutput();
    const std::int64_t least = std::min(most, kLeastAnswerTokens * prompt.items);
    plan_.input_tokens += prompt.tokens;
    plan_.least_output_tokens += least;
    plan_.most_output_tokens += most;
    AddCost(recipe, prompt.tokens, least, plan_.least_cost);
    AddCost(recipe, prompt.tokens, most, plan_.most_cost);
    prompt = {};
  }

  void AddCost(const Recipe& recipe, std::int64_t input, std::int64_t output,
               std::optional<model::NanoUsd>& sum) const {
    model::Usage usage;
    usage.input_tokens = input;
    usage.output_tokens = output;
    const auto cost = providers::CostOf(usage, recipe.model.prices, model::kStandardTier, at_);
    if (cost && sum) {
      *sum += *cost;
    } else {
      sum.reset();
    }
  }

  Plan& plan_;
  const config::Config& config_;
  std::string selection_;
  base::WallTime at_;
  std::map<std::string, Recipe> recipes_;
  std::map<std::pair<std::string, std::string>, Prompt> open_;  // by task and company
  std::int64_t calls_ = 0;
};

// What stands in for an answer. Two names of each kind make a classification compare them. A chain
// goes on after units that it didn't get.
model::ItemResult OutcomeOf(const std::string& workflow, std::int64_t number) {
  model::ItemResult result;
  model::ItemOutcome& outcome = result.outcome;
  outcome.cost = model::NanoUsd{};
  if (workflow == "chain") {
    outcome.error = model::ItemError{.code = model::ErrorCode::kAnswerInvalid,
                                     .message = "no call was made",
                                     .retryable = false,
                                     .attempts = 0};
    return result;
  }
  outcome.status = model::ResultStatus::kOk;
  const std::string name = "\"name " + std::to_string(number % 2) + "\"";
  outcome.output_json = R"({"generalIntent":)" + name + R"(,"transferReason":)" + name +
                        R"(,"dropOffLocation":)" + name + "}";
  return result;
}

std::string Seconds(base::Duration duration) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.1f", base::ToSeconds(duration));
  return text.data();
}

std::string Money(const std::optional<model::NanoUsd>& cost) {
  return cost ? "$" + model::ToDecimal(*cost) : "unknown";
}

}  // namespace

base::Result<Plan> PlanOf(const std::string& message, const config::Config& config,
                          base::Duration call_time, base::WallTime at) {
  const auto checked = CheckMessage(message, config);
  if (!checked) return checked.error();
  if (!checked->is_job) return base::Invalid("only a job can be planned");
  ports::Record record;
  record.value = message;
  auto decoded =
      wire::DecodeRequest(record, static_cast<std::size_t>(config.kafka.max_message_bytes));
  auto* job = std::get_if<model::Job>(&decoded);
  if (job == nullptr) return base::Invalid("only a job can be planned");
  const model::Task& task = *config.catalog->tasks.at(job->task);
  const auto recipe = RecipeOf(task.name, job->model_selection, config);
  if (!recipe) return recipe.error();

  Plan plan;
  plan.job_id = job->job_id;
  plan.workflow = job->workflow;
  plan.least_cost = plan.most_cost = model::NanoUsd{};
  auto made = workflows::Make(*job, task, recipe->Bound() - recipe->planner.fixed_tokens());
  if (const auto* malformed = std::get_if<wire::Malformed>(&made))
    return base::Invalid(std::string(ToString(malformed->reason)) + ": " + malformed->detail);
  workflows::Workflow& workflow = *std::get<std::unique_ptr<workflows::Workflow>>(made);
  if (workflow.awaited_items() > 0)
    return base::Invalid("item_count: what its items will need isn't known from the job alone");
  if (!workflow.references().empty())
    return base::Invalid(
        workflow.references().front().field +
        ": what is elsewhere can't be looked at, so what it will need isn't known");
  std::int64_t at_once = std::max<std::int64_t>(1, config.limits.concurrency);
  if (workflow.max_parallel() > 0) at_once = std::min(at_once, workflow.max_parallel());

  Reckoning reckoning(plan, config, job->model_selection, at);
  std::size_t answered = 0;
  workflows::Steps round = workflow.Begin();
  while (!round.empty()) {
    for (const workflows::Step& step : round)
      if (auto added = reckoning.Add(step, task); !added) return added.error();
    const std::int64_t calls = reckoning.EndRound();
    ++plan.rounds;
    plan.duration += call_time * ((calls + at_once - 1) / at_once);
    workflows::Steps next;
    const std::size_t end = answered + round.size();
    for (; answered < end; ++answered) {
      auto outcome = OutcomeOf(plan.workflow, static_cast<std::int64_t>(answered));
      for (auto& step : workflow.OnOutcome(answered, std::move(outcome)))
        next.push_back(std::move(step));
    }
    round = std::move(next);
  }
  return plan;
}

std::string TextOf(const Plan& plan) {
  std::string text = plan.job_id + ": workflow " + plan.workflow + "\n";
  text += "steps      " + std::to_string(plan.steps);
  if (plan.too_large > 0) text += ", " + std::to_string(plan.too_large) + " too large for a prompt";
  text += "\nbatches    " + std::to_string(plan.batches) + ", in " + std::to_string(plan.rounds) +
          (plan.rounds == 1 ? " round\n" : " rounds that follow one another\n");
  text += "input      about " + std::to_string(plan.input_tokens) + " tokens\n";
  text += "output     " + std::to_string(plan.least_output_tokens) + " to " +
          std::to_string(plan.most_output_tokens) + " tokens\n";
  text += "cost       " + Money(plan.least_cost) + " to " + Money(plan.most_cost) + "\n";
  text += "duration   about " + Seconds(plan.duration) + " s\n";
  return text;
}

std::string JsonOf(const Plan& plan) {
  json::Writer writer;
  const auto write_cost = [&writer](const char* name, const std::optional<model::NanoUsd>& cost) {
    writer.Key(name);
    cost ? writer.String(model::ToDecimal(*cost)) : writer.Null();
  };
  writer.BeginObject();
  writer.Key("job_id").String(plan.job_id).Key("workflow").String(plan.workflow);
  writer.Key("steps").Int(plan.steps).Key("too_large").Int(plan.too_large);
  writer.Key("batches").Int(plan.batches).Key("rounds").Int(plan.rounds);
  writer.Key("input_tokens").Int(plan.input_tokens);
  writer.Key("least_output_tokens").Int(plan.least_output_tokens);
  writer.Key("most_output_tokens").Int(plan.most_output_tokens);
  write_cost("least_cost_usd", plan.least_cost);
  write_cost("most_cost_usd", plan.most_cost);
  writer.Key("duration_ms").Int(base::ToMillis(plan.duration));
  return writer.EndObject().Take();
}

}  // namespace llmbatch::ctl
