#include "config/load.h"

#include <utility>

#include "config/files.h"
#include "config/sections.h"
#include "config/values.h"

namespace llmbatch::config {
namespace {

Names KeysOf(const toml::table& root, std::string_view key) {
  Names names;
  if (const toml::table* table = root[key].as_table()) {
    for (const auto& [name, node] : *table) names.emplace(name.str());
  }
  return names;
}

std::map<std::string, ProviderConfig> ReadProviders(Section section,
                                                    const Environment& environment) {
  std::map<std::string, ProviderConfig> providers;
  for (auto& [name, provider] : section.NamedTables()) {
    providers.emplace(name, ReadProvider(name, provider, environment));
  }
  if (providers.empty())
    section.Fail("", "missing: add [providers.NAME] with base_url and api_key");
  return providers;
}

std::map<std::string, std::vector<model::RouteEntry>> ReadRoutes(Section section,
                                                                 const TaskContext& context) {
  std::map<std::string, std::vector<model::RouteEntry>> routes;
  for (auto& [name, route] : section.NamedTables()) {
    if (!route.Has("models")) route.Fail("models", "missing: a list of \"provider/model\"");
    routes[name] = ReadRouteEntries(route, "models", route.Strings("models", {}), context);
    route.RefuseOthers();
  }
  return routes;
}

class Reader {
 public:
  Reader(const toml::table& root, const Environment& environment, Credentials credentials,
         Report& report)
      : root_(root),
        environment_(environment),
        kafka_environment_(environment),
        redis_environment_(environment),
        top_(root, "", {.file = report.main_file(), .line = 1}, report) {
    environment_.fetch_secrets = credentials == Credentials::kAll;
    kafka_environment_.fetch_secrets =
        credentials == Credentials::kAll || credentials == Credentials::kKafka;
    redis_environment_.fetch_secrets =
        credentials == Credentials::kAll || credentials == Credentials::kRedis;
  }

  Config Read() {
    Config config;
    config.kafka = ReadKafka(top_.Table("kafka"), KeysOf(root_, "tasks"), kafka_environment_);
    config.redis = ReadRedis(top_.Table("redis"), redis_environment_);
    config.admin = ReadAdmin(top_.Table("admin"));
    config.limits = ReadLimits(top_.Table("limits"), config.kafka);
    config.documents = ReadDocuments(top_.Table("documents"), environment_);
    config.budgets = ReadBudgets(top_.Table("budgets"));
    config.providers = ReadProviders(top_.Table("providers"), environment_);
    config.catalog = ReadCatalog(config);
    CheckPrices(config);
    config.bpe = ReadRanks();
    for (const char* read_before : {"task_files", "prices"}) top_.Known(read_before);
    top_.RefuseOthers();
    return config;
  }

 private:
  std::shared_ptr<const model::Catalog> ReadCatalog(const Config& config) {
    std::map<std::string, model::Provider> providers;
    for (const auto& [name, provider] : config.providers) providers[name] = provider.provider;
    const Models models = ReadModels(top_.Table("models"));
    std::map<std::string, std::vector<model::RouteEntry>> routes;
    const TaskContext context{.providers = providers,
                              .models = models,
                              .routes = routes,
                              .kafka = config.kafka,
                              .environment = environment_};
    routes = ReadRoutes(top_.Table("routes"), context);

    auto catalog = std::make_shared<model::Catalog>();
    catalog->providers = providers;
    for (const auto& [name, entries] : routes) {
      // One without is reported.
      if (!entries.empty()) catalog->routes.emplace(name, entries);
      for (const auto& entry : entries) catalog->models[entry] = models.at(entry);
    }
    catalog->user_weights = ReadUsers(top_.Table("users"));
    Section tasks = top_.Table("tasks");
    for (auto& [name, section] : tasks.NamedTables()) {
      auto task = ReadTask(name, section, context);
      for (const auto& entry : task->route) catalog->models[entry] = models.at(entry);
      catalog->tasks.emplace(name, std::move(task));
    }
    for (auto& [name, section] : tasks.NamedTables()) CheckSteps(name, section, *catalog);
    if (catalog->tasks.empty()) {
      tasks.Fail("", "missing: add [tasks.NAME] with route and prompt, or task_files");
    }
    return catalog;
  }

  // A task that steps of another are asked with: one question a step, one object an answer.
  static void CheckSteps(const std::string& name, Section& section, const model::Catalog& catalog) {
    for (const auto& [kind, other] : catalog.tasks.at(name)->steps) {
      Section steps = section.Table("steps");
      const auto found = catalog.tasks.find(other);
      if (found == catalog.tasks.end()) {
        std::vector<std::string> known;
        for (const auto& [each, task] : catalog.tasks) known.push_back(each);
        const auto nearest = Nearest(other, known);
        steps.Fail(kind, "unknown task \"" + other + "\"; " +
                             (nearest ? "did you mean \"" + *nearest + "\"?"
                                      : "add [tasks." + other + "]"));
      } else if (found->second->workflow != "map" ||
                 found->second->answer != model::AnswerForm::kItems) {
        steps.Fail(kind, "must name a task with workflow = \"map\" and answer = \"items\"");
      }
    }
  }

  std::shared_ptr<const tokens::Bpe> ReadRanks() {
    if (!top_.Has("rank_file")) {
      top_.Known("rank_file");
      return nullptr;
    }
    const std::string path = top_.ResolvePath("rank_file", top_.String("rank_file", ""));
    const auto text = environment_.read_file(path);
    if (!text) {
      top_.Fail("rank_file", text.error().message);
      return nullptr;
    }
    auto bpe = tokens::Bpe::Parse(*text);
    if (!bpe) {
      top_.Fail("rank_file", "is no file of ranks: " + bpe.error().message);
      return nullptr;
    }
    return *std::move(bpe);
  }

  // Money can only be counted where it is known what a call costs.
  void CheckPrices(const Config& config) {
    const bool all = config.budgets.all.any() || config.budgets.each_user.any();
    for (const auto& [name, task] : config.catalog->tasks) {
      if (!all && !task->budget.any()) continue;
      for (const model::RouteEntry& entry : task->route) {
        if (!config.catalog->models.at(entry).prices.empty()) continue;
        Section tasks = top_.Table("tasks");
        tasks.Table(name).Fail("route", "has a budget and " + entry.provider + "/" + entry.model +
                                            " has no price; add it to [models]");
      }
    }
    if (!all) return;
    for (const auto& [name, route] : config.catalog->routes) {
      for (const model::RouteEntry& entry : route) {
        if (!config.catalog->models.at(entry).prices.empty()) continue;
        Section routes = top_.Table("routes");
        routes.Table(name).Fail("models", "there is a budget and " + entry.provider + "/" +
                                              entry.model + " has no price; add it to [models]");
      }
    }
  }

  const toml::table& root_;
  Environment environment_;
  Environment kafka_environment_;
  Environment redis_environment_;
  Section top_;
};

}  // namespace

std::string ToString(const ConfigProblem& problem) {
  std::string text = problem.file;
  if (problem.line > 0) text += ":" + std::to_string(problem.line);
  if (!text.empty()) text += ": ";
  if (!problem.key.empty()) text += problem.key + ": ";
  return text + problem.what;
}

LoadOutcome LoadFile(const std::string& path, const Environment& environment,
                     Credentials credentials) {
  Report report(path);
  LoadOutcome outcome;
  std::optional<toml::table> root = ReadFiles(path, environment, report);
  if (root) {
    ApplyVariables(*root, environment, report);
    Config config = Reader(*root, environment, credentials, report).Read();
    // A value that is refused may be a credential in the wrong place, so then none is listed.
    if (!report.HasProblems()) {
      outcome.config = std::move(config);
      outcome.values = report.TakeValues();
    }
  }
  outcome.problems = report.TakeProblems();
  outcome.warnings = report.TakeWarnings();
  return outcome;
}

}  // namespace llmbatch::config
