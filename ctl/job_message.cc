#include "ctl/job_message.h"

#include <memory>
#include <utility>
#include <variant>

#include "base/lines.h"
#include "config/values.h"
#include "json/value.h"
#include "wire/request.h"
#include "workflows/registry.h"

namespace llmbatch::ctl {
namespace {

void WriteUnlessEmpty(json::Writer& writer, std::string_view name, const std::string& text) {
  if (!text.empty()) writer.Key(name).String(text);
}

void WriteShared(json::Writer& writer, const WorkFlags& flags) {
  writer.Key("task").String(flags.task);
  WriteUnlessEmpty(writer, "user_id", flags.user_id);
  if (flags.priority) writer.Key("priority").Int(*flags.priority);
  WriteUnlessEmpty(writer, "deadline", flags.deadline);
  WriteUnlessEmpty(writer, "max_cost_usd", flags.max_cost_usd);
}

base::Result<json::Document> ParseObject(std::string_view text, const std::string& where) {
  auto document = json::Document::Parse(text);
  if (!document) return base::Invalid(where + ": is no JSON: " + document.error().message);
  if (!document->root().is(json::Kind::kObject)) {
    return base::Invalid(where + ": must be a JSON object");
  }
  return document;
}

base::Result<void> WriteLine(json::Writer& writer, std::string_view line, std::size_t number) {
  const std::string where = "line " + std::to_string(number);
  const auto document = json::Document::Parse(line);
  if (!document) return base::Invalid(where + ": is no JSON: " + document.error().message);
  const json::Value value = document->root();
  if (value.is(json::Kind::kString)) {
    writer.BeginObject().Key("id").String(std::to_string(number));
    writer.Key("text").String(value.AsString()).EndObject();
    return {};
  }
  if (!value.is(json::Kind::kObject)) {
    return base::Invalid(where + ": must be a JSON object or a JSON string");
  }
  const auto id = value.Find("id");
  if (value.Find("input") || value.Find("text")) {
    writer.BeginObject();
    if (!id) writer.Key("id").String(std::to_string(number));
    for (std::size_t i = 0; i < value.size(); ++i) {
      writer.Key(value.MemberAt(i).name).Raw(value.MemberAt(i).value.ToJson());
    }
    writer.EndObject();
    return {};
  }
  writer.BeginObject().Key("id");
  if (id && id->is(json::Kind::kString)) {
    writer.String(id->AsString());
  } else {
    writer.String(std::to_string(number));
  }
  writer.Key("input").Raw(value.ToJson()).EndObject();
  return {};
}

base::Result<void> WriteLines(json::Writer& writer, std::string_view lines) {
  base::LineReader reader(lines);
  while (const auto line = reader.Next()) {
    if (base::IsBlank(line->text)) continue;
    if (auto written = WriteLine(writer, line->text, line->number); !written) return written;
  }
  return {};
}

// The items of a job from all flags, numbered over the texts and inputs.
base::Result<void> WriteItems(json::Writer& writer, const WorkFlags& flags) {
  std::size_t number = 0;
  writer.Key("items").BeginArray();
  for (const std::string& text : flags.texts) {
    writer.BeginObject().Key("id").String(std::to_string(++number));
    writer.Key("text").String(text).EndObject();
  }
  for (const std::string& input : flags.inputs) {
    const auto object = ParseObject(input, "--input");
    if (!object) return object.error();
    writer.BeginObject().Key("id").String(std::to_string(++number));
    writer.Key("input").Raw(object->root().ToJson()).EndObject();
  }
  if (flags.lines) {
    if (auto written = WriteLines(writer, *flags.lines); !written) return written;
  }
  writer.EndArray();
  return {};
}

base::Result<std::string> ItemMessageOf(const WorkFlags& flags) {
  if (!flags.model_selection.empty())
    return base::Invalid("--model-selection is for jobs, and --item-id makes an item");
  if (flags.texts.size() + flags.inputs.size() != 1 || flags.lines || !flags.items_ref.empty()) {
    return base::Invalid("an item needs exactly one --text or --input");
  }
  json::Writer writer;
  writer.BeginObject().Key("kind").String("item").Key("id").String(flags.item_id);
  WriteUnlessEmpty(writer, "job_id", flags.job_id);
  WriteShared(writer, flags);
  if (!flags.texts.empty()) {
    writer.Key("text").String(flags.texts.front());
  } else {
    const auto object = ParseObject(flags.inputs.front(), "--input");
    if (!object) return object.error();
    writer.Key("input").Raw(object->root().ToJson());
  }
  writer.EndObject();
  return writer.Take();
}

base::Result<void> CheckTask(const std::string& task, const config::Config& config) {
  std::vector<std::string> known;
  for (const auto& [name, recipe] : config.catalog->tasks) known.push_back(name);
  if (config.catalog->tasks.contains(task)) return {};
  const auto nearest = config::Nearest(task, known);
  return base::Invalid("task: the configuration has no task '" + task + "'" +
                       (nearest ? "; did you mean '" + *nearest + "'?" : ""));
}

base::Result<void> CheckSelection(const model::Job& job, const config::Config& config) {
  const auto& routes = config.catalog->routes;
  if (job.model_selection.empty() || routes.contains(job.model_selection)) return {};
  std::vector<std::string> known;
  for (const auto& [name, route] : routes) known.push_back(name);
  const auto nearest = config::Nearest(job.model_selection, known);
  return base::Invalid("model_selection: the configuration has no route '" + job.model_selection +
                       "'" + (nearest ? "; did you mean '" + *nearest + "'?" : ""));
}

base::Error ErrorOf(const wire::Malformed& malformed) {
  return base::Invalid(std::string(ToString(malformed.reason)) + ": " + malformed.detail);
}

// How many the job's workflow makes of it; the error says why it makes nothing of it.
base::Result<std::size_t> CountItems(model::Job& job, const model::Task& task) {
  if (workflows::IsKnown(job.workflow) && job.workflow != task.workflow) {
    return base::Invalid("workflow: task '" + task.name + "' is for workflow " + task.workflow);
  }
  const auto made = workflows::Make(job, task, task.max_batch_tokens);
  if (const auto* malformed = std::get_if<wire::Malformed>(&made)) return ErrorOf(*malformed);
  const auto& workflow = std::get<std::unique_ptr<workflows::Workflow>>(made);
  return static_cast<std::size_t>(workflow->standing().items.total);
}

}  // namespace

base::Result<std::string> WorkflowOf(const std::string& task, const config::Config& config) {
  if (auto known = CheckTask(task, config); !known) return known.error();
  return config.catalog->tasks.at(task)->workflow;
}

base::Result<std::string> MessageOf(const WorkFlags& flags, std::string_view workflow,
                                    const ReadFile& read_file) {
  if (!flags.item_id.empty()) return ItemMessageOf(flags);
  const bool has_inputs = !flags.texts.empty() || !flags.inputs.empty() || flags.lines;
  if ((has_inputs || !flags.items_ref.empty()) && workflow != "map") {
    return base::Invalid(
        "--text, --input, --items and --items-ref are for jobs of map, and the task's workflow "
        "is " +
        std::string(workflow));
  }
  if (has_inputs && !flags.items_ref.empty())
    return base::Invalid("--items-ref: there are inputs already");
  json::Writer writer;
  writer.BeginObject().Key("kind").String("job").Key("job_id").String(flags.job_id);
  writer.Key("workflow").String(workflow);
  WriteShared(writer, flags);
  WriteUnlessEmpty(writer, "model_selection", flags.model_selection);
  if (auto written = WriteWorkflow(writer, workflow, flags.own, read_file); !written)
    return written.error();
  if (!flags.items_ref.empty()) {
    writer.Key("items_ref").String(flags.items_ref);
  } else if (workflow == "map") {
    if (auto written = WriteItems(writer, flags); !written) return written.error();
  }
  writer.EndObject();
  return writer.Take();
}

base::Result<Submission> CheckMessage(std::string value, const config::Config& config) {
  const auto max_bytes = static_cast<std::size_t>(config.kafka.max_message_bytes);
  ports::Record record;
  record.value = std::move(value);
  wire::Decoded decoded = wire::DecodeRequest(record, max_bytes);
  Submission submission;
  std::string task;
  if (const auto* malformed = std::get_if<wire::Malformed>(&decoded)) {
    return ErrorOf(*malformed);
  }
  if (auto* job = std::get_if<model::Job>(&decoded)) {
    submission.is_job = true;
    submission.id = submission.key = job->job_id;
    task = job->task;
    if (auto known = CheckTask(task, config); !known) return known.error();
    if (auto known = CheckSelection(*job, config); !known) return known.error();
    auto items = CountItems(*job, *config.catalog->tasks.at(task));
    if (!items) return items.error();
    submission.items = *items;
  } else {
    const auto& item = std::get<model::Item>(decoded);
    submission.id = item.id;
    submission.key = item.job_id.empty() ? item.id : item.job_id;
    task = item.task;
  }
  if (auto known = CheckTask(task, config); !known) return known.error();
  submission.value = *std::move(record.value);
  return submission;
}

base::Result<std::string> TopicOf(const std::string& named, const config::Kafka& kafka) {
  if (!named.empty()) {
    if (config::ReadsTopic(kafka, named)) return named;
    return base::Invalid("the configuration reads no messages from topic '" + named + "'");
  }
  const std::string& first = kafka.requests.front();
  if (!first.starts_with('^')) return first;
  return base::Invalid("kafka.requests is a regular expression; name the topic with --topic");
}

}  // namespace llmbatch::ctl
