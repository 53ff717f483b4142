#include "ctl/submit_command.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <utility>

#include "base/time.h"
#include "ctl/input.h"
#include "ctl/job_commands.h"
#include "ctl/text.h"
#include "ctl/watch.h"
#include "runtime/clock.h"

namespace llmbatch::ctl {
namespace {

std::string RandomJobId() {
  std::random_device device;
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "job-%08x%08x", device(), device());
  return text.data();
}

}  // namespace

void SubmitCommand::AddOptions(CLI::App& command) {
  auto* file = command.add_option("file", file_, "The message as JSON; - is standard input")
                   ->type_name("FILE");
  const auto add = [&](const std::string& name, auto& value, const std::string& what) {
    return command.add_option(name, value, what)->excludes(file);
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
  AddWorkflowFlags(command, file);
  command.add_option("--topic", topic_, "Where to. Default: the first of kafka.requests");
  command.add_flag("--watch", watch_, "Follow the job until its result is there");
}

void SubmitCommand::AddWorkflowFlags(CLI::App& command, CLI::Option* file) {
  WorkflowFlags& own = work_.own;
  const auto add = [&](const std::string& name, auto& value, const std::string& what) {
    return command.add_option(name, value, what)->excludes(file);
  };
  const auto add_many = [&](const std::string& name, auto& value, const std::string& what) {
    return add(name, value, what + "; may be repeated")->allow_extra_args(false);
  };
  add_many("--field", own.fields, "For fields: one of the form")->type_name("ID=LABEL");
  add("--user-data", own.user_data, "For fields: a JSON object, what is known")->type_name("FILE");
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
  command
      .add_flag("--force-batch", own.force_batch,
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
  add("--unit-schema", own.unit_schema, "For chain: the JSON Schema of a unit")->type_name("FILE");
  add_many("--prompt", own.prompts, "For chain, in place of units: what is asked in turn");
}

base::Result<std::string> SubmitCommand::Message(const config::Config& config) {
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

ExitCode SubmitCommand::Run(const Session& session) {
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

}  // namespace llmbatch::ctl
