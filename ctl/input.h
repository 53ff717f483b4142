#pragma once

#include <string>

#include "base/result.h"

namespace llmbatch::ctl {

// A whole file, or standard input if the path is "-", which may have 64 MiB.
base::Result<std::string> ReadInput(const std::string& path);

}  // namespace llmbatch::ctl
