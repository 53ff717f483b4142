// Splitting a text at the ends of its paragraphs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::workflows {

// The text in parts of at most `max_tokens` (estimated), in order; together they are the text. They
// end where a paragraph does; a paragraph that is too long for a part is split at the end of a
// line, of a sentence or of a word, in this order, and anywhere between characters as the last
// resort. REQUIRES: max_tokens >= kLeastPartTokens
std::vector<std::string> SplitText(std::string_view text, std::int64_t max_tokens);

inline constexpr std::int64_t kLeastPartTokens = 64;

}  // namespace llmbatch::workflows
