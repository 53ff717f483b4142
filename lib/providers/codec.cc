#include "providers/codec.h"

#include <array>

#include "providers/anthropic_codec.h"
#include "providers/gemini_codec.h"
#include "providers/openai_codec.h"
#include "providers/openai_responses_codec.h"

namespace llmbatch::providers {

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
