#include "program.h"

#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "app.h"
#include "config/load.h"
#include "configuration.h"
#include "logging/logger.h"
#include "online_check.h"
#include "signals.h"

namespace llmbatch::daemon {
namespace {

using config::ConfigProblem;
using config::LoadOutcome;

void Print(const char* kind, const std::vector<ConfigProblem>& problems) {
  for (const ConfigProblem& problem : problems)
    std::cerr << kind << ": " << ToString(problem) << "\n";
}

// What doesn't answer is no fault of the configuration: another exit code.
int TellOnline(const config::Config& config) {
  using Kind = Finding::Kind;
  int exit_code = kExitDone;
  for (const Finding& finding : CheckOnline(config)) {
    if (finding.kind == Kind::kFine) {
      std::cout << finding.text << "\n";
      continue;
    }
    std::cerr << (finding.kind == Kind::kError ? "error: " : "warning: ") << finding.text << "\n";
    if (finding.kind == Kind::kError) exit_code = kExitFailure;
  }
  return exit_code;
}

}  // namespace

int RunProgram(int argc, char** argv, Probe* probe) {
  CLI::App app("Packs items from Kafka into token-bounded batches and calls LLM providers.",
               "llmbatchd");
  std::string run_path;
  std::string check_path;
  std::string level = "info";
  app.add_option("--config", run_path, "Run with this configuration")->type_name("FILE");
  app.add_option("--check-config", check_path,
                 "Tell everything that is wrong with a configuration, and end")
      ->type_name("FILE");
  bool online = false;
  app.add_flag("--online", online,
               "With --check-config: also ask whether Kafka, Redis and the providers answer");
  app.add_option("--log-level", level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.set_version_flag("--version", std::string("llmbatchd ") + LLMBATCH_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (run_path.empty() == check_path.empty()) {
    std::cerr << "llmbatchd: needs either --config FILE or --check-config FILE\n";
    return kExitUsage;
  }
  if (online && check_path.empty()) {
    std::cerr << "llmbatchd: --online goes with --check-config only\n";
    return kExitUsage;
  }
  const bool check_only = !check_path.empty();
  LoadOutcome outcome = LoadConfiguration(check_only ? check_path : run_path);
  Print("error", outcome.problems);
  if (!outcome.config) return kExitConfiguration;
  if (check_only) {
    Print("warning", outcome.warnings);
    std::cout << check_path << ": fine\n";
    return online ? TellOnline(*outcome.config) : kExitDone;
  }

  // Credentials must not end up in a core dump.
  prctl(PR_SET_DUMPABLE, 0);
  SignalThread::BlockSignals();
  const std::map<std::string, ports::LogLevel> levels{{"debug", ports::LogLevel::kDebug},
                                                      {"info", ports::LogLevel::kInfo},
                                                      {"warning", ports::LogLevel::kWarning},
                                                      {"error", ports::LogLevel::kError}};
  logging::Logger logger({.level = levels.at(level),
                          .journal_priorities = logging::WritesToJournal(),
                          .secrets = SecretsOf(*outcome.config)});
  for (const ConfigProblem& warning : outcome.warnings) {
    logger.Write({.level = ports::LogLevel::kWarning,
                  .message = "configuration",
                  .fields = {{"warning", ToString(warning)}}});
  }
  try {
    return RunDaemon(run_path, std::move(outcome), logger, probe);
  } catch (const std::system_error& error) {
    // That a thread can't be started is told in no other way.
    logger.Write({.level = ports::LogLevel::kError,
                  .message = "the system refuses what is needed to run",
                  .fields = {{"error", error.what()}}});
    return kExitFailure;
  }
}

}  // namespace llmbatch::daemon
