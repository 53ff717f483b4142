// Codec: one provider API's wire format. Translates between requests and HTTP messages, sends
// nothing.
#pragma once

#include <string_view>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "model/task.h"
#include "ports/record.h"
#include "providers/chat_request.h"
#include "providers/failure.h"
#include "providers/rate_limits.h"

namespace llmbatch::providers {

// Stateless.
class Codec {
 public:
  virtual ~Codec() = default;

  // Members of `parameters_json` that ValidateParameters refuses are left out.
  virtual ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                                    base::Duration timeout) const = 0;
  // A response of any status and body. An error in a response with status 200 is an error.
  virtual std::variant<Completion, CallFailure> Decode(const ports::HttpResponse& response,
                                                       base::WallTime now) const = 0;
  // Of any response, errors included.
  virtual RateLimits RateLimitsOf(const ports::HttpResponse& response) const = 0;
  // Whether a task's `parameters` are a JSON object without members that the codec writes itself or
  // that change the form of the answer. Empty is fine.
  virtual base::Result<void> ValidateParameters(std::string_view parameters_json) const = 0;
};

// The codec of a provider's `api`; nullptr if there is none. Lives as long as the process.
const Codec* CodecFor(std::string_view api);

}  // namespace llmbatch::providers
