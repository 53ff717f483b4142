#include "batching/token_planner.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace llmbatch::batching {
namespace {

// Two messages and the request itself, in OpenAI's chat format.
constexpr std::int64_t kMessageOverheadTokens = 3 * 2 + 3;
constexpr std::string_view kProbeNonce = "0a1b2c3d4e5f6071";
constexpr std::string_view kProbeText = "probe";

std::int64_t Estimate(const Prompt& prompt, tokens::Family family) {
  return tokens::EstimateTokens(prompt.system, tokens::Method::kClasses, family) +
         tokens::EstimateTokens(prompt.user, tokens::Method::kClasses, family);
}

std::int64_t CountProbes(const std::string& text) {
  std::int64_t count = 0;
  for (std::size_t at = text.find(kProbeText); at != std::string::npos;
       at = text.find(kProbeText, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TokenPlanner::TokenPlanner(const PromptTemplate& prompt_template, tokens::Family family)
    : family_(family) {
  const model::ItemInput empty{.kind = model::ItemInput::Kind::kText, .value = ""};
  const model::ItemInput probe{.kind = model::ItemInput::Kind::kText,
                               .value = std::string(kProbeText)};
  const std::array<PromptItem, 2> two{PromptItem{kProbeNonce, &empty},
                                      PromptItem{kProbeNonce, &empty}};
  const std::array<PromptItem, 1> probed{PromptItem{kProbeNonce, &probe}};

  const Prompt none = prompt_template.Render({});
  const std::int64_t one_item = Estimate(prompt_template.Render(std::span(two).first(1)), family);
  fixed_tokens_ = Estimate(none, family) + kMessageOverheadTokens;
  wrapping_tokens_ =
      std::max<std::int64_t>(1, Estimate(prompt_template.Render(two), family) - one_item);
  const Prompt with_probe = prompt_template.Render(probed);
  copies_ =
      std::max<std::int64_t>(1, CountProbes(with_probe.system) + CountProbes(with_probe.user) -
                                    CountProbes(none.system) - CountProbes(none.user));
  const Prompt in_context = prompt_template.Render({}, kProbeText);
  context_copies_ = CountProbes(in_context.system) + CountProbes(in_context.user) -
                    CountProbes(none.system) - CountProbes(none.user);
}

std::int64_t TokenPlanner::ItemTokens(const model::ItemInput& input) const {
  const std::int64_t text =
      tokens::EstimateTokens(InputAsJson(input), tokens::Method::kClasses, family_);
  return wrapping_tokens_ + copies_ * text;
}

std::int64_t TokenPlanner::ContextTokens(std::string_view context_json) const {
  if (context_copies_ == 0 || context_json.empty()) return 0;
  return context_copies_ * tokens::EstimateTokens(context_json, tokens::Method::kClasses, family_);
}

}  // namespace llmbatch::batching
