// llmbatchd: consumes items from Kafka, packs them into batches, calls LLM providers, publishes
// results.
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "app.h"
#include "config/environment.h"
#include "config/load.h"
#include "logging/logger.h"
#include "pipeline/recipe.h"
#include "signals.h"

namespace {

namespace daemon = llmbatch::daemon;
using llmbatch::config::ConfigProblem;
using llmbatch::config::LoadOutcome;

void Print(const char* kind, const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems)
    std::cerr << kind << ": " << ToString(problem) << "\n";
}

// Also what only the parts that will use it can tell.
LoadOutcome Load(const std::string& path) {
  LoadOutcome outcome = llmbatch::config::LoadFile(path, llmbatch::config::SystemEnvironment());
  if (!outcome.config) return outcome;
  for (const auto& [name, task] : outcome.config->catalog->tasks) {
    const auto recipe = llmbatch::pipeline::Recipe::Build(task, *outcome.config->catalog);
    if (!recipe) {
      outcome.problems.push_back(
          {.file = path, .line = 0, .key = "tasks." + name, .what = recipe.error().message});
    }
  }
  if (!outcome.problems.empty()) outcome.config.reset();
  return outcome;
}

std::vector<llmbatch::base::Secret> SecretsOf(const llmbatch::config::Config& config) {
  std::vector<llmbatch::base::Secret> secrets{config.redis.password};
  for (const auto& [name, provider] : config.providers) secrets.push_back(provider.api_key);
  for (const auto& [name, secret] : config.kafka.secret_properties) secrets.push_back(secret);
  return secrets;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Packs items from Kafka into token-bounded batches and calls LLM providers.",
               "llmbatchd");
  std::string run_path;
  std::string check_path;
  std::string level = "info";
  app.add_option("--config", run_path, "Run with this configuration")->type_name("FILE");
  app.add_option("--check-config", check_path,
                 "Tell everything that is wrong with a configuration, and end")
      ->type_name("FILE");
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.set_version_flag("--version", std::string("llmbatchd ") + LLMBATCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? daemon::kExitDone : daemon::kExitUsage;
  }
  if (run_path.empty() == check_path.empty()) {
    std::cerr << "llmbatchd: needs either --config FILE or --check-config FILE\n";
    return daemon::kExitUsage;
  }
  const bool check_only = !check_path.empty();
  const LoadOutcome outcome = Load(check_only ? check_path : run_path);
  Print("error", outcome.problems);
  if (!outcome.config) return daemon::kExitConfiguration;
  if (check_only) {
    Print("warning", outcome.warnings);
    std::cout << check_path << ": fine\n";
    return daemon::kExitDone;
  }

  // Credentials must not end up in a core dump.
  prctl(PR_SET_DUMPABLE, 0);
  daemon::SignalThread::BlockSignals();
  const std::map<std::string, llmbatch::ports::LogLevel> levels{
      {"debug", llmbatch::ports::LogLevel::kDebug},
      {"info", llmbatch::ports::LogLevel::kInfo},
      {"warning", llmbatch::ports::LogLevel::kWarning},
      {"error", llmbatch::ports::LogLevel::kError}};
  llmbatch::logging::Logger logger({.level = levels.at(level),
                                    .journal_priorities = llmbatch::logging::WritesToJournal(),
                                    .secrets = SecretsOf(*outcome.config)});
  for (const ConfigProblem& warning : outcome.warnings) {
    logger.Write({.level = llmbatch::ports::LogLevel::kWarning,
                  .message = "configuration",
                  .fields = {{"warning", ToString(warning)}}});
  }
  return daemon::RunDaemon(*outcome.config, logger);
}
