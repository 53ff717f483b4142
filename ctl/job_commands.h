// llmbatchctl submit.
#pragma once

#include <string>

#include "ctl/exit_codes.h"
#include "ctl/job_message.h"
#include "ctl/session.h"

namespace llmbatch::ctl {

// Publishes a message that was checked and waits until Kafka has it.
ExitCode Submit(const Session& session, const std::string& topic, const Submission& submission);

}  // namespace llmbatch::ctl
