// Script: a text file of commands and what each is expected to bring about.
//
//   # A comment, kept as it is.
//   record llm.requests/0 offset 3          the command
//   {"kind":"item", …}                      its input, if it takes one: all lines up to the dashes
//   ----
//   look up 1                               expected: all lines up to an empty one
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::scenarios {

struct Step {
  std::string preface;  // comments and empty lines before it, as they are written
  int line = 0;         // of the command, from 1
  std::string command;
  std::string input;  // without its last newline
  std::string expected;
};

struct Script {
  std::vector<Step> steps;
  std::string epilogue;  // comments behind the last step
};

// nullopt: a command is followed by no dashes.
std::optional<Script> ParseScript(std::string_view text);
// The text that ParseScript() reads as the same script.
std::string FormatScript(const Script& script);

}  // namespace llmbatch::scenarios
