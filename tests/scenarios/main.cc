// scenario_test FILE…: runs scripts and compares.   scenario_test --rewrite FILE…: writes what came
// out into them.   scenario_test --cancel FILE…: cancels the job of each behind each of its steps.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>

#include "scenarios/cancelling.h"
#include "scenarios/runner.h"
#include "scenarios/script.h"

namespace {

using namespace llmbatch;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The script with what came out in the place of what was expected.
scenarios::Script RunAll(scenarios::Script script, const std::string& path, int& failures) {
  scenarios::Runner runner;
  for (scenarios::Step& step : script.steps) {
    std::string actual = runner.Run(step);
    if (actual != step.expected) {
      ++failures;
      std::cout << path << ":" << step.line << ": " << step.command << "\nexpected:\n"
                << step.expected << "came out:\n"
                << actual << "\n";
    }
    step.expected = std::move(actual);
  }
  return script;
}

}  // namespace

int main(int argc, char** argv) {
  const bool rewrite = argc > 1 && std::string_view(argv[1]) == "--rewrite";
  const bool cancel = argc > 1 && std::string_view(argv[1]) == "--cancel";
  const int first = rewrite || cancel ? 2 : 1;
  if (argc <= first) {
    std::cerr << "usage: " << argv[0] << " [--rewrite | --cancel] FILE…\n";
    return 2;
  }
  int failures = 0;
  for (int i = first; i < argc; ++i) {
    auto script = scenarios::ParseScript(ReadFile(argv[i]));
    if (!script || script->steps.empty()) {
      std::cerr << argv[i] << ": no script, or a command without ---- behind it\n";
      return 2;
    }
    if (cancel) {
      for (const std::string& fault : scenarios::CancelEverywhere(*script)) {
        ++failures;
        std::cout << argv[i] << ": " << fault << "\n";
      }
      continue;
    }
    const scenarios::Script actual = RunAll(std::move(*script), argv[i], failures);
    if (rewrite) std::ofstream(argv[i], std::ios::binary) << scenarios::FormatScript(actual);
  }
  return failures == 0 || rewrite ? 0 : 1;
}
