#include "providers/codec.h"

#include <array>
#include <utility>

#include "providers/anthropic_codec.h"
#include "providers/error_body.h"
#include "providers/gemini_codec.h"
#include "providers/openai_codec.h"
#include "providers/openai_responses_codec.h"

namespace llmbatch::providers {

std::variant<Completion, CallFailure> Codec::Decode(const ports::HttpResponse& response,
                                                    base::WallTime now) const {
  if (response.status < 200 || response.status > 299) return Classify(response, now);
  if (IsEventStream(response)) return DecodeStream(*NewStream(), response, now);
  const auto document = json::Document::Parse(response.body, kBodyLimits);
  if (!document) return ProtocolFailure(response, "the body is no JSON");
  const json::Value root = document->root();
  Used used = ReadUsed(root, response);
  if (FindError(root)) return WithUsage(Classify(response, now), used.usage, std::move(used.tier));
  auto read = ReadCompletion(root, response);
  if (const auto* missing = std::get_if<Missing>(&read)) {
    return WithUsage(ProtocolFailure(response, *missing), used.usage, std::move(used.tier));
  }
  auto& completion = std::get<Completion>(read);
  completion.usage = used.usage;
  completion.tier = std::move(used.tier);
  return std::move(completion);
}

const Codec* CodecFor(std::string_view api) {
  static const OpenAiCodec kOpenAi;
  static const OpenAiResponsesCodec kOpenAiResponses;
  static const AzureOpenAiCodec kAzureOpenAi;
  static const AnthropicCodec kAnthropic;
  static const GeminiCodec kGemini;
  if (api == "openai") return &kOpenAi;
  if (api == "openai_responses") return &kOpenAiResponses;
  if (api == "azure_openai") return &kAzureOpenAi;
  if (api == "anthropic") return &kAnthropic;
  if (api == "gemini") return &kGemini;
  return nullptr;
}

std::span<const std::string_view> Apis() {
  static constexpr std::array<std::string_view, 5> kApis = {"openai", "openai_responses",
                                                            "azure_openai", "anthropic", "gemini"};
  return kApis;
}

}  // namespace llmbatch::providers
