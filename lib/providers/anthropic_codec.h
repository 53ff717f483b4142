// AnthropicCodec: Anthropic's Messages.
#pragma once

#include <memory>

#include "providers/codec.h"

namespace llmbatch::providers {

// Answers are asked for in a schema by output_config.format; where a schema can't be told that way,
// nothing is asked for but the prompt.
class AnthropicCodec final : public Codec {
 public:
  FormatTraits traits() const override;
  ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                            base::Duration timeout) const override;
  std::unique_ptr<CompletionStream> NewStream() const override;
  RateLimits RateLimitsOf(const ports::HttpResponse& response, base::WallTime now) const override;
  base::Result<void> ValidateParameters(std::string_view parameters_json,
                                        const model::Provider& provider) const override;

 private:
  Used ReadUsed(json::Value root, const ports::HttpResponse& response) const override;
  std::variant<Completion, Missing> ReadCompletion(
      json::Value root, const ports::HttpResponse& response) const override;
};

}  // namespace llmbatch::providers
