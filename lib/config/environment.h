// Environment: everything outside the configuration's text that reading it may need.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace llmbatch::config {

// A value, so that tests bring their own. Errors name the path and the reason.
struct Environment {
  std::map<std::string, std::string> variables;
  std::string host_name;
  std::function<base::Result<std::string>(const std::string& path)> read_file;
  // Names, not paths, of the regular files in a folder.
  std::function<base::Result<std::vector<std::string>>(const std::string& folder)> list_folder;
  // false: references to credentials are checked for their form only, and every secret is empty.
  bool fetch_secrets = true;
};

// The process's own: its variables as they are now, and the file system.
Environment SystemEnvironment();

}  // namespace llmbatch::config
