#include "config/section.h"

#include <algorithm>
#include <filesystem>

#include "config/values.h"
#include "json/writer.h"

namespace llmbatch::config {
namespace {

const toml::table& EmptyTable() {
  static const toml::table empty;
  return empty;
}

bool IsBareKey(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// A text that only stands in a list of values, so an escape that JSON has and TOML has not is
// never needed: both know the same ones.
std::string Quoted(std::string_view text) { return json::Quote(text); }

}  // namespace

std::string_view Describe(toml::node_type type) {
  switch (type) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text in quotation marks";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

Section::Section(const toml::table& table, std::string path, Position otherwise, Report& report)
    : table_(&table),
      path_(std::move(path)),
      position_(report.PositionOf(table, otherwise)),
      report_(&report) {}

std::string Section::PathOf(std::string_view key) const {
  const std::string name =
      IsBareKey(key) || key.empty() ? std::string(key) : '"' + std::string(key) + '"';
  if (path_.empty() || name.empty()) return path_ + name;
  return path_ + "." + name;
}

Position Section::PositionOf(std::string_view key) const {
  const auto found = table_->find(key);
  return found == table_->end() ? position_
                                : report_->PositionOf(found->first, found->second, position_);
}

std::string Section::ResolvePath(std::string_view key, const std::string& path) const {
  const Position position = PositionOf(key);
  const std::string& file = position.file.starts_with('$') ? report_->main_file() : position.file;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

std::vector<std::string> Section::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, node] : *table_) keys.emplace_back(key.str());
  return keys;
}

void Section::Fail(std::string_view key, std::string what) {
  report_->Problem(PositionOf(key), PathOf(key), std::move(what));
}

void Section::Warn(std::string_view key, std::string what) {
  report_->Warning(PositionOf(key), PathOf(key), std::move(what));
}

void Section::Note(std::string_view key, std::string value) {
  report_->Value(path_, std::string(PathOf(key), path_.empty() ? 0 : path_.size() + 1),
                 std::move(value), Has(key) ? PositionOf(key) : Position{});
}

const toml::node* Section::Find(std::string_view key, toml::node_type type) {
  known_.emplace(key);
  const toml::node* node = table_->get(key);
  if (node == nullptr) return nullptr;
  if (type != toml::node_type::string && report_->VariableOf(*node) != nullptr) {
    node = &report_->ReadVariable(*node);
  }
  return node;
}

const toml::node* Section::Any(std::string_view key, toml::node_type type) {
  const toml::node* node = Find(key, type);
  if (node == nullptr || node->type() == type) return node;
  Fail(key,
       "must be " + std::string(Describe(type)) + ", is " + std::string(Describe(node->type())));
  return nullptr;
}

std::string Section::String(std::string_view key, std::string otherwise, Empty empty) {
  const toml::node* node = Any(key, toml::node_type::string);
  if (node != nullptr) {
    const std::string& text = node->as_string()->get();
    if (!text.empty() || empty == Empty::kAllowed) {
      otherwise = text;
    } else {
      Fail(key, "must not be empty; leave it out for the default");
    }
  }
  Note(key, Quoted(otherwise));
  return otherwise;
}

std::int64_t Section::ReadInt(std::string_view key, std::int64_t otherwise, IntRange range) {
  const toml::node* node = Any(key, toml::node_type::integer);
  if (node == nullptr) return otherwise;
  const std::int64_t number = node->as_integer()->get();
  if (number >= range.min && number <= range.max) return number;
  Fail(key, "must be between " + ToText(range.min) + " and " + ToText(range.max));
  return otherwise;
}

std::int64_t Section::Int(std::string_view key, std::int64_t otherwise, IntRange range) {
  const std::int64_t number = ReadInt(key, otherwise, range);
  Note(key, std::to_string(number));
  return number;
}

bool Section::Bool(std::string_view key, bool otherwise) {
  const toml::node* node = Any(key, toml::node_type::boolean);
  const bool value = node == nullptr ? otherwise : node->as_boolean()->get();
  Note(key, value ? "true" : "false");
  return value;
}

base::Duration Section::ReadDuration(std::string_view key, base::Duration otherwise,
                                     DurationRange range) {
  const toml::node* node = Find(key, toml::node_type::string);
  if (node == nullptr) return otherwise;
  const auto* text = node->as_string();
  const auto duration = text == nullptr ? std::nullopt : ParseDuration(text->get());
  if (!duration) {
    Fail(key, "must be a whole number with a unit, ms, s, m, h or d: \"" + ToText(otherwise) + '"');
    return otherwise;
  }
  if (*duration >= range.min && *duration <= range.max) return *duration;
  Fail(key, "must be between " + ToText(range.min) + " and " + ToText(range.max));
  return otherwise;
}

base::Duration Section::Duration(std::string_view key, base::Duration otherwise,
                                 DurationRange range) {
  const base::Duration duration = ReadDuration(key, otherwise, range);
  Note(key, Quoted(ToText(duration)));
  return duration;
}

base::Duration Section::Millis(std::string_view key, base::Duration otherwise,
                               DurationRange range) {
  const toml::node* node = Find(key, toml::node_type::integer);
  if (node != nullptr && !node->is_integer()) {
    Fail(key, "must be a whole number of milliseconds, is " + std::string(Describe(node->type())));
    return otherwise;
  }
  const IntRange in_millis{.min = base::ToMillis(range.min), .max = base::ToMillis(range.max)};
  return std::chrono::milliseconds(Int(key, base::ToMillis(otherwise), in_millis));
}

std::vector<std::string> Section::ReadStrings(std::string_view key,
                                              std::vector<std::string> otherwise) {
  const toml::node* node = Find(key, toml::node_type::array);
  if (node == nullptr) return otherwise;
  if (const auto* text = node->as_string()) return {text->get()};
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    Fail(key, "must be a list of texts, is " + std::string(Describe(node->type())));
    return otherwise;
  }
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    if (const auto* text = element.as_string()) {
      texts.push_back(text->get());
      continue;
    }
    Fail(key, "must be a list of texts, has " + std::string(Describe(element.type())) + " in it");
    return otherwise;
  }
  return texts;
}

std::vector<std::string> Section::Strings(std::string_view key,
                                          std::vector<std::string> otherwise) {
  std::vector<std::string> texts = ReadStrings(key, std::move(otherwise));
  std::string list = "[";
  for (const std::string& text : texts) list += (list.size() > 1 ? ", " : "") + Quoted(text);
  Note(key, list + "]");
  return texts;
}

std::optional<std::size_t> Section::ChoiceIndex(std::string_view key,
                                                const std::vector<std::string>& words,
                                                std::size_t usual) {
  const toml::node* node = Any(key, toml::node_type::string);
  if (node == nullptr) {
    if (usual < words.size()) Note(key, Quoted(words[usual]));
    return std::nullopt;
  }
  const auto found = std::find(words.begin(), words.end(), node->as_string()->get());
  if (found == words.end()) {
    Fail(key, "must be " + Enumerate(words));
    return std::nullopt;
  }
  Note(key, Quoted(*found));
  return static_cast<std::size_t>(found - words.begin());
}

Section Section::Table(std::string_view key) {
  const toml::node* node = Any(key, toml::node_type::table);
  const toml::table& table = node == nullptr ? EmptyTable() : *node->as_table();
  return Section(table, PathOf(key), node == nullptr ? position_ : PositionOf(key), *report_);
}

std::vector<Section> Section::Tables(std::string_view key) {
  std::vector<Section> sections;
  const toml::node* node = Any(key, toml::node_type::array);
  if (node == nullptr) return sections;
  for (const toml::node& element : *node->as_array()) {
    if (const toml::table* table = element.as_table()) {
      sections.emplace_back(*table, PathOf(key) + "[" + std::to_string(sections.size()) + "]",
                            PositionOf(key), *report_);
    } else {
      Fail(key,
           "must be a list of tables, has " + std::string(Describe(element.type())) + " in it");
    }
  }
  return sections;
}

std::vector<std::pair<std::string, Section>> Section::NamedTables() {
  std::vector<std::pair<std::string, Section>> sections;
  for (const std::string& name : Keys()) {
    if (Any(name, toml::node_type::table) != nullptr) sections.emplace_back(name, Table(name));
  }
  return sections;
}

void Section::RefuseOthers() {
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [key, node] : *table_) {
    const std::string_view name = key.str();
    if (known_.contains(name)) continue;
    const auto nearest = Nearest(name, known);
    Fail(name, nearest ? "unknown key; did you mean \"" + *nearest + "\"?" : "unknown key");
  }
}

}  // namespace llmbatch::config
