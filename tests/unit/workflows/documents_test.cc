#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/utf8.h"
#include "workflows/documents/background.h"
#include "workflows/documents/document.h"
#include "workflows/documents/paragraphs.h"
#include "workflows/documents/quotation.h"

namespace llmbatch::workflows {
namespace {

using testing::SizeIs;

std::string Words(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "word" + std::to_string(i) + " ";
  return text;
}

TEST(SplitText, LeavesWhatFitsAsItIs) {
  EXPECT_EQ(SplitText("a\n\nb", 100), (std::vector<std::string>{"a\n\nb"}));
}

TEST(SplitText, EndsPartsWhereAParagraphDoes) {
  const std::string paragraph = Words(20) + "\n\n";
  std::string text;
  for (int i = 0; i < 12; ++i) text += paragraph;
  const auto parts = SplitText(text, 200);
  EXPECT_GT(parts.size(), 2U);
  for (const std::string& part : parts) EXPECT_TRUE(part.ends_with("\n\n"));
}

// Whatever the text is like, nothing is lost and no part is too long.
TEST(SplitText, LosesNothing) {
  std::string unbroken(20'000, 'x');
  std::string foreign;
  for (int i = 0; i < 5'000; ++i) foreign += "語";
  for (const std::string& text :
       {Words(3'000), Words(900) + "\n" + Words(2'000), Words(10) + ". " + unbroken + "\n\nend",
        unbroken, foreign, std::string("\n\n\n\n"), std::string("x")}) {
    for (const std::int64_t most : {kLeastPartTokens, std::int64_t{500}, std::int64_t{100'000}}) {
      std::string together;
      for (const std::string& part : SplitText(text, most)) {
        EXPECT_FALSE(part.empty());
        EXPECT_TRUE(base::IsUtf8(part));
        EXPECT_LE(TokensOf(part), most);
        together += part;
      }
      EXPECT_EQ(together, text);
    }
  }
}

TEST(Quotations, StandInTheDocumentButForBlanks) {
  const std::array<Document, 2> documents{
      {{.id = "a", .text = "The term is\n  two years."}, {.id = "b", .text = "Other"}}};
  Quotations quotations(documents);
  EXPECT_TRUE(quotations.Stands("a", "term is two years"));
  EXPECT_TRUE(quotations.Stands("a", " is\ttwo "));
  EXPECT_FALSE(quotations.Stands("a", "term is 2 years"));
  EXPECT_FALSE(quotations.Stands("b", "two years"));
  EXPECT_FALSE(quotations.Stands("c", "two years"));
  EXPECT_FALSE(quotations.Stands("a", " "));
}

TEST(Quotations, ThoseThatDontAreMarkedWhateverTheAnswerSays) {
  const std::array<Document, 1> documents{{{.id = "a", .text = "two years"}}};
  const auto answer = json::Document::Parse(
      R"({"answer":"x","status":"no","citations":[{"document":"a","quotation":"two years","unverified":true},
          {"document":"a","quotation":"three"},{"quotation":"two"},7]})");
  json::Writer writer;
  writer.BeginObject();
  constexpr std::array<std::string_view, 1> kWithout{"status"};
  Quotations(documents).WriteChecked(writer, answer->root(), kWithout);
  EXPECT_EQ(
      writer.EndObject().Take(),
      R"({"answer":"x","citations":[{"document":"a","quotation":"two years"},)"
      R"({"document":"a","quotation":"three","unverified":true},{"quotation":"two","unverified":true}]})");
}

TEST(BatchMode, IsChosenByNumberAndSizeUnlessForced) {
  const struct {
    BatchMode mode;
    bool batch;
    const char* reason;
  } cases[] = {
      {ModeOfComparison(false, 2, 1'000'000), false, "fewer than 3 candidates"},
      {ModeOfComparison(false, 3, 1), true, "3 candidates or more"},
      {ModeOfComparison(true, 1, 1), true, "force_batch"},
      {ModeOfQuery(false, 42'000), false, "42000 tokens or fewer"},
      {ModeOfQuery(false, 42'001), true, "more than 42000 tokens"},
      {ModeOfQuery(true, 1), true, "force_batch"},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(each.mode.batch, each.batch) << each.reason;
    EXPECT_EQ(each.mode.reason, each.reason);
  }
}

}  // namespace
}  // namespace llmbatch::workflows
