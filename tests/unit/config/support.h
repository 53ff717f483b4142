// Configurations as texts, loaded from a file system in memory.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace llmbatch::config {

inline constexpr const char* kMainFile = "/etc/llmbatchd.toml";

// A sound configuration that single lines can be put into. A line goes into the section of that
// header, in place of the line with the same key if there is one; a new section is added at the
// end.
class Draft {
 public:
  Draft();
  Draft& Set(std::string_view header, std::string_view line);
  Draft& Remove(std::string_view header, std::string_view key);
  std::string Text() const;
  // Of the first line that is the same, from 1; 0: there is none.
  int LineOf(std::string_view line) const;

 private:
  struct Part {
    std::string header;  // empty: the top of the file
    std::vector<std::string> lines;
  };
  Part& Find(std::string_view header);

  std::vector<Part> parts_;
};

using Files = std::map<std::string, std::string>;
using Variables = std::map<std::string, std::string>;

Environment InMemory(Files files, Variables variables = {});

LoadOutcome Load(const std::string& text, Files others = {}, Variables variables = {});

// All problems as they would be shown, one a line.
std::string Shown(const std::vector<ConfigProblem>& problems);

}  // namespace llmbatch::config
