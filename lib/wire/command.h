// Commands for jobs, as they stand on the control topic, and what follows from them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "model/error_code.h"
#include "model/job.h"
#include "ports/record.h"
#include "wire/request.h"

namespace llmbatch::wire {

struct JobCommand {
  enum class Kind { kCancel, kRetry };
  Kind kind = Kind::kCancel;
  std::string job_id;
  std::string user_id;

  friend bool operator==(const JobCommand&, const JobCommand&) = default;
};
std::string_view ToString(JobCommand::Kind kind);

std::variant<JobCommand, Malformed> DecodeCommand(const ports::Record& record,
                                                  std::size_t max_bytes);

// What is published about a command that can't be carried out.
std::string EncodeCommandError(const JobCommand& command, model::ErrorCode code,
                               std::string_view message);

// The message `request` of a job as one of another id, that names the first as its retry_of. The
// error is for a text that is no job.
base::Result<std::string> EncodeRetry(std::string_view request, std::string_view job_id);

}  // namespace llmbatch::wire
