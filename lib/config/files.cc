#include "config/files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "config/section.h"
#include "config/values.h"

namespace llmbatch::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "LLMBATCHD_";

// The parser quotes values in some messages, and a value may be a credential in the wrong place.
std::string WithoutValues(std::string_view description) {
  if (description.find("redefine") != std::string_view::npos) return std::string(description);
  std::string text;
  while (!description.empty()) {
    const std::size_t open = description.find('\'');
    const std::size_t close =
        open == std::string_view::npos ? open : description.find('\'', open + 1);
    if (close == std::string_view::npos) return text.append(description);
    const bool is_short = close - open <= 3;
    text.append(description.substr(0, open));
    text.append(is_short ? description.substr(open, close - open + 1) : "it");
    description.remove_prefix(close + 1);
  }
  return text;
}

// The position is where the file was named; for the main file, the file itself.
std::optional<toml::table> ParseFile(const std::string& path, const Environment& environment,
                                     const Position& named_at, const std::string& key,
                                     Report& report) {
  const auto text = environment.read_file(path);
  if (!text) {
    report.Problem(named_at, key, text.error().message);
    return std::nullopt;
  }
  try {
    return toml::parse(std::string_view(*text), path);
  } catch (const toml::parse_error& error) {
    report.Problem({.file = path, .line = static_cast<int>(error.source().begin.line)}, "",
                   "is no valid TOML: " + WithoutValues(error.description()));
    return std::nullopt;
  }
}

// The table root[key], made if there is none; nullptr if it is something else, which is reported
// when the section is read.
toml::table* Subtable(toml::table& root, std::string_view key) {
  return root.insert(key, toml::table{}).first->second.as_table();
}

// Reports what a file has besides the one table that it is for.
void RefuseOtherKeys(const toml::table& file, const std::string& path, std::string_view only,
                     Report& report) {
  for (const auto& [key, node] : file) {
    if (key.str() == only) continue;
    report.Problem(report.PositionOf(key, node, {.file = path, .line = 1}), std::string(key.str()),
                   "does not belong in this file: it may only have [" + std::string(only) + ".…]");
  }
}

// Moving keeps each value's file and line; copying would lose them.
void MergeTasks(toml::table& root, toml::table file, const std::string& path, Report& report) {
  RefuseOtherKeys(file, path, "tasks", report);
  toml::table* tasks = Subtable(root, "tasks");
  toml::table* added = file["tasks"].as_table();
  if (tasks == nullptr || added == nullptr) return;
  for (auto&& [key, node] : *added) {
    if (tasks->contains(key.str())) {
      report.Problem(report.PositionOf(key, node, {.file = path, .line = 1}),
                     "tasks." + std::string(key.str()), "is in another file already");
    } else {
      tasks->insert(key, std::move(node));
    }
  }
}

// What the main file says about a model goes before what the prices file says.
void MergeModels(toml::table& root, toml::table file, const std::string& path, Report& report) {
  RefuseOtherKeys(file, path, "models", report);
  toml::table* models = Subtable(root, "models");
  toml::table* added = file["models"].as_table();
  if (models == nullptr || added == nullptr) return;
  for (auto&& [name, node] : *added) {
    toml::node* known = models->get(name.str());
    if (known == nullptr) {
      models->insert(name, std::move(node));
    } else if (known->is_table() && node.is_table()) {
      for (auto&& [key, value] : *node.as_table()) {
        if (!known->as_table()->contains(key.str())) {
          known->as_table()->insert(key, std::move(value));
        }
      }
    }
  }
}

// The files that a pattern such as "tasks/*.toml" stands for, by name. Only its last part may have
// a star in it.
std::vector<std::string> FilesOf(Section& top, const std::string& pattern,
                                 const Environment& environment) {
  const std::string path = top.ResolvePath("task_files", pattern);
  if (path.find('*') == std::string::npos) return {path};
  const fs::path folder = fs::path(path).parent_path();
  const auto names = environment.list_folder(folder.empty() ? "." : folder.string());
  if (!names) {
    top.Fail("task_files", names.error().message);
    return {};
  }
  std::vector<std::string> paths;
  for (const std::string& name : *names) {
    if (MatchesPattern(name, fs::path(path).filename().string())) {
      paths.push_back((folder / name).string());
    }
  }
  if (paths.empty()) top.Fail("task_files", "no file fits \"" + pattern + "\"");
  return paths;
}

std::set<std::string> TaskFiles(Section& top, const Environment& environment) {
  std::set<std::string> paths;
  for (const std::string& pattern : top.Strings("task_files", {})) {
    for (std::string& path : FilesOf(top, pattern, environment)) paths.insert(std::move(path));
  }
  return paths;
}

// The key that is there already in another case, else the name in lower case.
std::string MatchingKey(const toml::table& table, std::string_view name) {
  const std::string lower = base::ToLower(name);
  for (const auto& [key, node] : table) {
    if (base::ToLower(key.str()) == lower) return std::string(key.str());
  }
  return lower;
}

std::vector<std::string> SplitName(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t end = name.find("__"); end != std::string_view::npos; end = name.find("__")) {
    parts.emplace_back(name.substr(0, end));
    name.remove_prefix(end + 2);
  }
  parts.emplace_back(name);
  return parts;
}

void ApplyVariable(toml::table& root, const std::string& variable, const std::string& value,
                   Report& report) {
  const std::vector<std::string> parts =
      SplitName(std::string_view(variable).substr(kPrefix.size()));
  const Position position{.file = "$" + variable, .line = 0};
  if (std::count(parts.begin(), parts.end(), "") > 0) {
    report.Problem(position, "", "must be LLMBATCHD_SECTION__KEY");
    return;
  }
  toml::table* table = &root;
  std::string path;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    const std::string key = MatchingKey(*table, parts[i]);
    path += key + ".";
    table = Subtable(*table, key);
    if (table == nullptr) {
      report.Problem(position, path.substr(0, path.size() - 1), "is no table");
      return;
    }
  }
  const std::string key = MatchingKey(*table, parts.back());
  const auto placed = table->insert_or_assign(key, value).first;
  report.SetVariable(placed->second, variable);
}

}  // namespace

std::optional<toml::table> ReadFiles(const std::string& path, const Environment& environment,
                                     Report& report) {
  // What can't be read is told with its path already.
  auto root = ParseFile(path, environment, {.file = {}, .line = 0}, "", report);
  if (!root) return std::nullopt;
  Section top(*root, "", {.file = path, .line = 1}, report);
  for (const std::string& file : TaskFiles(top, environment)) {
    auto tasks = ParseFile(file, environment, top.PositionOf("task_files"), "task_files", report);
    if (tasks) MergeTasks(*root, *std::move(tasks), file, report);
  }
  if (top.Has("prices")) {
    const std::string file = top.ResolvePath("prices", top.String("prices", ""));
    auto models = ParseFile(file, environment, top.PositionOf("prices"), "prices", report);
    if (models) MergeModels(*root, *std::move(models), file, report);
  }
  return root;
}

void ApplyVariables(toml::table& root, const Environment& environment, Report& report) {
  for (const auto& [variable, value] : environment.variables) {
    if (!variable.starts_with(kPrefix)) continue;
    if (variable.find("__") == std::string::npos) {
      report.Warning({.file = "$" + variable, .line = 0}, "",
                     "is not used: a section and its key are parted by two underscores");
    } else {
      ApplyVariable(root, variable, value, report);
    }
  }
}

}  // namespace llmbatch::config
