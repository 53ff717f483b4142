// What has to be known of a server before it can be used.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "redis/connection.h"

namespace llmbatch::redis {

struct ServerFacts {
  std::string run_id;  // changes with each start of a server; empty: we may not ask
  // The scripts' names there: the same on every server.
  std::string permit_script;
  std::string claim_script;
  std::string limit_script;
  std::string hold_script;
  std::string job_script;
  std::string ratio_script;
};

// Loads the scripts, too. An error for a server that can't be written to.
base::Result<ServerFacts> PrepareServer(Connection& connection);

// For a server that has forgotten them.
base::Result<void> LoadScripts(Connection& connection);

// Settings by which the server may lose what is kept there, one sentence each; empty if there are
// none, or if we may not ask.
std::vector<std::string> RiskySettings(Connection& connection);

}  // namespace llmbatch::redis
