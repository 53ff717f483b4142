// The twin's own endpoints under /_twin/: script, reset, journal, summary, items.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "twin/twin.h"

namespace llmbatch::twin {

struct ControlReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
};

enum class Method { kGet, kPost, kOther };

inline bool IsControlPath(std::string_view path) { return path.substr(0, 7) == "/_twin/"; }

// `query` is what follows the question mark.
ControlReply HandleControl(Twin& twin, Method method, std::string_view path, std::string_view query,
                           std::string_view body, base::Timestamp now);

}  // namespace llmbatch::twin
