// OpenAiCodec: OpenAI's chat completions, which most other servers speak as well.
#pragma once

#include "providers/codec.h"

namespace llmbatch::providers {

// Where servers differ, model::Provider has a switch: the name of the output limit, the role of the
// system text, how an answer's schema is asked for. Nothing optional is sent by itself.
class OpenAiCodec final : public Codec {
 public:
  ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                            base::Duration timeout) const override;
  std::variant<Completion, CallFailure> Decode(const ports::HttpResponse& response,
                                               base::WallTime now) const override;
  RateLimits RateLimitsOf(const ports::HttpResponse& response) const override;
  base::Result<void> ValidateParameters(std::string_view parameters_json) const override;
};

}  // namespace llmbatch::providers
