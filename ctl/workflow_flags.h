// What a job is told by flags that are of its workflow alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/writer.h"

namespace llmbatch::ctl {

// A document is "[ID=]FILE", "[ID=]redis:NAME" or "[ID=]https://…"; without an id it has the name
// of its file, or of what it refers to.
struct WorkflowFlags {
  // fields
  std::vector<std::string> fields;  // "ID=LABEL"
  std::string user_data;            // a file with a JSON object
  std::string context;              // a JSON object, or a text
  std::optional<int> max_parallel;
  // comparison
  std::string standard;
  std::vector<std::string> candidates;
  std::string mode;
  // query
  std::string question;
  std::vector<std::string> documents;
  // comparison and query
  bool force_batch = false;
  // classification
  std::string sessions;      // a file with a JSON array, or with an object a line
  std::string sessions_ref;  // "redis:NAME" or "https://…"
  // chain
  std::optional<int> total_units;
  std::optional<int> units_per_batch;
  std::string goal;         // a JSON object, or a text
  std::string unit_schema;  // a file with a JSON Schema
  std::vector<std::string> prompts;
};

using ReadFile = std::function<base::Result<std::string>(const std::string& path)>;

// Writes what is given, as members of a job. The error names the flag that is of another workflow,
// or what is wrong with a file.
base::Result<void> WriteWorkflow(json::Writer& writer, std::string_view workflow,
                                 const WorkflowFlags& flags, const ReadFile& read_file);

}  // namespace llmbatch::ctl
