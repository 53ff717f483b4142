#include "batching/token_planner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokens/estimator.h"

namespace llmbatch::batching {
namespace {

constexpr tokens::Family kFamily = tokens::Family::kO200k;
constexpr tokens::ModelTokens kTokens{.family = kFamily};
constexpr const char* kJsonForm = "{{items_json}}";
constexpr const char* kSectionForm =
    "{{#items}}\n<item id=\"{{id}}\">\n{{text}}\n</item>\n{{/items}}";

PromptTemplate Compile(const std::string& prompt) {
  model::Task task;
  task.system = "Label each item with its language. Answer in JSON.";
  task.prompt = prompt;
  auto compiled = PromptTemplate::Compile(task);
  EXPECT_TRUE(compiled.ok());
  return std::move(compiled).value();
}

model::ItemInput Text(std::string value) {
  return {.kind = model::ItemInput::Kind::kText, .value = std::move(value)};
}

std::int64_t Rendered(const PromptTemplate& compiled, const std::vector<model::ItemInput>& inputs) {
  std::vector<PromptItem> items;
  for (const model::ItemInput& input : inputs) items.push_back({"9f3c5a7be1d20486", &input});
  const Prompt prompt = compiled.Render(items);
  return tokens::EstimateTokens(prompt.system, tokens::Method::kClasses, kFamily) +
         tokens::EstimateTokens(prompt.user, tokens::Method::kClasses, kFamily);
}

std::int64_t Planned(const TokenPlanner& planner, const std::vector<model::ItemInput>& inputs) {
  std::int64_t planned = planner.fixed_tokens();
  for (const model::ItemInput& input : inputs) planned += planner.ItemTokens(input);
  return planned;
}

struct Case {
  std::string name;
  std::string prompt;
  std::string text;
};

class TokenPlannerCovers : public testing::TestWithParam<Case> {};

// What is planned for a batch is what its prompt has: hardly less, or bounds would be passed, and
// not much more, or batches would stay small.
TEST_P(TokenPlannerCovers, TheRenderedPrompt) {
  const PromptTemplate compiled = Compile(GetParam().prompt);
  const TokenPlanner planner(compiled, kTokens);
  for (const std::size_t count : {1U, 2U, 7U, 40U}) {
    SCOPED_TRACE(count);
    const std::vector<model::ItemInput> inputs(count, Text(GetParam().text));
    const auto rendered = static_cast<double>(Rendered(compiled, inputs));
    const auto planned = static_cast<double>(Planned(planner, inputs));
    EXPECT_GE(planned, rendered * 0.98);
    EXPECT_LE(planned, rendered * 1.15 + 20);
  }
}

constexpr const char* kEnglish =
    "The parcel arrived two days late and the box was torn, but the lamp itself is fine.";
constexpr const char* kGerman =
    "Die Lieferung kam zwei Tage zu spät; das Rückgabeetikett fehlte ebenfalls.";
constexpr const char* kRussian = "Посылка пришла с опозданием, но лампа работает отлично.";
constexpr const char* kChinese = "包裹晚到了两天,盒子破了,但是灯本身没有问题。";
constexpr const char* kArabic = "وصل الطرد متأخرا يومين لكن المصباح سليم.";
constexpr const char* kMarkup = "a \"quoted\"\nline\t{\"k\": [1, 22, 333]} <b>&</b> 🙂";

INSTANTIATE_TEST_SUITE_P(Languages, TokenPlannerCovers,
                         testing::Values(Case{"JsonEnglish", kJsonForm, kEnglish},
                                         Case{"JsonGerman", kJsonForm, kGerman},
                                         Case{"JsonRussian", kJsonForm, kRussian},
                                         Case{"JsonChinese", kJsonForm, kChinese},
                                         Case{"JsonArabic", kJsonForm, kArabic},
                                         Case{"JsonMarkup", kJsonForm, kMarkup},
                                         Case{"SectionEnglish", kSectionForm, kEnglish},
                                         Case{"SectionGerman", kSectionForm, kGerman},
                                         Case{"SectionRussian", kSectionForm, kRussian},
                                         Case{"SectionChinese", kSectionForm, kChinese},
                                         Case{"SectionArabic", kSectionForm, kArabic}),
                         [](const auto& test) { return test.param.name; });

TEST(TokenPlanner, CountsTheSystemTextAsFixed) {
  const TokenPlanner planner(Compile(kJsonForm), kTokens);
  EXPECT_GT(planner.fixed_tokens(),
            tokens::EstimateTokens("Label each item with its language. Answer in JSON.",
                                   tokens::Method::kClasses, kFamily));
}

TEST(TokenPlanner, CountsEveryCopyOfAnItem) {
  const model::ItemInput input = Text(std::string(kEnglish));
  const std::int64_t once = TokenPlanner(Compile(kJsonForm), kTokens).ItemTokens(input);
  const std::int64_t twice =
      TokenPlanner(Compile("{{items_json}}\nAgain: {{items_json}}"), kTokens).ItemTokens(input);
  EXPECT_NEAR(static_cast<double>(twice), static_cast<double>(2 * once), 4);
}

TEST(TokenPlanner, IsNotMisledByWordsOfTheTemplate) {
  const model::ItemInput input = Text(std::string(kEnglish));
  const std::int64_t plain = TokenPlanner(Compile(kJsonForm), kTokens).ItemTokens(input);
  const std::int64_t with_word =
      TokenPlanner(Compile("Send a probe, another probe.\n{{items_json}}"), kTokens)
          .ItemTokens(input);
  EXPECT_EQ(with_word, plain);
}

TEST(TokenPlanner, AnEmptyItemCostsItsWrapping) {
  EXPECT_GT(TokenPlanner(Compile(kSectionForm), kTokens).ItemTokens(Text("")), 0);
}

// It is neither wrapped like an item nor escaped, however often the template repeats its items.
TEST(TokenPlanner, CountsATurnAsItIsTold) {
  const std::string turn = R"({"units":[{"title":"\"One\"","days":["a","b"]}]})";
  const std::int64_t text = tokens::EstimateTokens(turn, kTokens.method, kTokens.family);
  for (const char* form : {"{{items_json}}", "{{items_json}}\nAgain: {{items_json}}"}) {
    EXPECT_EQ(TokenPlanner(Compile(form), kTokens).TurnTokens(turn), text + 3);
  }
}

TEST(TokenPlanner, CountsTheContextAsOftenAsItIsTold) {
  const std::string context = R"({"known":["refund","parcel","contract"]})";
  const auto alone = tokens::EstimateTokens(context, tokens::Method::kClasses, kFamily);
  const struct {
    const char* prompt;
    std::int64_t times;
  } cases[] = {{"{{items_json}}", 0},
               {"{{context_json}} {{items_json}}", 1},
               {"{{context_json}} {{items_json}} {{context_json}}", 2}};
  for (const auto& each : cases) {
    const PromptTemplate compiled = Compile(each.prompt);
    const TokenPlanner planner(compiled, kTokens);
    EXPECT_EQ(planner.ContextTokens(context), each.times * alone) << each.prompt;
    EXPECT_EQ(planner.ContextTokens(""), 0);
  }
  EXPECT_EQ(Compile("{{context_json}}: {{items_json}}").Render({}, context).user, context + ": []");
}

TEST(TokenPlanner, CountsAsConfiguredOrByTheModelsName) {
  using model::Tokenizer;
  const model::ItemInput input = Text("漢字漢字漢字漢字");
  const auto tokens = [&](std::string_view model, Tokenizer tokenizer) {
    return TokenPlanner(Compile(kJsonForm), TokensFor(model, tokenizer)).ItemTokens(input);
  };
  const std::int64_t o200k = tokens("gpt-6-luna", Tokenizer::kByName);
  const std::int64_t claude = tokens("claude-opus-5-5", Tokenizer::kByName);
  EXPECT_GT(claude, o200k);
  EXPECT_EQ(tokens("gpt-6-luna", Tokenizer::kClaude), claude);
  EXPECT_EQ(tokens("claude-opus-5-5", Tokenizer::kO200k), o200k);
  EXPECT_LT(tokens("gpt-6-luna", Tokenizer::kChars), o200k);
  // A ratio that goes with the name doesn't go with another tokenizer.
  EXPECT_EQ(TokensFor("gemini-3.8-flash", Tokenizer::kByName).seed_ratio, 1.1);
  EXPECT_EQ(TokensFor("gemini-3.8-flash", Tokenizer::kChars).seed_ratio, 1.0);
}

}  // namespace
}  // namespace llmbatch::batching
