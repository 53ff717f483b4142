// llmbatchctl list | show | status | counts | cancel | retry.
#pragma once

#include <string>

#include "config/config.h"
#include "ctl/exit_codes.h"
#include "ctl/records.h"
#include "ctl/session.h"
#include "wire/command.h"

namespace llmbatch::ctl {

ExitCode ListJobs(const config::Config& config, const JobFilter& filter, bool json);
// kWhole: with request and result, which people see only as JSON.
ExitCode ShowJob(const config::Config& config, const std::string& job_id, Extent extent, bool json);
ExitCode CountJobs(const config::Config& config, const std::string& user_id, bool json);

// Writes the command and waits until it is acknowledged. What comes of it stands on the topic of
// progress events.
ExitCode SendCommand(const Session& session, const wire::JobCommand& command);

}  // namespace llmbatch::ctl
