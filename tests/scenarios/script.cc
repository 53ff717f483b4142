#include "scenarios/script.h"

#include <sstream>
#include <utility>

namespace llmbatch::scenarios {
namespace {

constexpr std::string_view kDashes = "----";

bool ReadInput(std::istringstream& lines, int& number, Step& step) {
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line == kDashes) return true;
    if (!step.input.empty()) step.input += '\n';
    step.input += line;
  }
  return false;
}

void ReadExpected(std::istringstream& lines, int& number, Step& step) {
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty()) return;
    step.expected += line + '\n';
  }
}

}  // namespace

std::optional<Script> ParseScript(std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  std::string preface;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line.front() == '#') {
      preface += line + '\n';
      continue;
    }
    Step step{.preface = std::exchange(preface, {}),
              .line = number,
              .command = line,
              .input = {},
              .expected = {}};
    if (!ReadInput(lines, number, step)) return std::nullopt;
    ReadExpected(lines, number, step);
    script.steps.push_back(std::move(step));
  }
  script.epilogue = preface;
  return script;
}

std::string FormatScript(const Script& script) {
  std::string text;
  for (const Step& step : script.steps) {
    if (!text.empty()) text += '\n';
    text += step.preface + step.command + '\n';
    if (!step.input.empty()) text += step.input + '\n';
    text += std::string(kDashes) + '\n' + step.expected;
  }
  if (!script.epilogue.empty()) text += '\n' + script.epilogue;
  return text;
}

}  // namespace llmbatch::scenarios
