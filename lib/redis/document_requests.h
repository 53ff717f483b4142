// The documents that users keep in Redis, for jobs that name them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ports/document.h"
#include "redis/connection.h"
#include "redis/reply.h"
#include "redis/requests.h"
#include "redis/server_facts.h"

namespace llmbatch::redis {

// "{NAMESPACE}:doc:USER:NAME". A colon or a percent sign in USER is written as %3A or %25, so that
// no name makes a key of one user look like one of another.
std::string DocumentKey(std::string_view prefix, std::string_view user_id, std::string_view name);

std::vector<Request> Build(const ports::FetchDocument& fetch, const Deployment& deployment,
                           const ServerFacts& facts);
base::Result<std::string> ReadDocument(const ports::FetchDocument& fetch, ReplyView reply,
                                       std::string_view server);

}  // namespace llmbatch::redis
