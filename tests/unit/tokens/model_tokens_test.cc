#include "tokens/model_tokens.h"

#include <gtest/gtest.h>

#include <string_view>

namespace llmbatch::tokens {
namespace {

struct Case {
  std::string_view model;
  Family family;
  double seed_ratio;
};

TEST(ModelTokens, AreReadOffTheName) {
  const Case cases[] = {
      {"gpt-6-luna", Family::kO200k, 1.0},
      {"claude-haiku-5-5", Family::kClaude5, 1.0},
      {"claude-opus-4-7", Family::kClaude5, 1.0},
      {"claude-opus-4-6", Family::kO200k, 1.2},
      {"claude-haiku-4-5", Family::kO200k, 1.2},
      {"anthropic/claude-3-5-sonnet", Family::kO200k, 1.2},
      {"gemini-3.8-flash", Family::kO200k, 1.1},
      {"some-local-model", Family::kO200k, 1.0},
      {"", Family::kO200k, 1.0},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(TokensOf(c.model).family, c.family) << c.model;
    EXPECT_EQ(TokensOf(c.model).seed_ratio, c.seed_ratio) << c.model;
  }
}

}  // namespace
}  // namespace llmbatch::tokens
