// llmbatchctl: the operator's and producer's command line, over Kafka.
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/environment.h"
#include "config/load.h"
#include "config/values.h"
#include "ctl/exit_codes.h"
#include "ctl/input.h"
#include "ctl/job_commands.h"
#include "ctl/letter_commands.h"
#include "ctl/listing.h"
#include "ctl/plan.h"
#include "ctl/prices.h"
#include "ctl/record_commands.h"
#include "ctl/session.h"
#include "ctl/submit_command.h"
#include "ctl/text.h"
#include "ctl/watch.h"
#include "runtime/clock.h"

namespace {

using namespace llmbatch;       // NOLINT(google-build-using-namespace)
using namespace llmbatch::ctl;  // NOLINT(google-build-using-namespace)

struct Common {
  std::string config_path;
  std::optional<int> timeout_seconds;
  bool json = false;
};

using Command = std::function<ExitCode(const Session&)>;

// A configuration that can't be read is told like llmbatchd does.
config::LoadOutcome Load(const Common& common, config::Credentials credentials) {
  auto outcome = config::LoadFile(common.config_path, config::SystemEnvironment(), credentials);
  for (const auto& problem : outcome.problems) std::cerr << "error: " + ToString(problem) + "\n";
  return outcome;
}

constexpr int kUsualSeconds = 60;
constexpr int kUsualSecondsOfAJob = 3'600;

ExitCode RunWithKafka(const Common& common, int usual_seconds, const Command& command) {
  auto outcome = Load(common, config::Credentials::kKafka);
  if (!outcome.config) return kExitConfiguration;
  const Session session{
      .config = *std::move(outcome.config),
      .deadline = runtime::ReadClock().steady +
                  std::chrono::seconds(common.timeout_seconds.value_or(usual_seconds)),
      .json = common.json};
  return command(session);
}

// Options throw, so that a bad one is told like any other mistake on the command line.
base::WallTime TimeOption(const std::string& name, const std::string& text) {
  const auto time = ParseTime(text, runtime::ReadClock().wall);
  if (time) return *time;
  throw CLI::ValidationError(name,
                             "must be a time as in RFC 3339, or a number with a unit, "
                             "ms, s, m, h or d, for that long ago: 2h");
}

Place PlaceOption(const std::string& text) {
  const auto place = ParsePlace(text);
  if (place) return *place;
  throw CLI::ValidationError("PARTITION@OFFSET", "must be two whole numbers: 3@1042");
}

class Program {
 public:
  Program() : app_("Operates llmbatchd and sends it work, over Kafka.", "llmbatchctl") {
    app_.set_version_flag("--version", std::string("llmbatchctl ") + LLMBATCH_VERSION);
    app_.require_subcommand(1);
    AddLetterCommands();
    AddWorkCommands();
    AddRecordCommands();
    AddConfigCommands();
  }

  int Run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
      if (!run_) throw CLI::RequiredError("a command");
      return run_();
    } catch (const CLI::ParseError& error) {
      return app_.exit(error) == 0 ? kExitDone : kExitUsage;
    }
  }

 private:
  CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& what) {
    CLI::App* command = parent->add_subcommand(name, what);
    command->add_option("--config", common_.config_path, "The configuration of llmbatchd")
        ->type_name("FILE")
        ->required();
    command->add_flag("--json", common_.json, "One JSON object a line");
    return command;
  }

  CLI::App* AddKafkaCommand(CLI::App* parent, const std::string& name, const std::string& what,
                            const Command& run) {
    CLI::App* command = AddCommand(parent, name, what);
    command
        ->add_option("--timeout", common_.timeout_seconds,
                     "End after this many seconds, whatever is missing. Default: " +
                         std::to_string(kUsualSeconds) + ", or " +
                         std::to_string(kUsualSecondsOfAJob) + " where a job is followed")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 7 * 24 * 3600));
    command->callback([this, run, name] {
      const bool follows = name == "watch" || submit_.watches();
      const int seconds = follows ? kUsualSecondsOfAJob : kUsualSeconds;
      run_ = [this, run, seconds] { return RunWithKafka(common_, seconds, run); };
    });
    return command;
  }

  void AddFilter(CLI::App* command) {
    command->add_option("--reason", filter_.reason, "With this dlq-reason, such as not_json");
    command->add_option("--task", filter_.task, "Of this task, as far as that is known");
    command->add_option("--since", since_, "From this time on: RFC 3339, or 2h for two hours ago")
        ->type_name("TIME");
    command->add_option("--until", until_, "Before this time")->type_name("TIME");
    command->add_option("--limit", max_letters_, "The oldest ones, at most that many")
        ->check(CLI::Range(std::size_t{1}, kMaxLetters));
  }

  LetterFilter Filter() const {
    LetterFilter filter = filter_;
    if (!since_.empty()) filter.since = TimeOption("--since", since_);
    if (!until_.empty()) filter.until = TimeOption("--until", until_);
    for (const std::string& place : places_) filter.places.insert(PlaceOption(place));
    return filter;
  }

  void AddLetterCommands() {
    CLI::App* dlq = app_.add_subcommand("dlq", "Dead letters: messages that nobody could read");
    dlq->require_subcommand(1);

    CLI::App* list = AddKafkaCommand(
        dlq, "list", "One line a letter, the oldest first", [this](const Session& session) {
          return ListLetters(session, Filter(), max_letters_.value_or(kUsualLetters));
        });
    AddFilter(list);

    CLI::App* show =
        AddKafkaCommand(dlq, "show", "One letter with its headers", [this](const Session& session) {
          const Place place = PlaceOption(places_.front());
          if (value_ && !session.json) return ShowValue(session, place);
          return ShowLetter(session, place, value_ ? Detail::kWhole : Detail::kMasked);
        });
    show->add_option("place", places_, "As dlq list tells it")
        ->type_name("PARTITION@OFFSET")
        ->required()
        ->expected(1);
    show->add_flag("--value", value_,
                   "The original bytes and nothing else; with --json besides the rest");

    CLI::App* replay = AddKafkaCommand(
        dlq, "replay", "Publishes letters to the topics they came from, as they were",
        [this](const Session& session) {
          const LetterFilter filter = Filter();
          if (filter.empty() && !all_) {
            throw CLI::RequiredError("PARTITION@OFFSET, a filter or --all");
          }
          replay_.max_letters = max_letters_.value_or(kMaxLetters);
          return ReplayLetters(session, filter, replay_);
        });
    AddFilter(replay);
    replay->add_option("places", places_, "These ones")->type_name("PARTITION@OFFSET");
    replay->add_flag("--all", all_, "Every letter");
    replay->add_flag("--dry-run", replay_.dry_run, "Only tell what would be done");
    replay->add_flag("--yes", replay_.yes,
                     "Don't ask, on a terminal, before more than " + std::to_string(kMaxUnasked));
  }

  void AddSubmit() {
    CLI::App* command = AddKafkaCommand(
        &app_, "submit", "Sends a job or an item, checked before as llmbatchd will check it",
        [this](const Session& session) { return submit_.Run(session); });
    submit_.AddOptions(*command);
  }

  void AddPlan() {
    CLI::App* plan = AddCommand(
        &app_, "plan", "What a job would need: batches, tokens, cost and time, without a call");
    plan->add_option("file", file_, "The job as JSON; - is standard input")
        ->type_name("FILE")
        ->required();
    plan->add_option("--call-time", call_time_, "How long a call takes")
        ->type_name("DURATION")
        ->capture_default_str();
    plan->callback([this] { run_ = [this] { return RunPlan(); }; });
  }

  ExitCode RunPlan() const {
    const auto call_time = config::ParseDuration(call_time_);
    if (!call_time) throw CLI::ValidationError("--call-time", "must be a number with a unit: 10s");
    const auto outcome = Load(common_, config::Credentials::kNone);
    if (!outcome.config) return kExitConfiguration;
    const auto message = ReadInput(file_);
    const auto plan = message
                          ? PlanOf(*message, *outcome.config, *call_time, runtime::ReadClock().wall)
                          : base::Result<Plan>(message.error());
    if (!plan) {
      Complain(plan.error().message);
      return kExitUsage;
    }
    std::cout << (common_.json ? JsonOf(*plan) + "\n" : TextOf(*plan));
    return plan->too_large > 0 ? kExitLeftOver : kExitDone;
  }

  void AddWorkCommands() {
    AddSubmit();
    AddPlan();
    CLI::App* watch = AddKafkaCommand(
        &app_, "watch", "Follows a job, or all of a user, until the results are there",
        [this](const Session& session) {
          const base::WallTime since = TimeOption("--since", watch_since_);
          return job_id_.empty() ? WatchUser(session, user_id_, since)
                                 : WatchJob(session, job_id_, since);
        });
    CLI::Option* job = watch->add_option("job", job_id_, "The job's id")->type_name("JOB_ID");
    watch
        ->add_option("--user", user_id_, "In place of a job: all of this user's that are under way")
        ->excludes(job);
    watch->parse_complete_callback([this] {
      if (job_id_.empty() && user_id_.empty()) throw CLI::RequiredError("JOB_ID or --user");
    });
    watch->add_option("--since", watch_since_, "Nothing written before is looked at")
        ->type_name("TIME")
        ->capture_default_str();
  }

  // A command that reads what Redis knows of jobs.
  CLI::App* AddRecordCommand(const std::string& name, const std::string& what,
                             const std::function<ExitCode(const config::Config&)>& run) {
    CLI::App* command = AddCommand(&app_, name, what);
    command->callback([this, run] {
      run_ = [this, run]() -> int {
        const auto outcome = Load(common_, config::Credentials::kRedis);
        return outcome.config ? run(*outcome.config) : kExitConfiguration;
      };
    });
    return command;
  }

  void AddJobArgument(CLI::App* command) {
    command->add_option("job", job_id_, "The job's id")->type_name("JOB_ID")->required();
  }

  void AddJobCommand(wire::JobCommand::Kind kind, const std::string& what) {
    CLI::App* command = AddKafkaCommand(
        &app_, std::string(ToString(kind)), what, [this, kind](const Session& session) {
          return SendCommand(session, {.kind = kind, .job_id = job_id_, .user_id = user_id_});
        });
    AddJobArgument(command);
    command->add_option("--user", user_id_, "The user whose job it is")->required();
  }

  JobFilter Jobs() const {
    JobFilter filter{
        .user_id = user_id_, .status = {}, .workflow = workflow_, .max_jobs = max_jobs_};
    if (!status_.empty()) {
      filter.status = model::ParseJobStatus(status_);
      if (!filter.status) {
        throw CLI::ValidationError("--status",
                                   "must be queued, processing, completed, failed or cancelled");
      }
    }
    return filter;
  }

  void AddRecordCommands() {
    CLI::App* list = AddRecordCommand(
        "list", "Jobs, the newest first",
        [this](const config::Config& config) { return ListJobs(config, Jobs(), common_.json); });
    list->add_option("--user", user_id_, "Of this user. Default: of all");
    list->add_option("--status", status_, "With this status");
    list->add_option("--workflow", workflow_, "Of this workflow");
    list->add_option("--limit", max_jobs_, "At most so many")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}))
        ->capture_default_str();
    AddJobArgument(
        AddRecordCommand("status", "How far a job is", [this](const config::Config& config) {
          return ShowJob(config, job_id_, Extent::kBrief, common_.json);
        }));
    AddJobArgument(AddRecordCommand("show", "All that is known of a job, as JSON",
                                    [this](const config::Config& config) {
                                      return ShowJob(config, job_id_, Extent::kWhole, common_.json);
                                    }));
    CLI::App* counts = AddRecordCommand(
        "counts", "How many jobs there are, by status",
        [this](const config::Config& config) { return CountJobs(config, user_id_, common_.json); });
    counts->add_option("--user", user_id_, "Of this user. Default: of all");
    AddJobCommand(wire::JobCommand::Kind::kCancel, "Ends a job; what is answered is kept");
    AddJobCommand(wire::JobCommand::Kind::kRetry,
                  "Runs a failed or cancelled job again, as a new one; what is answered costs "
                  "nothing");
  }

  void AddConfigCommands() {
    CLI::App* config = app_.add_subcommand("config", "The configuration of llmbatchd");
    config->require_subcommand(1);
    CLI::App* show = AddCommand(config, "show",
                                "Every key with its value and where that comes from; credentials "
                                "by their references only");
    show->add_flag("--full", full_, "Long values too");
    show->callback([this] { run_ = [this] { return ShowConfig(); }; });

    CLI::App* prices = app_.add_subcommand("prices", "What the configuration says of prices");
    prices->require_subcommand(1);
    CLI::App* check = AddCommand(prices, "check", "Tells which prices are old, undated or missing");
    check->add_option("--max-age", max_age_, "What is old")
        ->type_name("DURATION")
        ->capture_default_str();
    check->callback([this] { run_ = [this] { return RunPricesCheck(); }; });
  }

  ExitCode ShowConfig() const {
    constexpr std::size_t kMaxColumns = 120;
    const auto outcome = Load(common_, config::Credentials::kNone);
    if (!outcome.config) return kExitConfiguration;
    if (!common_.json) {
      const auto columns = full_ ? std::numeric_limits<std::size_t>::max() : kMaxColumns;
      std::cout << ListingOf(outcome.values, columns);
      return kExitDone;
    }
    for (const auto& value : outcome.values) std::cout << JsonOf(value) + "\n";
    return kExitDone;
  }

  ExitCode RunPricesCheck() const {
    const auto max_age = config::ParseDuration(max_age_);
    if (!max_age) throw CLI::ValidationError("--max-age", "must be a number with a unit: 90d");
    const auto outcome = Load(common_, config::Credentials::kNone);
    if (!outcome.config) return kExitConfiguration;
    std::set<std::string> used;
    for (const auto& [name, task] : outcome.config->catalog->tasks) {
      for (const auto& entry : task->route) used.insert(entry.provider + "/" + entry.model);
    }
    const auto entries = CheckPrices(outcome.values, used, runtime::ReadClock().wall, *max_age);
    if (common_.json) {
      for (const PriceEntry& entry : entries) std::cout << JsonOf(entry) + "\n";
    } else {
      std::cout << TableOf(entries);
    }
    const auto warnings = std::count_if(entries.begin(), entries.end(), IsWarning);
    if (warnings == 0) return kExitDone;
    Complain(std::to_string(warnings) + " of " + std::to_string(entries.size()) +
             " prices should be looked at");
    return kExitLeftOver;
  }

  CLI::App app_;
  Common common_;
  std::function<int()> run_;
  LetterFilter filter_;
  std::string since_;
  std::string until_;
  std::optional<std::size_t> max_letters_;
  std::vector<std::string> places_;
  bool value_ = false;
  bool all_ = false;
  ReplayOptions replay_;
  std::string file_;
  SubmitCommand submit_;
  std::string job_id_;
  std::string user_id_;
  std::string status_;
  std::string workflow_;
  std::size_t max_jobs_ = 50;
  std::string watch_since_ = "1h";
  bool full_ = false;
  std::string call_time_ = "10s";
  std::string max_age_ = "90d";
};

}  // namespace

int main(int argc, char** argv) {
  // Kafka's credentials must not end up in a core dump.
  prctl(PR_SET_DUMPABLE, 0);
  return Program().Run(argc, argv);
}
