#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"
#include "config/config.h"
#include "ctl/exit_codes.h"
#include "ctl/job_message.h"
#include "ctl/session.h"

namespace llmbatch::ctl {

// `submit`: its options, the message that they make, and its way to Kafka.
class SubmitCommand {
 public:
  // They are read into this object, which must outlive the command.
  void AddOptions(CLI::App& command);
  // Whether the job is to be followed to its end.
  bool watches() const { return watch_; }
  // Throws CLI::RequiredError if there is nothing to send.
  ExitCode Run(const Session& session);

 private:
  void AddWorkflowFlags(CLI::App& command, CLI::Option* file);
  base::Result<std::string> Message(const config::Config& config);

  std::string file_;
  WorkFlags work_;
  std::string items_file_;
  std::string topic_;
  bool watch_ = false;
};

}  // namespace llmbatch::ctl
