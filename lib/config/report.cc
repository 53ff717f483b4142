#include "config/report.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace llmbatch::config {
namespace {

std::optional<Position> PositionIn(const toml::source_region& region) {
  if (!region.path) return std::nullopt;
  return Position{.file = *region.path, .line = static_cast<int>(region.begin.line)};
}

}  // namespace

void Report::Problem(const Position& position, std::string key, std::string what) {
  problems_.push_back({position.file, position.line, std::move(key), std::move(what)});
}

void Report::Warning(const Position& position, std::string key, std::string what) {
  warnings_.push_back({position.file, position.line, std::move(key), std::move(what)});
}

void Report::Value(std::string section, std::string key, std::string value,
                   const Position& source) {
  std::string text = source.file;
  if (source.line > 0) text += ":" + std::to_string(source.line);
  values_.push_back({.section = std::move(section),
                     .key = std::move(key),
                     .value = std::move(value),
                     .source = std::move(text)});
}

void Report::SetVariable(const toml::node& node, std::string variable) {
  variables_[&node] = std::move(variable);
}

const std::string* Report::VariableOf(const toml::node& node) const {
  const auto found = variables_.find(&node);
  return found == variables_.end() ? nullptr : &found->second;
}

const toml::node& Report::ReadVariable(const toml::node& node) {
  const auto known = read_variables_.find(&node);
  if (known != read_variables_.end()) return *known->second.get("value");
  const auto* text = node.as_string();
  if (text == nullptr) return node;
  try {
    toml::table table = toml::parse("value = " + text->get());
    if (table.size() != 1 || table.get("value") == nullptr) return node;
    const toml::node& value =
        *read_variables_.emplace(&node, std::move(table)).first->second.get("value");
    SetVariable(value, *VariableOf(node));
    return value;
  } catch (const toml::parse_error&) {
    return node;
  }
}

Position Report::PositionOf(const toml::node& node, const Position& otherwise) const {
  if (const std::string* variable = VariableOf(node)) return {.file = "$" + *variable, .line = 0};
  return PositionIn(node.source()).value_or(otherwise);
}

Position Report::PositionOf(const toml::key& key, const toml::node& node,
                            const Position& otherwise) const {
  if (VariableOf(node) != nullptr) return PositionOf(node, otherwise);
  return PositionIn(key.source()).value_or(PositionOf(node, otherwise));
}

std::vector<ConfigProblem> Report::TakeProblems() {
  Sort(problems_);
  return std::exchange(problems_, {});
}

std::vector<ConfigProblem> Report::TakeWarnings() {
  Sort(warnings_);
  return std::exchange(warnings_, {});
}

std::vector<ConfigValue> Report::TakeValues() {
  std::map<std::string, std::size_t> sections;
  for (const ConfigValue& value : values_) sections.try_emplace(value.section, sections.size());
  std::stable_sort(values_.begin(), values_.end(), [&](const auto& a, const auto& b) {
    return sections.at(a.section) < sections.at(b.section);
  });
  return std::exchange(values_, {});
}

void Report::Sort(std::vector<ConfigProblem>& problems) const {
  const auto rank = [this](const ConfigProblem& problem) {
    const int group = problem.file == main_file_ ? 0 : problem.file.starts_with('$') ? 2 : 1;
    return std::tuple(group, problem.file, problem.line);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
}

}  // namespace llmbatch::config
