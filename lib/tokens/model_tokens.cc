#include "tokens/model_tokens.h"

namespace llmbatch::tokens {
namespace {

struct Rule {
  std::string_view part_of_name;
  ModelTokens tokens;
};

// The first that fits. Claude's tokenizer changed with Opus 4.7.
constexpr Rule kRules[] = {
    {"claude-3", {.family = Family::kO200k, .seed_ratio = 1.2}},
    {"claude-opus-4-7", {.family = Family::kClaude5}},
    {"claude-opus-4-8", {.family = Family::kClaude5}},
    {"claude-opus-4", {.family = Family::kO200k, .seed_ratio = 1.2}},
    {"claude-sonnet-4", {.family = Family::kO200k, .seed_ratio = 1.2}},
    {"claude-haiku-4", {.family = Family::kO200k, .seed_ratio = 1.2}},
    {"claude", {.family = Family::kClaude5}},
    {"gemini", {.family = Family::kO200k, .seed_ratio = 1.1}},
};

}  // namespace

ModelTokens TokensOf(std::string_view model) {
  for (const Rule& rule : kRules) {
    if (model.find(rule.part_of_name) != std::string_view::npos) return rule.tokens;
  }
  return {};
}

}  // namespace llmbatch::tokens
