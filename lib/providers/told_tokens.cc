#include "providers/told_tokens.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "providers/headers.h"

namespace llmbatch::providers {
namespace {

// More than any model can be sent is no count of tokens.
constexpr std::int64_t kMostTokens = 1'000'000'000;

// What stands on both sides of the number, so that the limit beside it isn't taken for it.
struct Phrase {
  std::string_view before;
  std::string_view behind;
};

// The first that fits.
constexpr Phrase kPhrases[] = {
    {"messages resulted in ", " tokens"},             // OpenAI, llama-cpp-python
    {"tokens (", " in the messages"},                 // vLLM, OpenRouter; the rest is the answer's
    {"request has ", " input tokens"},                // vLLM
    {"prompt is too long: ", " tokens"},              // Anthropic
    {"exceed context limit: ", " + "},                // Anthropic; behind it the answer's
    {"input token count (", ")"},                     // Gemini
    {"request (", " tokens) exceeds the available"},  // llama.cpp
};

std::string_view DigitsAt(std::string_view text) {
  const auto* end =
      std::find_if_not(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return text.substr(0, static_cast<std::size_t>(end - text.begin()));
}

std::optional<std::int64_t> NumberWithin(std::string_view message, const Phrase& phrase) {
  for (std::size_t at = message.find(phrase.before); at != std::string_view::npos;
       at = message.find(phrase.before, at + 1)) {
    const std::string_view rest = message.substr(at + phrase.before.size());
    const std::string_view digits = DigitsAt(rest);
    if (rest.substr(digits.size()).starts_with(phrase.behind)) {
      if (const auto number = ParseWhole(digits)) return number;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> ToldPromptTokens(const ErrorBody& error) {
  const auto is_count = [](const std::optional<std::int64_t>& number) {
    return number && *number > 0 && *number <= kMostTokens;
  };
  if (const auto number = ParseWhole(error.prompt_tokens); is_count(number)) return number;
  for (const Phrase& phrase : kPhrases) {
    if (const auto number = NumberWithin(error.message, phrase); is_count(number)) return number;
  }
  return std::nullopt;
}

}  // namespace llmbatch::providers
