// llmbatchctl: the operator's and producer's command line, over Kafka.
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <iostream>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "config/environment.h"
#include "config/load.h"
#include "config/values.h"
#include "ctl/exit_codes.h"
#include "ctl/job_commands.h"
#include "ctl/job_message.h"
#include "ctl/letter_commands.h"
#include "ctl/listing.h"
#include "ctl/plan.h"
#include "ctl/prices.h"
#include "ctl/record_commands.h"
#include "ctl/session.h"
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

// A whole file, or standard input.
base::Result<std::string> ReadInput(const std::string& path) {
  if (path != "-") return config::SystemEnvironment().read_file(path);
  constexpr std::size_t kMaxBytes = 64U << 20;
  std::string text;
  std::array<char, 65536> buffer;
  while (std::cin.read(buffer.data(), buffer.size()) || std::cin.gcount() > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(std::cin.gcount()));
    if (text.size() > kMaxBytes) {
      return base::MakeError(base::ErrorKind::kTooLarge, "standard input: larger than 64 MiB");
    }
  }
  return text;
}

std::string RandomJobId() {
  std::random_device device;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "job-%08x%08x", device(), device());
  return text.data();
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
      const bool follows = name == "watch" || watch_;
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
    CLI::App* submit = AddKafkaCommand(
        &app_, "submit", "Sends a job or an item, checked before as llmbatchd will check it",
        [this](const Session& session) { return RunSubmit(session); });
    auto* file = submit->add_option("file", file_, "The message as JSON; - is standard input")
                     ->type_name("FILE");
    const auto add = [&](const std::string& name, auto& value, const std::string& what) {
      return submit->add_option(name, value, what)->excludes(file);
    };
    add("--task", work_.task, "The task");
    add("--user", work_.user_id, "The user; a job needs one");
    add("--job-id", work_.job_id,
        "The job's id. Default: a random one. With --item-id: the job that the item is for");
    add("--item-id", work_.item_id, "Send one item of that id, and no job");
    add("--text", work_.texts, "An input that is text; may be repeated")->allow_extra_args(false);
    add("--input", work_.inputs, "An input that is a JSON object; may be repeated")
        ->type_name("JSON")
        ->allow_extra_args(false);
    add("--items", items_file_, "Inputs as JSON lines; - is standard input")->type_name("FILE");
    add("--items-ref", work_.items_ref,
        "Where the inputs are: redis:NAME or https://..., a JSON array or a JSON object a line")
        ->type_name("PLACE");
    add("--priority", work_.priority, "0 to 9, higher first");
    add("--deadline", work_.deadline, "RFC 3339")->type_name("TIME");
    add("--max-cost-usd", work_.max_cost_usd, "Dollars as a decimal");
    add("--model-selection", work_.model_selection,
        "Of [routes]: asked in place of the task's own route")
        ->type_name("ROUTE");
    AddWorkflowFlags(submit, file);
    submit->add_option("--topic", topic_, "Where to. Default: the first of kafka.requests");
    submit->add_flag("--watch", watch_, "Follow the job until its result is there");
  }

  void AddWorkflowFlags(CLI::App* submit, CLI::Option* file) {
    WorkflowFlags& own = work_.own;
    const auto add = [&](const std::string& name, auto& value, const std::string& what) {
      return submit->add_option(name, value, what)->excludes(file);
    };
    const auto add_many = [&](const std::string& name, auto& value, const std::string& what) {
      return add(name, value, what + "; may be repeated")->allow_extra_args(false);
    };
    add_many("--field", own.fields, "For fields: one of the form")->type_name("ID=LABEL");
    add("--user-data", own.user_data, "For fields: a JSON object, what is known")
        ->type_name("FILE");
    add("--context", own.context, "For fields: what else is to be known, text or JSON object");
    add("--max-parallel", own.max_parallel, "For fields: how many are asked at the same time");
    add("--standard", own.standard,
        "For comparison: [ID=]FILE, [ID=]redis:NAME or [ID=]https://..., as every DOCUMENT")
        ->type_name("DOCUMENT");
    add_many("--candidate", own.candidates, "For comparison: what is compared with it")
        ->type_name("DOCUMENT");
    add("--mode", own.mode, "For comparison: clauses (default) or full");
    add("--question", own.question, "For query");
    add_many("--document", own.documents, "For query: what is asked about")->type_name("DOCUMENT");
    submit
        ->add_flag("--force-batch", own.force_batch,
                   "For comparison and query: in the background, however small")
        ->excludes(file);
    add("--sessions", own.sessions, "For classification: a JSON array, or a JSON object a line")
        ->type_name("FILE");
    add("--sessions-ref", own.sessions_ref,
        "For classification: where the sessions are, redis:NAME or https://...")
        ->type_name("PLACE");
    add("--total-units", own.total_units, "For chain: how many units the output has");
    add("--units-per-batch", own.units_per_batch, "For chain: how many are asked for at a time");
    add("--goal", own.goal, "For chain: what the output is for, text or JSON object");
    add("--unit-schema", own.unit_schema, "For chain: the JSON Schema of a unit")
        ->type_name("FILE");
    add_many("--prompt", own.prompts, "For chain, in place of units: what is asked in turn");
  }

  base::Result<std::string> Message(const config::Config& config) {
    if (!file_.empty()) return ReadInput(file_);
    if (work_.task.empty()) throw CLI::RequiredError("FILE or --task");
    if (!items_file_.empty()) {
      auto lines = ReadInput(items_file_);
      if (!lines) return lines.error();
      work_.lines = *std::move(lines);
    }
    if (work_.job_id.empty() && work_.item_id.empty()) work_.job_id = RandomJobId();
    const auto workflow = WorkflowOf(work_.task, config);
    if (!workflow) return workflow.error();
    return MessageOf(work_, *workflow, ReadInput);
  }

  ExitCode RunSubmit(const Session& session) {
    const auto refuse = [](const base::Error& error) {
      Complain(error.message);
      return kExitUsage;
    };
    auto message = Message(session.config);
    if (!message) return refuse(message.error());
    const auto submission = CheckMessage(*std::move(message), session.config);
    if (!submission) return refuse(submission.error());
    const auto topic = TopicOf(topic_, session.config.kafka);
    if (!topic) return refuse(topic.error());
    if (watch_ && !submission->is_job) return refuse(base::Invalid("only a job can be watched"));

    const base::WallTime before = runtime::ReadClock().wall;
    const ExitCode sent = Submit(session, *topic, *submission);
    if (sent != kExitDone || !watch_) return sent;
    // Clocks of brokers and replicas may be late.
    return WatchJob(session, submission->id, before - std::chrono::seconds(10));
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
  WorkFlags work_;
  std::string items_file_;
  std::string topic_;
  bool watch_ = false;
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
