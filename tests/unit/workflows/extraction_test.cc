#include "workflows/fields/extraction.h"

#include <gtest/gtest.h>

namespace llmbatch::workflows {
namespace {

using Strategy = Field::Strategy;

constexpr std::string_view kUserData = R"({
  "Full Name": "Ada Example", "age": 42, "member": true, "nothing": null, "blank": "",
  "contact": {"email": "ada@example.org", "phones": ["030 1234", "0171 99"]},
  "address": {"line": "1 Harbour Street, 20457 Hamburg"},
  "a/b": {"m~n": 1}})";

Field FieldOf(std::string id, std::string label = "none") {
  Field field;
  field.id = std::move(id);
  field.label = std::move(label);
  return field;
}

Field At(std::string pointer, std::string_view pattern = {}) {
  Field field = FieldOf("f");
  field.strategy = Strategy::kExtract;
  field.pointer = std::move(pointer);
  if (!pattern.empty()) field.pattern = *Pattern::Compile(pattern, Pattern::Case::kExact);
  return field;
}

// "-" for what isn't found.
std::string Found(const Field& field, const std::vector<model::ExtractRule>& rules = {}) {
  const auto document = json::Document::Parse(kUserData);
  return Extract(field, document->root(), *CompileRules(rules)).value_or("-");
}

TEST(Extract, FindsByPointer) {
  const std::pair<const char*, const char*> cases[] = {
      {"/age", "42"},
      {"/contact/email", R"("ada@example.org")"},
      {"/contact/phones/1", R"("0171 99")"},
      {"/contact/phones", R"(["030 1234","0171 99"])"},
      {"/a~1b/m~0n", "1"},
      {"/contact/phones/2", "-"},
      {"/contact/phones/01", "-"},
      {"/contact/phones/-1", "-"},
      {"/contact/phones/x", "-"},
      {"/age/x", "-"},
      {"/", "-"},
      {"/nothing", "-"},
      {"/blank", "-"},
  };
  for (const auto& [pointer, expected] : cases) EXPECT_EQ(Found(At(pointer)), expected) << pointer;
}

TEST(Extract, FindsByPattern) {
  EXPECT_EQ(Found(At("/address", "[0-9]{5}")), R"("20457")");
  EXPECT_EQ(Found(At("", "([a-z]+)@")), R"("ada")");
  EXPECT_EQ(Found(At("/age", "^4")), R"("4")");
  EXPECT_EQ(Found(At("/age", "[a-z]")), "-");
  EXPECT_EQ(Found(At("/age", "(x)|42")), "-");
}

TEST(Extract, FindsWhatIsNamedLikeTheIdOrTheLabel) {
  EXPECT_EQ(Found(FieldOf("full_name")), R"("Ada Example")");
  EXPECT_EQ(Found(FieldOf("x", "E-Mail")), R"("ada@example.org")");
  EXPECT_EQ(Found(FieldOf("member")), "true");
  // Neither null nor empty, nor more than one value.
  EXPECT_EQ(Found(FieldOf("nothing")), "-");
  EXPECT_EQ(Found(FieldOf("blank")), "-");
  EXPECT_EQ(Found(FieldOf("contact")), "-");
  EXPECT_EQ(Found(FieldOf("--", "??")), "-");
}

TEST(Extract, TakesNothingForAFieldThatIsToBeAsked) {
  Field field = FieldOf("age");
  field.strategy = Strategy::kGenerate;
  EXPECT_EQ(Found(field), "-");
}

TEST(Extract, RulesGoBeforeNamesAndMatchWholeLabels) {
  const std::vector<model::ExtractRule> rules{{.label_pattern = "your age.*", .pointer = "/age"},
                                              {.label_pattern = "age", .pointer = "/none"}};
  EXPECT_EQ(Found(FieldOf("x", "YOUR AGE in years"), rules), "42");
  EXPECT_EQ(Found(FieldOf("x", "tell your age"), rules), "-");
  EXPECT_EQ(Found(FieldOf("x", "age"), rules), "42");
}

TEST(Pattern, RefusesWhatItCannotRunInLinearTime) {
  for (const std::string& text :
       {std::string("("), std::string("(a)\\1"), std::string("(?=a)"), std::string(),
        std::string(kMaxPatternBytes + 1, 'a'), std::string("((a{100}){100}){100}")}) {
    EXPECT_FALSE(Pattern::Compile(text, Pattern::Case::kExact).ok()) << text;
  }
  const auto pattern = Pattern::Compile("(a*)*b", Pattern::Case::kExact);
  ASSERT_TRUE(pattern.ok());
  EXPECT_EQ(pattern->Find(std::string(1'000'000, 'a')), std::nullopt);
}

}  // namespace
}  // namespace llmbatch::workflows
