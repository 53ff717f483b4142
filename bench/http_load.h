// The load that both HTTP measurements make: chat completions of one item, about 1 KiB each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace llmbatch::bench {

struct HttpLoad {
  std::string base_url;  // "/chat/completions" is appended
  std::int64_t requests = 0;
  std::int64_t in_flight = 1;
};

// A request body of about `bytes` bytes that the provider twin answers.
std::string ChatCompletion(std::size_t bytes);

// Answers that were not 200 with a body; nullopt: the run could not be started.
// With nothing but libcurl: as many handles as requests in flight, each used again and again.
std::optional<std::int64_t> RunBareLibcurl(const HttpLoad& load);
// With the daemon's HTTP driver, commands and events going through its inbox.
std::optional<std::int64_t> RunDriver(const HttpLoad& load);

}  // namespace llmbatch::bench
