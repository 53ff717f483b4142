#include "scenarios/catalog.h"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace llmbatch::scenarios {
namespace {

constexpr std::string_view kValueSchema =
    R"({"type":"object","properties":{"value":{"type":"string"}},"required":["value"],"additionalProperties":false})";
constexpr std::string_view kIntentSchema =
    R"({"type":"object","properties":{"generalIntent":{"type":"string"}},"required":["generalIntent"],"additionalProperties":false})";
constexpr std::string_view kGroupsSchema =
    R"({"type":"object","properties":{"groups":{"type":"array"}},"required":["groups"],"additionalProperties":false})";
constexpr std::string_view kLabelSchema =
    R"({"type":"object","properties":{"label":{"type":"string"}},"required":["label"],"additionalProperties":false})";

// An answer of the task's 500 tokens costs 0.00025 dollars.
constexpr model::ModelPrice kPrice{.input_nanos_per_1k = 100'000,
                                   .cached_input_nanos_per_1k = 10'000,
                                   .output_nanos_per_1k = 500'000};

}  // namespace

std::shared_ptr<const model::Catalog> MakeCatalog(const Words& words) {
  model::Task task;
  task.name = Has(words, "task") ? Value(words, "task") : "label";
  task.route = {{.provider = "first", .model = "m1"}};
  if (Has(words, "second-model")) task.route.push_back({.provider = "second", .model = "m2"});
  if (Has(words, "third-model")) task.route.push_back({.provider = "third", .model = "m3"});
  task.system = "Label the items.";
  task.prompt = "{{items_json}}";
  task.max_batch_tokens = Number(words, "max-tokens", 1'000);
  task.max_batch_items = Number(words, "max-items", 4);
  task.linger =
      ToDuration(Value(words, "linger")).value_or(base::Duration(std::chrono::milliseconds(200)));
  task.max_output_tokens = 500;
  task.max_attempts = static_cast<int>(Number(words, "attempts", 4));
  task.max_item_attempts = static_cast<int>(Number(words, "item-attempts", 3));
  task.output_schema_json = kLabelSchema;
  task.fallback_json = Value(words, "fallback");
  task.cache_ttl = ToDuration(Value(words, "cache")).value_or(base::Duration::zero());
  task.cache_batched = Has(words, "cache-batched");
  task.budget.day = model::ParseDecimal(Value(words, "task-budget"));
  auto catalog = std::make_shared<model::Catalog>();
  if (Has(words, "gold")) catalog->user_weights.emplace("gold", Number(words, "gold", 1));
  for (const model::RouteEntry& route : task.route) {
    model::Provider provider;
    provider.name = route.provider;
    provider.rates.requests_per_minute = Number(words, "requests-per-minute", 0);
    catalog->providers.emplace(route.provider, provider);
    const bool is_second = route.provider == "second";
    const std::int64_t context = Number(words, "context", 8'000);
    catalog->models.emplace(
        route, model::ModelInfo{
                   .context_window_tokens = Number(words, route.provider + "-context", context),
                   .max_output_tokens = is_second ? Number(words, "second-output", 1'000) : 1'000,
                   .prices = Has(words, "price") ? model::PriceList{{.price = kPrice}}
                                                 : model::PriceList{}});
  }
  if (Has(words, "route")) {
    const model::RouteEntry chosen{.provider = "chosen", .model = "c1"};
    catalog->routes.emplace(Value(words, "route"), std::vector{chosen});
    model::Provider provider;
    provider.name = chosen.provider;
    catalog->providers.emplace(chosen.provider, provider);
    catalog->models.emplace(
        chosen, model::ModelInfo{.context_window_tokens = 8'000, .max_output_tokens = 1'000});
  }
  const auto add = [&](const char* name, const char* workflow, std::string_view schema,
                       std::map<std::string, std::string> steps = {}) {
    task.name = name;
    task.workflow = workflow;
    task.output_schema_json = schema;
    task.steps = std::move(steps);
    catalog->tasks.emplace(name, std::make_shared<const model::Task>(task));
  };
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  task.fallback_json.clear();
  add("form", "fields", kValueSchema);
  add("sort", "classification", kIntentSchema, {{"resolve", "same"}});
  add("same", "map", kGroupsSchema);
  add("compare", "comparison", kValueSchema, {{"merge", "same"}});
  add("question", "query", kValueSchema, {{"merge", "same"}});
  add("chat", "chain", kLabelSchema);
  return catalog;
}

}  // namespace llmbatch::scenarios
