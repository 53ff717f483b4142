// TokenPlanner: how many tokens an item adds to a task's prompt, and what the prompt costs without
// any item.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "batching/prompt_template.h"
#include "model/item.h"
#include "model/task.h"
#include "tokens/bpe.h"
#include "tokens/model_tokens.h"

namespace llmbatch::batching {

// As the configuration says, or by the model's name.
tokens::ModelTokens TokensFor(std::string_view model, model::Tokenizer tokenizer);

// Uncalibrated: the same text always gives the same number.
class TokenPlanner {
 public:
  // Reads the costs off the template by rendering it with probes.
  // With `bpe` texts are counted by it instead of estimated, if the tokenizer is its own.
  TokenPlanner(const PromptTemplate& prompt_template, const tokens::ModelTokens& tokens,
               std::shared_ptr<const tokens::Bpe> bpe = nullptr);

  // Whether texts are counted exactly.
  bool is_exact() const { return bpe_ != nullptr; }

  // System text, fixed part of the prompt and the message overhead.
  std::int64_t fixed_tokens() const { return fixed_tokens_; }
  // The item's text as often as the template repeats it, its nonce and its wrapping.
  std::int64_t ItemTokens(const model::ItemInput& input) const;
  // A message of the conversation before the prompt.
  std::int64_t TurnTokens(std::string_view text) const;
  // Of what the items of a batch have in common, as often as the template repeats it.
  std::int64_t ContextTokens(std::string_view context_json) const;

 private:
  std::int64_t Count(std::string_view text) const;
  std::int64_t Count(const Prompt& prompt) const;

  tokens::ModelTokens tokens_;
  std::shared_ptr<const tokens::Bpe> bpe_;  // nullptr: none
  std::int64_t fixed_tokens_ = 0;
  std::int64_t wrapping_tokens_ = 0;  // an item's share without its text
  std::int64_t copies_ = 1;           // how often an item's text stands in the prompt
  std::int64_t context_copies_ = 0;   // the same of what a batch has in common
};

}  // namespace llmbatch::batching
