#include "providers/codec.h"

#include "providers/openai_codec.h"

namespace llmbatch::providers {

const Codec* CodecFor(std::string_view api) {
  static const OpenAiCodec kOpenAi;
  return api == "openai" ? &kOpenAi : nullptr;
}

}  // namespace llmbatch::providers
