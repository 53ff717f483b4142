// EstimateTokens: about how many tokens a provider's tokenizer makes of a text, without its tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace llmbatch::tokens {

enum class Method {
  kChars,    // a quarter of the code points: right for English prose only
  kClasses,  // a weighted count over classes of characters
};

// Tokenizers that weights are known for.
enum class Family {
  kO200k,    // OpenAI since GPT-4o; the nearest for every other model but the next
  kClaude5,  // Claude since Opus 4.7
};

// One pass, linear, no allocation. The family matters to kClasses only. Malformed UTF-8 is counted
// byte by byte. An estimate for a text cut in parts may differ by a few tokens from that for the
// whole.
std::int64_t EstimateTokens(std::string_view text, Method method, Family family);

}  // namespace llmbatch::tokens
