// Answers that end before they are finished.
#include <gtest/gtest.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unit/answers/decode.h"

namespace llmbatch::answers {
namespace {

struct LongAnswer {
  std::vector<std::string> nonces;
  std::vector<std::string> outputs;
  std::vector<std::size_t> ends;  // of each item's object in the text
  std::string text;
};

// Two kilobytes with all that JSON has, nested ids and brackets in strings among it.
LongAnswer WriteLongAnswer(std::string_view before, std::string_view behind) {
  LongAnswer answer{.text = std::string(before)};
  for (int i = 0; i < 16; ++i) {
    const std::string number = std::to_string(i);
    const std::string nonce = "7c31a0f9e2b84d" + std::to_string(10 + i);
    const std::string members =
        R"("n":-)" + number + R"(.5e3,"text":"said \"[{\\\" }] größer 漢字","flags":[true,null],)" +
        R"("related":[{"id":"7c31a0f9e2b84d10","x":{}}])";
    answer.nonces.push_back(nonce);
    answer.outputs.push_back("{" + members + "}");
    answer.text += (i > 0 ? ", " : "") + (R"({"id":")" + nonce + R"(",)" + members + "}");
    answer.ends.push_back(answer.text.size());
  }
  answer.text += behind;
  return answer;
}

// However the text ends, an item has its whole output or none.
void ExpectWholeItemsAtEveryCut(const LongAnswer& answer, Ending ending) {
  for (std::size_t length = 0; length < answer.text.size(); ++length) {
    const std::string cut = answer.text.substr(0, length);
    const auto decoded = DecodeAnswers(cut, answer.nonces, nullptr, ending);
    if (!decoded) continue;
    for (std::size_t i = 0; i < answer.nonces.size(); ++i) {
      const bool whole = answer.ends[i] <= length;
      const auto expected = whole ? std::optional(answer.outputs[i]) : std::nullopt;
      ASSERT_EQ(decoded->outputs[i], expected) << "item " << i << " at " << length;
      ASSERT_EQ(decoded->problems[i], whole ? Problem::kNone : Problem::kMissing)
          << "at " << length;
    }
    ASSERT_EQ(decoded->foreign_ids, 0) << "at " << length;
  }
}

TEST(Truncation, EveryCutOfAnArrayKeepsWholeItems) {
  const LongAnswer answer = WriteLongAnswer("[", "]");
  ASSERT_GT(answer.text.size(), 2000U);
  ExpectWholeItemsAtEveryCut(answer, Ending::kCutOff);
  ExpectWholeItemsAtEveryCut(answer, Ending::kWhole);
}

TEST(Truncation, EveryCutOfResultsKeepsWholeItems) {
  ExpectWholeItemsAtEveryCut(WriteLongAnswer(R"({"note":[{"id":1}],"results": [)", R"(],"n":16})"),
                             Ending::kCutOff);
}

TEST(Truncation, EveryCutOfAFenceWithProseKeepsWholeItems) {
  ExpectWholeItemsAtEveryCut(
      WriteLongAnswer("<think>[</think>Here [16 items]:\n```json\n[\n", "\n]\n```\nDone."),
      Ending::kWhole);
}

TEST(Truncation, WholeAnswerOfACutOffCompletionIsTaken) {
  EXPECT_EQ(Decode(R"([{"id":"a"},{"id":"b"}])", {"a", "b"}, Ending::kCutOff),
            "a={} b={} truncated");
}

TEST(Truncation, TextThatEndsInsideIsTruncatedWhateverTheProviderSays) {
  EXPECT_EQ(Decode(R"([{"id":"a"},{"id":"b")", {"a", "b"}, Ending::kWhole),
            "a={} b:missing truncated truncated");
}

TEST(Truncation, CutOffCompletionWithoutAnyJsonIsNoError) {
  // All of the output limit can be spent on reasoning.
  EXPECT_EQ(Decode("", {"a", "b"}, Ending::kCutOff), "a:missing b:missing truncated truncated");
  EXPECT_EQ(Decode("<think>let me see", {"a"}, Ending::kCutOff), "a:missing truncated truncated");
}

TEST(Truncation, DuplicatesAreFoundAmongWhatIsThere) {
  EXPECT_EQ(Decode(R"([{"id":"a"},{"id":"a"},{"id":"b","x":[1)", {"a", "b"}, Ending::kCutOff),
            "a:duplicate b:missing truncated truncated");
}

TEST(Truncation, ListThatIsWholeCountsThoughTheObjectIsCut) {
  EXPECT_EQ(Decode(R"({"results":[{"id":"a"},{"id":"b"}],"summary":"both)", {"a", "b"}),
            "a={} b={} truncated truncated");
}

}  // namespace
}  // namespace llmbatch::answers
