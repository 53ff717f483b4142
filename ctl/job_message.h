// Messages to llmbatchd, made from flags or a file, and checked as llmbatchd will check them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "ctl/workflow_flags.h"
#include "json/writer.h"

namespace llmbatch::ctl {

struct WorkFlags {
  std::string task;
  std::string user_id;
  std::string job_id;
  std::string item_id;               // set: one item; empty: a job
  std::vector<std::string> texts;    // inputs that are text
  std::vector<std::string> inputs;   // inputs that are JSON objects, as JSON
  std::optional<std::string> lines;  // inputs as JSON lines, see below
  std::string items_ref;             // where the inputs are: "redis:NAME" or "https://…"
  std::optional<int> priority;
  std::string deadline;
  std::string max_cost_usd;
  std::string model_selection;  // of a job: a route of the configuration
  WorkflowFlags own;            // of a job: what only its workflow knows
};

// The message as JSON; a job is of `workflow`, and only one of map has inputs. In `lines` each line
// is an item as it stands in a job ({"id", "text"} or
// {"id", "input"}), any other object, which is the input itself and named by its "id" if that is a
// text, or a JSON string, which is a text. What has no id is named by the number of its line.
base::Result<std::string> MessageOf(const WorkFlags& flags, std::string_view workflow,
                                    const ReadFile& read_file);

// Of the configured task of this name; the error says which it may be.
base::Result<std::string> WorkflowOf(const std::string& task, const config::Config& config);

struct Submission {
  bool is_job = false;
  std::string id;   // of the job or item
  std::string key;  // of the message
  std::string value;
  std::size_t items = 1;
};

// `value` as it will be published. The error names the field, as the dead letter would.
base::Result<Submission> CheckMessage(std::string value, const config::Config& config);

// The topic that it goes to: `named`, or the first one that the configuration reads messages from.
base::Result<std::string> TopicOf(const std::string& named, const config::Kafka& kafka);

}  // namespace llmbatch::ctl
