// Report: where values of a configuration come from, and what is wrong with them.
#pragma once

#include <toml++/toml.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace llmbatch::config {

struct Position {
  std::string file;
  int line = 0;
};

class Report {
 public:
  explicit Report(std::string main_file) : main_file_(std::move(main_file)) {}

  void Problem(const Position& position, std::string key, std::string what);
  void Warning(const Position& position, std::string key, std::string what);

  // Notes that `node` stands for the value of an environment variable.
  void SetVariable(const toml::node& node, std::string variable);
  // nullptr: it stands in a file.
  const std::string* VariableOf(const toml::node& node) const;
  // The value of a variable read as TOML, such as 5 or ["a", "b"]; the node itself where that is
  // no TOML. REQUIRES: VariableOf(node)
  const toml::node& ReadVariable(const toml::node& node);

  // Notes what a key means. `source`: empty for the default.
  void Value(std::string section, std::string key, std::string value, const Position& source);

  // Where a node stands; `otherwise` for one that stands in no file, such as a table that only
  // exists because of what is in it.
  Position PositionOf(const toml::node& node, const Position& otherwise) const;
  Position PositionOf(const toml::key& key, const toml::node& node,
                      const Position& otherwise) const;

  const std::string& main_file() const { return main_file_; }
  bool HasProblems() const { return !problems_.empty(); }
  // Main file first, then the others by name, then variables; by line in each.
  std::vector<ConfigProblem> TakeProblems();
  std::vector<ConfigProblem> TakeWarnings();
  // The sections in the order of their first key.
  std::vector<ConfigValue> TakeValues();

 private:
  void Sort(std::vector<ConfigProblem>& problems) const;

  std::string main_file_;
  std::vector<ConfigProblem> problems_;
  std::vector<ConfigProblem> warnings_;
  std::vector<ConfigValue> values_;
  std::map<const toml::node*, std::string> variables_;
  std::map<const toml::node*, toml::table> read_variables_;
};

}  // namespace llmbatch::config
