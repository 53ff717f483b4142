#include "sim/plan.h"

#include <memory>
#include <tuple>

namespace llmbatch::sim {
namespace {

// Zero for most seeds, so that each fault is also seen alone.
std::uint64_t Sometimes(base::Rng& rng, std::uint64_t most) {
  return rng.Chance(0.5) ? 0 : rng.Below(most) + 1;
}

model::RateLimits MakeRates(base::Rng& rng) {
  model::RateLimits rates;
  if (rng.Chance(0.3)) rates.requests_per_minute = static_cast<std::int64_t>(rng.Below(2'000)) + 20;
  if (rng.Chance(0.2))
    rates.tokens_per_minute = static_cast<std::int64_t>(rng.Below(500'000)) + 5'000;
  return rates;
}

// Of a task; 0 for most.
std::int64_t MakeConcurrency(base::Rng& rng) {
  return rng.Chance(0.3) ? static_cast<std::int64_t>(rng.Below(3)) + 1 : 0;
}

// Like `task` otherwise.
void AddDocumentTasks(model::Catalog& catalog, model::Task task) {
  const std::tuple<const char*, const char*, const char*> kTasks[] = {
      {"compare", kCompareSystem, "comparison"},
      {"ask", kAskSystem, "query"},
      {"join", kJoinSystem, "map"}};
  task.concurrency = 0;
  task.output_schema_json =
      R"({"type":"object","properties":{"value":{"type":"string"}},"required":["value"],"additionalProperties":false})";
  for (const auto& [name, system, workflow] : kTasks) {
    task.name = name;
    task.system = system;
    task.workflow = workflow;
    task.steps.clear();
    if (task.workflow != "map") task.steps = {{"merge", "join"}};
    catalog.tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  }
}

std::shared_ptr<const model::Catalog> MakeCatalog(base::Rng& rng, base::Rng& pools) {
  auto catalog = std::make_shared<model::Catalog>();
  model::Task task;
  task.name = "label";
  task.route = {{.provider = "first", .model = "m1"}};
  if (rng.Chance(0.3)) task.route.push_back({.provider = "second", .model = "m2"});
  task.system = "Label the items.";
  task.prompt = "{{items_json}}";
  task.max_batch_tokens = rng.Chance(0.3) ? 220 : 1'000;
  task.max_batch_items = static_cast<std::int64_t>(rng.Below(8)) + 1;
  task.linger = std::chrono::milliseconds(rng.Below(300));
  task.max_output_tokens = 500;
  task.max_attempts = static_cast<int>(rng.Below(5)) + 2;
  task.timeout = std::chrono::seconds(20);
  task.isolate_tenants = rng.Chance(0.2);
  if (rng.Chance(0.2)) task.fallback_json = R"({"label":"unknown"})";
  task.output_schema_json =
      R"({"type":"object","properties":{"label":{"type":"string"}},"required":["label"],"additionalProperties":false})";
  for (const model::RouteEntry& route : task.route) {
    model::Provider provider;
    provider.name = route.provider;
    provider.concurrency = static_cast<std::int64_t>(rng.Below(6)) + 1;
    provider.rates = MakeRates(rng);
    catalog->providers.emplace(route.provider, provider);
    // Batches that go on to it have to be divided, now and then.
    const bool is_small = route.provider == "second" && pools.Chance(0.5);
    catalog->models
        .emplace(route, model::ModelInfo{.context_window_tokens = is_small ? 650 : 8'000,
                                         .max_output_tokens = 1'000,
                                         .prices = {{.price = {.input_nanos_per_1k = 100'000,
                                                               .cached_input_nanos_per_1k = 10'000,
                                                               .output_nanos_per_1k = 500'000}}}})
        .first->second.rates = MakeRates(rng);
  }
  task.concurrency = MakeConcurrency(pools);
  if (pools.Chance(0.1)) task.permits = 2;
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  task.name = "form";
  task.system = kFormSystem;
  task.concurrency = MakeConcurrency(pools);
  task.permits = 1;
  task.workflow = "fields";
  if (!task.fallback_json.empty()) task.fallback_json = R"({"value":"unknown"})";
  task.output_schema_json =
      R"({"type":"object","properties":{"value":{"type":"string"}},"required":["value"],"additionalProperties":false})";
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  task.name = "sort";
  task.system = kSortSystem;
  task.concurrency = MakeConcurrency(pools);
  task.workflow = "classification";
  if (!task.fallback_json.empty()) task.fallback_json = R"({"generalIntent":"unknown"})";
  task.output_schema_json =
      R"({"type":"object","properties":{"generalIntent":{"type":"string"}},"required":["generalIntent"],"additionalProperties":false})";
  task.steps = {{"resolve", "same"}};
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  task.name = "same";
  task.system = kSameSystem;
  task.concurrency = MakeConcurrency(pools);
  task.workflow = "map";
  task.fallback_json.clear();
  task.output_schema_json =
      R"({"type":"object","properties":{"groups":{"type":"array"}},"required":["groups"],"additionalProperties":false})";
  task.steps.clear();
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  AddDocumentTasks(*catalog, task);
  task.name = "plan";
  task.system = kPlanSystem;
  task.concurrency = MakeConcurrency(pools);
  task.workflow = "chain";
  if (pools.Chance(0.2)) task.fallback_json = R"({"title":"unknown"})";
  task.output_schema_json =
      R"({"type":"object","properties":{"units":{"type":"array"}},"required":["units"],"additionalProperties":false})";
  catalog->tasks.emplace(task.name, std::make_shared<const model::Task>(task));
  if (pools.Chance(0.3)) {
    for (auto& [name, provider] : catalog->providers) {
      provider.adaptive = {.min = static_cast<std::int64_t>(pools.Below(2)) + 1,
                           .max = static_cast<std::int64_t>(pools.Below(6)) + 2};
    }
  }
  return catalog;
}

void AddChosenRoute(std::shared_ptr<const model::Catalog>& shared, base::Rng& rng) {
  auto catalog = std::make_shared<model::Catalog>(*shared);
  const model::RouteEntry route{.provider = kChosenProvider, .model = "m3"};
  model::Provider provider;
  provider.name = route.provider;
  provider.concurrency = static_cast<std::int64_t>(rng.Below(4)) + 1;
  catalog->providers.emplace(route.provider, std::move(provider));
  catalog->models.emplace(route, catalog->models.at({.provider = "first", .model = "m1"}))
      .first->second.rates = {};
  catalog->routes.emplace(kChosenRoute, std::vector{route});
  shared = std::move(catalog);
}

}  // namespace

Plan Plan::FromSeed(std::uint64_t seed) {
  base::Rng rng(seed);
  Plan plan;
  plan.seed = seed;
  plan.replicas = static_cast<int>(rng.Below(3)) + 1;
  plan.partitions = static_cast<int>(rng.Below(4)) + 1;
  plan.records = static_cast<int>(rng.Below(120)) + 1;
  plan.permit_limit = static_cast<std::int64_t>(rng.Below(6)) + 1;
  plan.malformed_records = Sometimes(rng, 200);
  plan.jobs = Sometimes(rng, 200);
  plan.poisonous_items = Sometimes(rng, 80);
  plan.oversize_items = Sometimes(rng, 80);
  plan.provider_errors = Sometimes(rng, 400);
  plan.bad_answers = Sometimes(rng, 400);
  plan.publish_failures = Sometimes(rng, 200);
  plan.commit_failures = Sometimes(rng, 300);
  plan.crashes = rng.Chance(0.3) ? static_cast<int>(rng.Below(4)) : 0;
  plan.stops = rng.Chance(0.3) ? static_cast<int>(rng.Below(3)) : 0;
  plan.rebalances = rng.Chance(0.3) ? static_cast<int>(rng.Below(4)) : 0;
  plan.rebuilds = rng.Chance(0.2) ? static_cast<int>(rng.Below(3)) : 0;
  plan.redis_outages = rng.Chance(0.3) ? static_cast<int>(rng.Below(3)) : 0;
  plan.busy_elsewhere = rng.Chance(0.3);
  plan.provider_latency = std::chrono::milliseconds(rng.Below(3'000));

  pipeline::Options& options = plan.options;
  // Of their own, so that what else a seed plans doesn't hang on them.
  base::Rng pools(seed ^ 0xD1B54A32D192ED03U);
  options.catalog = MakeCatalog(rng, pools);
  options.permits = {.limit = plan.permit_limit, .lease = std::chrono::seconds(15)};
  options.limits.max_pending_bytes = rng.Chance(0.3) ? 4'000 : 1 << 20;
  options.limits.max_span_records = rng.Chance(0.3) ? 5 : 10'000;
  options.limits.max_open_records = rng.Chance(0.3) ? 2 : 500;
  options.commit_interval = std::chrono::milliseconds(rng.Below(1'500) + 1);
  options.probe_interval = std::chrono::seconds(5);
  options.items_timeout = std::chrono::minutes(2);
  options.max_wait = std::chrono::minutes(10);
  plan.exactly_once = rng.Chance(0.3);
  if (plan.exactly_once) options.delivery = pipeline::Delivery::kExactlyOnce;
  plan.freezes = rng.Chance(0.3) ? static_cast<int>(rng.Below(3)) : 0;
  plan.reloads = rng.Chance(0.3) ? static_cast<int>(rng.Below(5)) : 0;
  if (rng.Chance(0.25)) {
    // Of a few calls, or of many.
    options.budgets.all.day = model::NanoUsd{static_cast<std::int64_t>(rng.Below(10'000'000)) + 1};
    if (rng.Chance(0.5)) {
      options.budgets.each_user.month =
          model::NanoUsd{static_cast<std::int64_t>(rng.Below(5'000'000)) + 1};
    }
    options.call_limits.exhausted_ends = true;
  }
  if (rng.Chance(0.25)) plan.Cache(rng.Chance(0.5));
  base::Rng faults(seed ^ 0xA0761D6478BD642FU);
  // What a budget does then is the driver's test of it.
  const bool budgets = options.budgets.all.day || options.budgets.each_user.month;
  if (!budgets && faults.Chance(0.2)) plan.redis_losses = static_cast<int>(faults.Below(2)) + 1;
  if (faults.Chance(0.15)) plan.lost_replies = faults.Below(100) + 1;
  if (faults.Chance(0.3)) plan.repeated_events = faults.Below(300) + 1;
  if (faults.Chance(0.2)) plan.broker_outages = static_cast<int>(faults.Below(3)) + 1;
  plan.clocks_differ = faults.Chance(0.3);
  plan.untold_ends = plan.jobs > 0 && rng.Chance(0.3) ? static_cast<int>(rng.Below(3)) + 1 : 0;
  base::Rng documents(seed ^ 0x589965CC75374CC3U);
  plan.failed_fetches = Sometimes(documents, 300);
  // What the provider bills for calls that are given up, a budget learns only as an estimate.
  if (!budgets) plan.cancelled_jobs = Sometimes(documents, 300);
  // Whose answer it is would not be known for sure.
  if (!plan.redis_fails() && plan.freezes == 0) plan.repeated_jobs = Sometimes(documents, 300);
  if (documents.Chance(0.3)) {
    options.documents.max_parallel = static_cast<std::int64_t>(documents.Below(2)) + 1;
    options.documents.max_job_bytes = static_cast<std::int64_t>(documents.Below(3'000)) + 500;
    options.documents.max_bytes = options.documents.max_job_bytes;
    options.documents.max_held_bytes = options.documents.max_job_bytes;
    options.documents.max_attempts = static_cast<int>(documents.Below(4)) + 1;
  }
  base::Rng choices(seed ^ 0xE7037ED1A0B428DBU);
  plan.referring_jobs = Sometimes(choices, 500);
  if (!budgets) plan.retried_jobs = Sometimes(choices, 1'000);
  plan.choosing_jobs = Sometimes(choices, 500);
  if (plan.choosing_jobs > 0) AddChosenRoute(options.catalog, choices);
  // Few are cancelled when a part of them is done, if there are few.
  if (choices.Chance(0.3)) plan.jobs += 300;
  return plan;
}

void Plan::Cache(bool batched) {
  cached = true;
  auto catalog = std::make_shared<model::Catalog>(*options.catalog);
  for (auto& [name, shared] : catalog->tasks) {
    model::Task task = *shared;
    task.cache_ttl = std::chrono::hours(24);
    task.cache_batched = batched;
    if (!batched) task.max_batch_items = 1;
    shared = std::make_shared<const model::Task>(std::move(task));
  }
  options.catalog = std::move(catalog);
}

ports::ConfigurationLoaded Plan::Changed(base::Rng& rng) const {
  auto catalog = std::make_shared<model::Catalog>(*options.catalog);
  model::Task task = *catalog->tasks.at("label");
  const auto up_to = [&rng](std::int64_t most) {
    return static_cast<std::int64_t>(rng.Below(static_cast<std::uint64_t>(most))) + 1;
  };
  task.max_batch_items = up_to(task.max_batch_items);
  task.linger = std::chrono::milliseconds(rng.Below(300));
  if (rng.Chance(0.5)) task.system = "Label the items, please.";
  if (rng.Chance(0.5)) task.route.resize(1);
  for (auto& [name, provider] : catalog->providers)
    provider.concurrency = up_to(provider.concurrency);
  catalog->tasks["label"] = std::make_shared<const model::Task>(std::move(task));
  ports::LiveLimits limits{.concurrency = up_to(permit_limit),
                           .max_pending_bytes = rng.Chance(0.3) ? 4'000 : 1 << 20,
                           .drain_timeout = std::chrono::seconds(rng.Below(30)),
                           .max_wait = options.max_wait,
                           .progress_interval = std::chrono::milliseconds(rng.Below(1'000) + 1),
                           .commit_interval = std::chrono::milliseconds(rng.Below(1'500) + 1)};
  return {.catalog = std::move(catalog), .limits = limits};
}

std::map<std::string, std::int64_t> Plan::PoolLimits() const {
  std::map<std::string, std::int64_t> limits;
  for (const auto& [name, provider] : options.catalog->providers) {
    limits.emplace("provider:" + name, provider.concurrency);
  }
  for (const auto& [route, model] : options.catalog->models) {
    const auto& provider = options.catalog->providers.at(route.provider);
    if (provider.adaptive) {
      limits.emplace("model:" + route.provider + "/" + route.model, provider.adaptive->max);
    }
  }
  for (const auto& [name, task] : options.catalog->tasks) {
    if (task->concurrency > 0) limits.emplace("task:" + name, task->concurrency);
  }
  return limits;
}

std::string Plan::Describe() const {
  return "replicas " + std::to_string(replicas) + ", partitions " + std::to_string(partitions) +
         ", records " + std::to_string(records) + ", permits " + std::to_string(permit_limit) +
         ", crashes " + std::to_string(crashes) + ", untold ends " + std::to_string(untold_ends) +
         ", stops " + std::to_string(stops) + ", rebalances " + std::to_string(rebalances) +
         ", freezes " + std::to_string(freezes) + ", Redis outages " +
         std::to_string(redis_outages) + ", losses of Redis' data " + std::to_string(redis_losses) +
         ", lost replies " + std::to_string(lost_replies) + ", broker outages " +
         std::to_string(broker_outages) + ", reloads " + std::to_string(reloads) +
         (clocks_differ ? ", clocks differ" : "") + (exactly_once ? ", exactly once" : "") +
         (cached ? ", cached" : "");
}

}  // namespace llmbatch::sim
