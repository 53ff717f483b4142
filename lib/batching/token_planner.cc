#include "batching/token_planner.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace llmbatch::batching {
namespace {

// In OpenAI's chat format: around a message, and of a request with two.
constexpr std::int64_t kTurnOverheadTokens = 3;
constexpr std::int64_t kMessageOverheadTokens = kTurnOverheadTokens * 2 + 3;
constexpr std::string_view kProbeNonce = "0a1b2c3d4e5f6071";
constexpr std::string_view kProbeText = "probe";

std::int64_t CountProbes(const std::string& text) {
  std::int64_t count = 0;
  for (std::size_t at = text.find(kProbeText); at != std::string::npos;
       at = text.find(kProbeText, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

tokens::ModelTokens TokensFor(std::string_view model, model::Tokenizer tokenizer) {
  switch (tokenizer) {
    case model::Tokenizer::kByName:
      break;
    case model::Tokenizer::kO200k:
      return {.family = tokens::Family::kO200k};
    case model::Tokenizer::kClaude:
      return {.family = tokens::Family::kClaude5};
    case model::Tokenizer::kChars:
      return {.method = tokens::Method::kChars};
  }
  return tokens::TokensOf(model);
}

std::int64_t TokenPlanner::Count(std::string_view text) const {
  return bpe_ ? bpe_->Count(text) : tokens::EstimateTokens(text, tokens_.method, tokens_.family);
}

std::int64_t TokenPlanner::Count(const Prompt& prompt) const {
  return Count(prompt.system) + Count(prompt.user);
}

TokenPlanner::TokenPlanner(const PromptTemplate& prompt_template, const tokens::ModelTokens& tokens,
                           std::shared_ptr<const tokens::Bpe> bpe)
    : tokens_(tokens), bpe_(tokens.IsO200k() ? std::move(bpe) : nullptr) {
  const model::ItemInput empty{.kind = model::ItemInput::Kind::kText, .value = ""};
  const model::ItemInput probe{.kind = model::ItemInput::Kind::kText,
                               .value = std::string(kProbeText)};
  const std::array<PromptItem, 2> two{PromptItem{kProbeNonce, &empty},
                                      PromptItem{kProbeNonce, &empty}};
  const std::array<PromptItem, 1> probed{PromptItem{kProbeNonce, &probe}};

  const Prompt none = prompt_template.Render({});
  const std::int64_t one_item = Count(prompt_template.Render(std::span(two).first(1)));
  fixed_tokens_ = Count(none) + kMessageOverheadTokens;
  wrapping_tokens_ = std::max<std::int64_t>(1, Count(prompt_template.Render(two)) - one_item);
  const Prompt with_probe = prompt_template.Render(probed);
  copies_ =
      std::max<std::int64_t>(1, CountProbes(with_probe.system) + CountProbes(with_probe.user) -
                                    CountProbes(none.system) - CountProbes(none.user));
  const Prompt in_context = prompt_template.Render({}, kProbeText);
  context_copies_ = CountProbes(in_context.system) + CountProbes(in_context.user) -
                    CountProbes(none.system) - CountProbes(none.user);
}

std::int64_t TokenPlanner::ItemTokens(const model::ItemInput& input) const {
  return wrapping_tokens_ + copies_ * Count(InputAsJson(input));
}

std::int64_t TokenPlanner::TurnTokens(std::string_view text) const {
  return Count(text) + kTurnOverheadTokens;
}

std::int64_t TokenPlanner::ContextTokens(std::string_view context_json) const {
  if (context_copies_ == 0 || context_json.empty()) return 0;
  return context_copies_ * Count(context_json);
}

}  // namespace llmbatch::batching
