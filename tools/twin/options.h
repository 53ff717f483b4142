// The command line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "twin/behaviour.h"

namespace llmbatch::twin {

struct Options {
  std::string listen = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any free one
  std::string port_file;
  std::string journal_file;
  std::uint64_t journal_max_requests = 1'000'000;
  Behaviour behaviour;
  bool help = false;
};

// `--name value` or `--name=value`. The error names the flag.
base::Result<Options> ParseOptions(const std::vector<std::string_view>& arguments);
std::string HelpText();

}  // namespace llmbatch::twin
