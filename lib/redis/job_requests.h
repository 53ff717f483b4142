// What the core asks about the records of jobs, as requests to Redis, and what the replies say.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "ports/job_record.h"
#include "redis/connection.h"
#include "redis/reply.h"
#include "redis/requests.h"
#include "redis/server_facts.h"

namespace llmbatch::redis {

std::vector<Request> Build(const ports::TakeJobRecord& take, const Deployment& deployment,
                           const ServerFacts& facts);
std::vector<Request> Build(const ports::SaveJobRecord& save, const Deployment& deployment,
                           const ServerFacts& facts);
std::vector<Request> Build(const ports::AskJobMember& ask, const Deployment& deployment,
                           const ServerFacts& facts);
std::vector<Request> Build(const ports::CommandJobRecord& command, const Deployment& deployment,
                           const ServerFacts& facts);

base::Result<ports::TakenJob> ReadTaken(ReplyView reply, std::string_view server);
base::Result<ports::JobRecordSaved::State> ReadSaved(ReplyView reply, std::string_view server);
base::Result<ports::ToldMember> ReadMember(ReplyView reply, std::string_view server);
base::Result<ports::CommandedJob> ReadCommanded(ReplyView reply, std::string_view server);

}  // namespace llmbatch::redis
