#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "config/schema_warnings.h"
#include "config/sections.h"
#include "config/task_checks.h"
#include "config/toml_json.h"
#include "config/values.h"
#include "workflows/registry.h"

namespace llmbatch::config {
namespace {

using model::AnswerForm;
using model::Oversize;
using model::RouteEntry;
using model::Task;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string ToText(const RouteEntry& entry) { return entry.provider + "/" + entry.model; }

// What is wrong with one entry of a route; empty: nothing.
std::string FaultOf(const RouteEntry& entry, const TaskContext& context) {
  if (!context.providers.contains(entry.provider)) {
    std::vector<std::string> known;
    for (const auto& [name, provider] : context.providers) known.push_back(name);
    const auto nearest = Nearest(entry.provider, known);
    return "unknown provider \"" + entry.provider + "\"; " +
           (nearest ? "did you mean \"" + *nearest + "\"?"
                    : "add [providers." + entry.provider + "]");
  }
  if (context.models.contains(entry)) return {};
  std::vector<std::string> known;
  for (const auto& [other, info] : context.models) known.push_back(ToText(other));
  const auto nearest = Nearest(ToText(entry), known);
  return "unknown model \"" + ToText(entry) + "\"; " +
         (nearest
              ? "did you mean \"" + *nearest + "\"?"
              : "add [models.\"" + ToText(entry) + "\"] with context_window and max_output_tokens");
}

// A route is a list of "provider/model", a single one, or the name of one of [routes].
std::vector<RouteEntry> ReadRoute(Section& section, const TaskContext& context) {
  if (!section.Has("route")) {
    section.Fail("route", "missing: a list of \"provider/model\", or the name of a route");
  }
  const std::vector<std::string> texts = section.Strings("route", {});
  if (texts.size() != 1 || texts.front().find('/') != std::string::npos) {
    return ReadRouteEntries(section, "route", texts, context);
  }
  const auto route = context.routes.find(texts.front());
  if (route != context.routes.end()) return route->second;
  std::vector<std::string> known;
  for (const auto& [name, entries] : context.routes) known.push_back(name);
  const auto nearest = Nearest(texts.front(), known);
  section.Fail("route", "unknown route \"" + texts.front() + "\"; " +
                            (nearest ? "did you mean \"" + *nearest + "\"?"
                                     : "name one of [routes], or list \"provider/model\""));
  return {};
}

// The report names the key by itself.
std::string WithoutKey(std::string_view message, std::string_view key) {
  if (message.starts_with(key) && message.substr(key.size()).starts_with(": ")) {
    message.remove_prefix(key.size() + 2);
  }
  return std::string(message);
}

void ReadWorkflow(Task& task, Section& section) {
  std::string choice;
  for (const std::string_view name : workflows::Names())
    choice += (choice.empty() ? "\"" : " or \"") + std::string(name) + "\"";
  const std::string workflow = section.String("workflow", task.workflow);
  if (workflows::IsKnown(workflow)) {
    task.workflow = workflow;
  } else {
    section.Fail("workflow", "must be " + choice);
  }
}

// [tasks.NAME.extract]: label pattern = pointer.
void ReadExtractRules(Task& task, Section& section) {
  if (!section.Has("extract")) return;
  if (task.workflow != "fields") {
    section.Fail("extract", "has a meaning with workflow = \"fields\" only");
  }
  Section rules = section.Table("extract");
  for (const std::string& label : rules.Keys()) {
    task.extract_rules.push_back({.label_pattern = label, .pointer = rules.String(label, "")});
    const auto valid = CheckExtractRule(task.extract_rules.back());
    if (!valid) rules.Fail(label, valid.error().message);
  }
}

// [tasks.NAME.steps]: kind of step = task.
void ReadSteps(Task& task, Section& section) {
  const auto kinds = workflows::KindsOf(task.workflow);
  if (kinds.empty() && !section.Has("steps")) return;
  Section steps = section.Table("steps");
  for (const std::string_view kind : kinds) {
    const std::string other = steps.String(kind, "");
    if (!other.empty()) {
      task.steps.emplace(kind, other);
    } else if (!steps.Has(kind)) {
      steps.Fail(kind, "missing: the name of the task that asks for this");
    }
  }
  steps.RefuseOthers();
}

void ReadBatching(Task& task, Section& section) {
  task.max_batch_tokens =
      section.Int("max_batch_tokens", task.max_batch_tokens, {.min = 1, .max = 10'000'000});
  task.max_batch_items =
      section.Int("max_batch_items", task.max_batch_items, {.min = 1, .max = 10'000});
  task.oversize = section.Choice<Oversize>(
      "oversize", task.oversize, {{"error", Oversize::kError}, {"alone", Oversize::kAlone}});
  task.linger = section.Millis("linger_ms", task.linger, {milliseconds(0), minutes(10)});
}

std::map<std::string, std::string> ReadVariables(Section section) {
  std::map<std::string, std::string> variables;
  const std::vector<std::string> reserved{"items_json",   "items",      "id",
                                          "text",         "input_json", "item_count",
                                          "context_json", "schema_json"};
  for (const std::string& name : section.Keys()) {
    variables[name] = section.String(name, "", Empty::kAllowed);
    if (std::find(reserved.begin(), reserved.end(), name) != reserved.end()) {
      section.Fail(name, "is a variable of llmbatchd itself; use another name");
    }
  }
  return variables;
}

void ReadPrompt(Task& task, Section& section) {
  task.system = section.String("system", "", Empty::kAllowed);
  if (!section.Has("prompt")) section.Fail("prompt", "missing: the template of the user message");
  task.prompt = section.String("prompt", "");
  task.variables = ReadVariables(section.Table("variables"));
  if (task.prompt.empty()) return;
  const auto valid = CheckTemplates(task);
  if (valid) return;
  const std::string_view message = valid.error().message;
  const std::string_view key = message.starts_with("system") ? "system" : "prompt";
  section.Fail(key, WithoutKey(message, key));
}

void ReadSchema(Task& task, Section& section, const Environment& environment) {
  const std::string path = section.String("output_schema", "");
  if (path.empty()) return;
  const auto text = environment.read_file(section.ResolvePath("output_schema", path));
  if (!text) {
    section.Fail("output_schema", text.error().message);
    return;
  }
  const auto compact = CheckOutputSchema(*text);
  if (compact) {
    task.output_schema_json = *compact;
  } else {
    section.Fail("output_schema", WithoutKey(compact.error().message, "output_schema"));
  }
}

std::string ReadObject(Section& section, std::string_view key) {
  const toml::node* node = section.Any(key, toml::node_type::table);
  if (node == nullptr) return {};
  auto json = ToJson(*node->as_table());
  if (json) {
    section.Note(key, *json);
    return *std::move(json);
  }
  section.Fail(key, json.error().message);
  return {};
}

// Whether they may go to that model; reported if not.
bool FitParameters(const RouteEntry& entry, const std::string& parameters_json, Section& section,
                   std::string_view key, const TaskContext& context) {
  const auto valid = CheckParameters(parameters_json, context.providers.at(entry.provider));
  if (!valid) section.Fail(key, WithoutKey(valid.error().message, "parameters"));
  return valid.ok();
}

// What the task may be asked with: its own route, or one that a job chooses.
std::set<RouteEntry> EntriesFor(const Task& task, const TaskContext& context) {
  std::set<RouteEntry> entries(task.route.begin(), task.route.end());
  for (const auto& [name, route] : context.routes) entries.insert(route.begin(), route.end());
  return entries;
}

// [tasks.NAME.parameters_of]: by "provider/model", or by provider for all of its models.
void ReadParametersOf(Task& task, Section& section, const TaskContext& context) {
  if (!section.Has("parameters_of")) return section.Known("parameters_of");
  Section by_name = section.Table("parameters_of");
  for (const std::string& name : by_name.Keys()) {
    const std::string parameters = ReadObject(by_name, name);
    bool is_named = false;
    for (const RouteEntry& entry : EntriesFor(task, context)) {
      if (name != ToText(entry) && name != entry.provider) continue;
      is_named = true;
      if (!FitParameters(entry, parameters, by_name, name, context)) break;
      // What is said of a model goes before what is said of its provider.
      if (name == ToText(entry)) {
        task.parameters_of[entry] = parameters;
      } else {
        task.parameters_of.emplace(entry, parameters);
      }
    }
    if (!is_named && !task.route.empty()) {
      by_name.Fail(name, "is neither a model nor a provider of the task's route, nor of [routes]");
    }
  }
}

void ReadParameters(Task& task, Section& section, const TaskContext& context) {
  task.parameters_json = ReadObject(section, "parameters");
  ReadParametersOf(task, section, context);
  for (const RouteEntry& entry : task.route) {
    if (task.parameters_of.contains(entry)) continue;
    if (!FitParameters(entry, task.parameters_json, section, "parameters", context)) break;
  }
}

void ReadAnswer(Task& task, Section& section, const TaskContext& context) {
  ReadSchema(task, section, context.environment);
  task.answer = section.Choice<AnswerForm>(
      "answer", task.answer, {{"items", AnswerForm::kItems}, {"text", AnswerForm::kText}});
  if (task.answer == AnswerForm::kText) {
    if (task.max_batch_items != 1) {
      section.Fail("answer", "\"text\" needs max_batch_items = 1: the whole answer is one output");
    }
    if (section.Has("output_schema")) {
      section.Fail("output_schema", "has no meaning with answer = \"text\"");
    }
  }
  task.max_output_tokens =
      section.Int("max_output_tokens", task.max_output_tokens, {.min = 1, .max = 10'000'000});
  ReadParameters(task, section, context);
  task.fallback_json = ReadObject(section, "fallback");
}

void ReadPatience(Task& task, Section& section) {
  task.timeout = section.Duration("timeout", task.timeout, {seconds(1), hours(1)});
  task.max_attempts =
      static_cast<int>(section.Int("max_attempts", task.max_attempts, {.min = 1, .max = 100}));
  task.max_item_attempts = static_cast<int>(
      section.Int("max_item_attempts", task.max_item_attempts, {.min = 0, .max = 20}));
}

void ReadPermits(Task& task, Section& section) {
  task.concurrency = section.Int("concurrency", task.concurrency, {.min = 0, .max = 100'000});
  task.permits = section.Int("permits", task.permits, {.min = 1, .max = 1'000});
}

void CheckAgainstModels(const Task& task, Section& section, const TaskContext& context) {
  for (const RouteEntry& entry : task.route) {
    const model::ModelInfo& info = context.models.at(entry);
    // The models behind the first are asked for what they can; batches are divided for them.
    const bool is_first = &entry == &task.route.front();
    if (is_first && task.max_output_tokens > info.max_output_tokens) {
      section.Fail("max_output_tokens", "must be at most " +
                                            config::ToText(info.max_output_tokens) +
                                            ", the limit of " + ToText(entry));
    }
    if (std::min(task.max_output_tokens, info.max_output_tokens) >= info.context_window_tokens) {
      section.Fail("max_output_tokens", "leaves no room for a prompt in the context of " +
                                            ToText(entry) + " (" +
                                            config::ToText(info.context_window_tokens) + ")");
    }
    if (info.prices.empty()) {
      section.Warn("route", "the cost of " + ToText(entry) + " will be unknown: it has no price");
    }
  }
  WarnOfSchema(task, section, context);
}

}  // namespace

std::vector<RouteEntry> ReadRouteEntries(Section& section, std::string_view key,
                                         const std::vector<std::string>& texts,
                                         const TaskContext& context) {
  if (texts.empty() && section.Has(key))
    section.Fail(key, "must have at least one \"provider/model\"");
  std::vector<RouteEntry> entries;
  for (const std::string& text : texts) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
      section.Fail(key, "must be \"provider/model\", is \"" + text + "\"");
      continue;
    }
    RouteEntry entry{.provider = text.substr(0, slash), .model = text.substr(slash + 1)};
    const std::string fault = FaultOf(entry, context);
    if (!fault.empty()) {
      section.Fail(key, fault);
    } else if (std::find(entries.begin(), entries.end(), entry) != entries.end()) {
      section.Fail(key, "names \"" + text + "\" twice");
    } else {
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

std::shared_ptr<const Task> ReadTask(const std::string& name, Section section,
                                     const TaskContext& context) {
  auto task = std::make_shared<Task>();
  task->name = name;
  if (!IsName(name)) section.Fail("", "a task's name must be 1 to 64 of A–Z a–z 0–9 . _ -");
  ReadWorkflow(*task, section);
  task->route = ReadRoute(section, context);
  ReadBatching(*task, section);
  ReadPrompt(*task, section);
  ReadAnswer(*task, section, context);
  ReadPatience(*task, section);
  ReadPermits(*task, section);
  ReadExtractRules(*task, section);
  ReadSteps(*task, section);
  task->budget = {.day = ReadMoney(section, "budget_day_usd"),
                  .month = ReadMoney(section, "budget_month_usd")};
  task->isolate_tenants = section.Bool("isolate_tenants", task->isolate_tenants);
  task->results_topic = section.String("results", "");
  if (section.Has("results") && !IsTopicName(task->results_topic)) {
    section.Fail("results", "must be a topic's name: 1 to 249 of A–Z a–z 0–9 . _ -");
  } else if (ReadsTopic(context.kafka, task->results_topic)) {
    section.Fail("results", "is one of the topics of kafka.requests; it must be another one");
  }
  task->cache_ttl = section.Duration("cache_ttl", task->cache_ttl, {seconds(1), hours(24 * 366)});
  task->cache_batched = section.Bool("cache_batched", task->cache_batched);
  section.RefuseOthers();
  CheckAgainstModels(*task, section, context);
  return task;
}

}  // namespace llmbatch::config
