// OpenAiCodec: OpenAI's chat completions, which most other servers speak as well.
#pragma once

#include <memory>
#include <string>

#include "providers/codec.h"

namespace llmbatch::providers {

// Where servers differ, model::Provider has a switch: the name of the output limit, the role of the
// system text, how an answer's schema is asked for. Nothing optional is sent by itself.
class OpenAiCodec : public Codec {
 public:
  FormatTraits traits() const override;
  ports::HttpRequest Encode(const ChatRequest& request, const model::Provider& provider,
                            base::Duration timeout) const final;
  std::unique_ptr<CompletionStream> NewStream() const final;
  RateLimits RateLimitsOf(const ports::HttpResponse& response, base::WallTime now) const final;
  base::Result<void> ValidateParameters(std::string_view parameters_json,
                                        const model::Provider& provider) const final;

 protected:
  virtual std::string PathFor(const std::string& model, const model::Provider& provider) const;

 private:
  Used ReadUsed(json::Value root, const ports::HttpResponse& response) const final;
  std::variant<Completion, Missing> ReadCompletion(json::Value root,
                                                   const ports::HttpResponse& response) const final;
};

// The same at Azure. With the version "v1" the model of the request is the deployment's name; with
// a date as the version the deployment stands in the path.
class AzureOpenAiCodec final : public OpenAiCodec {
 public:
  FormatTraits traits() const override;

 protected:
  std::string PathFor(const std::string& model, const model::Provider& provider) const override;
};

}  // namespace llmbatch::providers
