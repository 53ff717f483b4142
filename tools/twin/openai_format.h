// What OpenAI's formats have in common: errors and limits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "twin/wire_format.h"

namespace llmbatch::twin {

// What is wrong with {"schema", "strict"}: strict demands more of a schema. Empty: nothing.
std::string FaultOfStrictSchema(const JsonValue& format);

class OpenAiFormat : public WireFormat {
 public:
  // At Azure's paths also without "Bearer", in a header of its own.
  bool Admits(std::string_view path, const Headers& headers, std::string_view api_key) const final;
  int StatusOf(const Fault& fault) const final;
  std::string EncodeError(const Fault& fault, std::string_view message,
                          std::optional<base::Duration> retry_after) const final;
  Headers RateLimitHeaders(const Limiter& limiter, base::WallTime now) const final;
  Headers RetryHeaders(base::Duration wait) const final;
  std::string_view request_id_header() const final { return "x-request-id"; }
};

}  // namespace llmbatch::twin
