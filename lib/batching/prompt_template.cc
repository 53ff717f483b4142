#include "batching/prompt_template.h"

#include <algorithm>
#include <array>
#include <kainjow/mustache.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "json/writer.h"

namespace llmbatch::batching {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr std::array<std::string_view, 8> kVariables{
    "items_json", "items", "id", "text", "input_json", "item_count", "context_json", "schema_json"};

std::string_view Trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The names used in a template's tags. Delimiters are not changed anywhere: "{{=" is refused by the
// caller.
std::vector<std::string_view> TagNames(std::string_view text) {
  std::vector<std::string_view> names;
  for (std::size_t open = text.find("{{"); open != std::string_view::npos;
       open = text.find("{{", open)) {
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos) break;
    std::string_view tag = Trim(text.substr(open + 2, close - open - 2));
    open = close + 2;
    if (tag.empty() || tag.front() == '!') continue;
    if (std::string_view("#^/&{").find(tag.front()) != std::string_view::npos)
      tag = Trim(tag.substr(1));
    names.push_back(tag);
  }
  return names;
}

bool Uses(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<base::Error> CheckTemplate(std::string_view key, const std::string& text,
                                         mustache& compiled, const model::Task& task) {
  if (!compiled.is_valid()) {
    return base::Invalid(std::string(key) + ": bad template: " + compiled.error_message());
  }
  for (const std::string_view name : TagNames(text)) {
    const bool known = std::find(kVariables.begin(), kVariables.end(), name) != kVariables.end() ||
                       task.variables.contains(std::string(name));
    if (name.starts_with('>') || name.starts_with('=')) {
      return base::Invalid(std::string(key) +
                           ": partials and changed delimiters are not supported");
    }
    if (!known) {
      return base::Invalid(std::string(key) + ": unknown variable {{" + std::string(name) + "}}");
    }
  }
  return std::nullopt;
}

std::string ItemsJson(std::span<const PromptItem> items) {
  json::Writer writer;
  writer.BeginArray();
  for (const PromptItem& item : items) {
    const bool is_text = item.input->kind == model::ItemInput::Kind::kText;
    writer.BeginObject().Key("id").String(item.nonce);
    writer.Key(is_text ? "text" : "input").Raw(InputAsJson(*item.input)).EndObject();
  }
  return writer.EndArray().Take();
}

}  // namespace

std::string InputAsJson(const model::ItemInput& input) {
  return input.kind == model::ItemInput::Kind::kJson ? input.value : json::Quote(input.value);
}

struct PromptTemplate::Impl {
  Impl(const model::Task& task)
      : system(task.system), user(task.prompt), schema_json(task.output_schema_json) {
    for (mustache* each : {&system, &user}) {
      each->set_custom_escape([](const std::string& text) { return text; });
    }
    for (const auto& [name, value] : task.variables) variables.emplace_back(name, value);
    std::vector<std::string_view> names = TagNames(task.prompt);
    const std::vector<std::string_view> system_names = TagNames(task.system);
    names.insert(names.end(), system_names.begin(), system_names.end());
    uses_items_json = Uses(names, "items_json");
    uses_items = Uses(names, "items");
  }

  mustache system;
  mustache user;
  std::string schema_json;
  std::vector<std::pair<std::string, std::string>> variables;
  bool uses_items_json = false;
  bool uses_items = false;
};

PromptTemplate::PromptTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PromptTemplate::PromptTemplate(PromptTemplate&&) noexcept = default;
PromptTemplate& PromptTemplate::operator=(PromptTemplate&&) noexcept = default;
PromptTemplate::~PromptTemplate() = default;

base::Result<PromptTemplate> PromptTemplate::Compile(const model::Task& task) {
  auto impl = std::make_unique<Impl>(task);
  if (const auto error = CheckTemplate("system", task.system, impl->system, task)) return *error;
  if (const auto error = CheckTemplate("prompt", task.prompt, impl->user, task)) return *error;
  if (!impl->uses_items_json && !impl->uses_items) {
    return base::Invalid(
        "prompt: has no place for the items: use {{items_json}} or {{#items}}…{{/items}}");
  }
  return PromptTemplate(std::move(impl));
}

Prompt PromptTemplate::Render(std::span<const PromptItem> items,
                              std::string_view context_json) const {
  data context;
  for (const auto& [name, value] : impl_->variables) context.set(name, value);
  context.set("item_count", std::to_string(items.size()));
  context.set("context_json", std::string(context_json));
  context.set("schema_json", impl_->schema_json);
  if (impl_->uses_items_json) context.set("items_json", ItemsJson(items));
  if (impl_->uses_items) {
    data list{data::type::list};
    for (const PromptItem& item : items) {
      data entry;
      entry.set("id", std::string(item.nonce));
      entry.set("text", item.input->value);
      entry.set("input_json", InputAsJson(*item.input));
      list.push_back(std::move(entry));
    }
    context.set("items", std::move(list));
  }
  return Prompt{.system = impl_->system.render(context), .user = impl_->user.render(context)};
}

}  // namespace llmbatch::batching
