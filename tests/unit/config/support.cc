#include "unit/config/support.h"

#include <utility>

namespace llmbatch::config {
namespace {

std::string_view KeyOf(std::string_view line) { return line.substr(0, line.find(" =")); }

}  // namespace

Draft::Draft()
    : parts_{{"", {}},
             {"[kafka]", {"brokers = \"broker:9092\""}},
             {"[redis]", {}},
             {"[admin]", {}},
             {"[limits]", {}},
             {"[providers.p]", {"base_url = \"https://llm.example/v1\""}},
             {"[models.\"p/m\"]",
              {"context_window = 100_000", "max_output_tokens = 8_000",
               "input_usd_per_million = \"0.1\"", "output_usd_per_million = \"0.5\""}},
             {"[tasks.t]", {"route = [\"p/m\"]", "prompt = \"{{items_json}}\""}}} {}

Draft::Part& Draft::Find(std::string_view header) {
  for (Part& part : parts_) {
    if (part.header == header) return part;
  }
  return parts_.emplace_back(Part{std::string(header), {}});
}

Draft& Draft::Set(std::string_view header, std::string_view line) {
  Part& part = Find(header);
  for (std::string& old : part.lines) {
    if (KeyOf(old) == KeyOf(line)) {
      old = line;
      return *this;
    }
  }
  part.lines.emplace_back(line);
  return *this;
}

Draft& Draft::Remove(std::string_view header, std::string_view key) {
  std::erase_if(Find(header).lines, [&](const auto& line) { return KeyOf(line) == key; });
  return *this;
}

std::string Draft::Text() const {
  std::string text;
  for (const Part& part : parts_) {
    if (!part.header.empty()) text += part.header + "\n";
    for (const std::string& line : part.lines) text += line + "\n";
  }
  return text;
}

int Draft::LineOf(std::string_view line) const {
  const std::string text = "\n" + Text();
  const std::size_t at = text.find("\n" + std::string(line) + "\n");
  if (at == std::string::npos) return 0;
  int number = 1;
  for (const char c : text.substr(0, at)) number += c == '\n' ? 1 : 0;
  return number;
}

Environment InMemory(Files files, Variables variables) {
  Environment environment;
  environment.variables = std::move(variables);
  environment.host_name = "host-1";
  environment.read_file = [files](const std::string& path) -> base::Result<std::string> {
    const auto found = files.find(path);
    if (found != files.end()) return found->second;
    return base::MakeError(base::ErrorKind::kNotFound, path + ": can't be read: no such file");
  };
  environment.list_folder =
      [files](const std::string& folder) -> base::Result<std::vector<std::string>> {
    std::vector<std::string> names;
    for (const auto& [path, text] : files) {
      if (path.starts_with(folder + "/") &&
          path.find('/', folder.size() + 1) == std::string::npos) {
        names.push_back(path.substr(folder.size() + 1));
      }
    }
    return names;
  };
  return environment;
}

LoadOutcome Load(const std::string& text, Files others, Variables variables) {
  others[kMainFile] = text;
  return LoadFile(kMainFile, InMemory(std::move(others), std::move(variables)));
}

std::string Shown(const std::vector<ConfigProblem>& problems) {
  std::string text;
  for (const ConfigProblem& problem : problems) text += ToString(problem) + "\n";
  return text;
}

}  // namespace llmbatch::config
