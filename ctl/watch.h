// llmbatchctl watch.
#pragma once

#include <string>

#include "base/time.h"
#include "ctl/exit_codes.h"
#include "ctl/session.h"

namespace llmbatch::ctl {

// Follows a job until its result is there. What was written before `since` is not seen.
ExitCode WatchJob(const Session& session, const std::string& job_id, base::WallTime since);
// Follows all jobs of a user that are under way, and those that come meanwhile, until none is. The
// exit code is that of the first job that didn't end well.
ExitCode WatchUser(const Session& session, const std::string& user_id, base::WallTime since);

}  // namespace llmbatch::ctl
