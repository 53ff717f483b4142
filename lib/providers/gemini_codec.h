// GeminiCodec: Gemini's generateContent.
#pragma once

#include <memory>

#include "providers/codec.h"

namespace llmbatch::providers {

// The version is a part of the path. An answer's schema is asked for as a JSON Schema, or in
// OpenAPI's dialect; one that can't be told so leaves "some JSON".
class GeminiCodec final : public Codec {
 public:
  FormatTraits traits() const override;
  ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                            base::Duration timeout) const override;
  std::unique_ptr<CompletionStream> NewStream() const override;
  // Nothing is told there.
  RateLimits RateLimitsOf(const ports::HttpResponse& response, base::WallTime now) const override;
  base::Result<void> ValidateParameters(std::string_view parameters_json,
                                        const model::Provider& provider) const override;

 private:
  Used ReadUsed(json::Value root, const ports::HttpResponse& response) const override;
  std::variant<Completion, Missing> ReadCompletion(
      json::Value root, const ports::HttpResponse& response) const override;
};

}  // namespace llmbatch::providers
