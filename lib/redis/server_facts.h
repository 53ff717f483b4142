// What has to be known of a server before it can be used.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "redis/connection.h"

namespace llmbatch::redis {

struct ServerFacts {
  std::string run_id;      // changes with each start of a server; empty: we may not ask
  std::string script_sha;  // of the permit script, which is loaded there
};

// Loads the permit script, too. An error for a server that can't be written to.
base::Result<ServerFacts> PrepareServer(Connection& connection);

// Loads the permit script and returns its name there.
base::Result<std::string> LoadPermitScript(Connection& connection);

// Settings by which the server may lose what is kept there, one sentence each; empty if there are
// none, or if we may not ask.
std::vector<std::string> RiskySettings(Connection& connection);

}  // namespace llmbatch::redis
