// llmbatchctl submit | watch.
#pragma once

#include <string>

#include "base/time.h"
#include "ctl/exit_codes.h"
#include "ctl/job_message.h"
#include "ctl/session.h"

namespace llmbatch::ctl {

// Publishes a message that was checked and waits until Kafka has it.
ExitCode Submit(const Session& session, const std::string& topic, const Submission& submission);

// Follows a job until its result is there. What was written before `since` is not seen.
ExitCode Watch(const Session& session, const std::string& job_id, base::WallTime since);

}  // namespace llmbatch::ctl
