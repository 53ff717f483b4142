// What models write, and what is made of it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/answers/decode.h"

namespace llmbatch::answers {
namespace {

struct Case {
  std::string_view text;
  std::string_view decoded;
};

void ExpectTwoItems(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Decode(c.text, {"a", "b"}), c.decoded) << c.text;
}

void ExpectOneItem(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(Decode(c.text, {"a"}), c.decoded) << c.text;
}

TEST(Decoder, ReadsBothForms) {
  ExpectTwoItems({
      {R"([{"id":"a","x":1},{"id":"b","x":2}])", R"(a={"x":1} b={"x":2})"},
      {R"({"results":[{"id":"a","x":1},{"id":"b","x":2}]})", R"(a={"x":1} b={"x":2})"},
      {R"([{"id":"b","x":2},{"id":"a","x":1}])", R"(a={"x":1} b={"x":2})"},
      {R"([{"x":1,"id":"a"},{"y":[],"id":"b","z":{}}])", R"(a={"x":1} b={"y":[],"z":{}})"},
      {"\n\t [ {\"id\" : \"a\" , \"x\" : 1 } ,\r\n {\"id\":\"b\"} ] \n", R"(a={"x":1} b={})"},
      {R"({"note":"n","results":[{"id":"a"},{"id":"b"}],"count":2})", "a={} b={}"},
      {R"({"count":[1,{"id":"a"}],"results":[{"id":"a"},{"id":"b"}]})", "a={} b={}"},
      {R"([{"id":"a","x":[{"id":"b"}]},{"id":"b","x":{"id":"a"}}])",
       R"(a={"x":[{"id":"b"}]} b={"x":{"id":"a"}})"},
      {R"([{"id":"a","x":"}],[{"},{"id":"b","x":"\"]}"}])", R"(a={"x":"}],[{"} b={"x":"\"]}"})"},
      {R"([{"id":"\u0061","x":1},{"id":"b"}])", R"(a={"x":1} b={})"},
      {R"([{"id":"a","x":12345678901234567890123456789},{"id":"b","x":0.10}])",
       R"(a={"x":12345678901234567890123456789} b={"x":0.10})"},
      {R"([{"id":"a","x":true},{"id":"b","x":null}])", R"(a={"x":true} b={"x":null})"},
      {R"([{"id":"a","x":"größer 漢字 😀"},{"id":"b","x":"\u00e4"}])",
       R"(a={"x":"größer 漢字 😀"} b={"x":"ä"})"},
      {R"({"results":[{"id":"a","results":[{"id":"b"}]},{"id":"b"}]})",
       R"(a={"results":[{"id":"b"}]} b={})"},
      {R"([{"id":"a","id2":"b"},{"id":"b","ID":"a"}])", R"(a={"id2":"b"} b={"ID":"a"})"},
  });
}

// What is wrong in a list that is whole costs no more than its own object.
TEST(Decoder, ReadsTheOthersOfAListWithAWrongObject) {
  ExpectTwoItems({
      {R"([{"id":"a","x":1,"x":2},{"id":"b"}])", "a:missing b={}"},
      {R"([{"id":"a","x":"\ud800"},{"id":"b","y":1}])", R"(a:missing b={"y":1})"},
      {"[{\"id\":\"a\",\"x\":\"\xFF\"},{\"id\":\"b\",\"y\":1}]", R"(a:missing b={"y":1})"},
      {R"({"n":1,"n":2,"results":[{"id":"a"},{"id":"b","y":1}]})", R"(a={} b={"y":1})"},
      {R"([{"id":"a"},7,{"id":"b","y":1}])", R"(a={} b={"y":1})"},
  });
}

TEST(Decoder, ReadsFences) {
  ExpectTwoItems({
      {"```json\n[{\"id\":\"a\"},{\"id\":\"b\"}]\n```", "a={} b={} extracted"},
      {"```\n[{\"id\":\"a\"},{\"id\":\"b\"}]\n```\n", "a={} b={} extracted"},
      {"```JSON\r\n{\"results\":[{\"id\":\"a\"},{\"id\":\"b\"}]}\r\n```", "a={} b={} extracted"},
      {"~~~json\n[{\"id\":\"a\"},{\"id\":\"b\"}]\n~~~", "a={} b={} extracted"},
      {"Here you go:\n```json\n[{\"id\":\"a\"},{\"id\":\"b\"}]\n```\nAnything else?",
       "a={} b={} extracted"},
      {"```json\n[{\"id\":\"a\"},{\"id\":\"b\"}]", "a={} b={} extracted"},
      {"`[{\"id\":\"a\"},{\"id\":\"b\"}]`", "a={} b={} extracted"},
      {"```json [{\"id\":\"a\"},{\"id\":\"b\"}] ```", "a={} b={} extracted"},
      {"[{\"id\":\"a\",\"x\":\"```\"},{\"id\":\"b\"}]", "a={\"x\":\"```\"} b={}"},
      {"```json\n[{\"id\":\"a\",\"x\":\"```js\\n[]\\n```\"},{\"id\":\"b\"}]\n```",
       "a={\"x\":\"```js\\n[]\\n```\"} b={} extracted"},
      {"```json\n[{\"id\":\"a\"}]\n```\n```json\n[{\"id\":\"a\"},{\"id\":\"b\"}]\n```",
       "a={} b={} extracted"},
  });
}

TEST(Decoder, ReadsProseAround) {
  ExpectTwoItems({
      {R"(Sure! [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"([{"id":"a"},{"id":"b"}] Let me know.)", "a={} b={} extracted"},
      {R"(Use {x} like this: [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(Items [a] and [b]: [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(As in [1], [2, 3]: [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(see [1, then: [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(a 5" pipe [5" pipe] {"results":[{"id":"a"},{"id":"b"}]})", "a={} b={} extracted"},
      {R"(She said "yes [sic]. [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(The format {"id": …, "x": …} gives [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(It's {'id': 'a'}, so [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"({"thought":"hm"} [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"([] [{"id":"a"},{"id":"b"}] [])", "a={} b={} extracted"},
      {R"([{"id":"x"},{"id":"y"},{"id":"z"}] [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"([{"id":"a","x":1}] and now all: [{"id":"a","x":2},{"id":"b","x":3}])",
       R"(a={"x":2} b={"x":3} extracted)"},
      {R"([{"id":"a","x":1},{"id":"b"}] or [{"id":"a","x":"longer"},{"id":"b"}])",
       R"(a={"x":"longer"} b={} extracted)"},
      {"\xEF\xBB\xBF[{\"id\":\"a\"},{\"id\":\"b\"}]", "a={} b={} extracted"},
      {R"(callback([{"id":"a"},{"id":"b"}]);)", "a={} b={} extracted"},
      {R"({{"id":"a"}} [{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(:-[ {"results":[{"id":"a"},{"id":"b"}]})", "error"},
      {R"(:-[ sorry. {"results":[{"id":"a"},{"id":"b"}]})", "a={} b={} extracted"},
  });
}

TEST(Decoder, PassesOverThoughts) {
  ExpectTwoItems({
      {R"(<think>maybe [{"id":"a","x":"a long draft"},{"id":"b"}]</think>[{"id":"a"},{"id":"b"}])",
       "a={} b={} extracted"},
      {"<think>\n</think>\n\n[{\"id\":\"a\"},{\"id\":\"b\"}]", "a={} b={} extracted"},
      {R"(<thinking>{"results":[</thinking>[{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(<think>x</think><think>[{"id":"a"}]</think> [{"id":"a"},{"id":"b"}])",
       "a={} b={} extracted"},
      {R"(<think>{"a": "</think>[{"id":"a"},{"id":"b"}])", "a={} b={} extracted"},
      {R"(<think>no end [{"id":"a"},{"id":"b"}])", "error"},
      {R"([{"id":"a","x":"<think>"},{"id":"b","x":"</think>"}])",
       R"(a={"x":"<think>"} b={"x":"</think>"})"},
      {R"(<b>[{"id":"a"},{"id":"b"}]</b>)", "a={} b={} extracted"},
  });
}

TEST(Decoder, TellsWhatIsWrongWithAnItem) {
  ExpectTwoItems({
      {R"([{"id":"a"}])", "a={} b:missing"},
      {R"([])", "a:missing b:missing"},
      {R"({"results":[]})", "a:missing b:missing"},
      {R"([{"id":"a","x":1},{"id":"a","x":1},{"id":"b"}])", "a:duplicate b={}"},
      {R"([{"id":"a"},{"id":"a"},{"id":"a"},{"id":"b"}])", "a:duplicate b={}"},
      {R"([{"id":"a"},{"id":"a"},{"id":"b"},{"id":"b"}])", "a:duplicate b:duplicate"},
      {R"([{"id":"a"},{"id":"b"},{"id":"c"}])", "a={} b={} foreign=1"},
      {R"([{"id":"x"},{"id":"y"}])", "a:missing b:missing foreign=2"},
      {R"([{"x":1},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":null},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":1},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":["a"]},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":"A"},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":" a"},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":"a\u0000"},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"id":""},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"([{"ID":"a"},{"id":"b"}])", "a:missing b={} foreign=1"},
      {R"(["a",{"id":"b"}])", "a:missing b={}"},
      {R"([null,{"id":"b"},7])", "a:missing b={}"},
      {R"([[{"id":"a"}],{"id":"b"}])", "a:missing b={}"},
  });
}

TEST(Decoder, DamageInOneItemSparesTheOthers) {
  ExpectTwoItems({
      {R"([{"id":"a","x":"\ud800"},{"id":"b"}])", "a:missing b={}"},
      {R"([{"id":"a","x":1e999},{"id":"b"}])", "a:missing b={}"},
      {R"([{"id":"a","x":1-2},{"id":"b"}])", "a:missing b={}"},
      {R"([{"id":"a","x":1,"x":2},{"id":"b"}])", "a:missing b={}"},
      {R"([{"id":"a","id":"b"},{"id":"b"}])", "a:missing b={}"},
      {"[{\"id\":\"a\",\"x\":\"\xC0\x80\"},{\"id\":\"b\"}]", "a:missing b={}"},
      {"[{\"id\":\"a\",\"x\":\"\xED\xA0\x80\"},{\"id\":\"b\"}]", "a:missing b={}"},
      {"[{'id':'a','x':1e999},{'id':'b'}]", "a:missing b={} fixed"},
      {"[{'id':'a','x':1,'x':2},{'id':'b'}]", "a:missing b={} fixed"},
  });
}

TEST(Decoder, RefusesWhatIsNoAnswer) {
  ExpectTwoItems({
      {"", "error"},
      {" \n", "error"},
      {"I can't help with that.", "error"},
      {"null", "error"},
      {"42", "error"},
      {R"({"id":"a"})", "error"},
      {R"({"items":[{"id":"a"},{"id":"b"}]})", "error"},
      {R"({"results":{"a":1}})", "error"},
      {R"({"results":"[]"})", "error"},
      {R"({"data":{"results":[{"id":"a"},{"id":"b"}]}})", "error"},
      {"[1,2,3]", "error"},
      {R"(["a","b"])", "error"},
      {R"([[{"id":"a"},{"id":"b"}]])", "error"},
      {R"({"results":[{"id":"a"}],"results":[{"id":"b"}]})", "error"},
      {R"([{"id":"a"}, [{"id":"a"},{"id":"b"}])", "error"},
      {R"([{"id":"a"}, 7, {"id":"b"})", "error"},
      {"[{&quot;id&quot;:&quot;a&quot;}]", "error"},
      {"<html><body><h1>502 Bad Gateway</h1></body></html>", "error"},
      {"]}", "error"},
      {std::string_view("\0[1]", 4), "error"},
  });
}

// An answer for b can only be what the model wrote as an answer, not what it quotes inside of one.
TEST(Decoder, NothingNestedAnswersAnotherItem) {
  ExpectTwoItems({
      {R"([{"id":"a","quote":"[{\"id\":\"b\"}]"}])", R"(a={"quote":"[{\"id\":\"b\"}]"} b:missing)"},
      {R"([{"id":"a","related":[{"id":"b"}]}])", R"(a={"related":[{"id":"b"}]} b:missing)"},
      {R"([{"id":"a","results":[{"id":"b"}]}])", R"(a={"results":[{"id":"b"}]} b:missing)"},
      {R"([{"id":"a","related":[{"id":"b"}],}])", R"(a={"related":[{"id":"b"}]} b:missing fixed)"},
      {R"([{"id":"a","x":+1,"related":[{"id":"b"}]}])",
       R"(a={"x":1,"related":[{"id":"b"}]} b:missing fixed)"},
      {R"([{"id":"a","x":so-so,"related":[{"id":"b"}]}])", "error"},
      {R"([{"id":"a","x":so-so,"related":[{"id":"b"}]},{"id":"b"}])", "error"},
      {R"({"wrapped":[{"id":"a"},{"id":"b"}]})", "error"},
      {R"([{"id":"a","related":[{"id":"b"}],"x":"cut)", "a:missing b:missing truncated truncated"},
  });
}

TEST(Decoder, AcceptsABareObjectForOneItem) {
  ExpectOneItem({
      {R"({"id":"a","x":1})", R"(a={"x":1})"},
      {R"(Here: {"id":"a","x":1}.)", R"(a={"x":1} extracted)"},
      {R"([{"id":"a","x":1}])", R"(a={"x":1})"},
      {R"({"results":[{"id":"a","x":1}]})", R"(a={"x":1})"},
      {R"({"id":"a","results":[{"x":1}]})", R"(a={"results":[{"x":1}]})"},
      {R"({"id":"a","results":[]})", R"(a={"results":[]})"},
      {R"({"id":"b","x":1})", "error"},
      {R"({"x":1})", "error"},
      {R"({"id":"b"} {"id":"a"})", "a={} extracted"},
      {R"({"id":"a","x":1} {"id":"a","x":"longer"})", R"(a={"x":"longer"} extracted)"},
      {R"({"id":"a","id":"a"})", "error"},
      {R"({"id":"a","x":"cut)", "a:missing truncated truncated"},
      {R"({"id":"a")", "a:missing truncated truncated"},
  });
}

TEST(Decoder, ChecksOutputsAgainstTheSchema) {
  const auto schema = json::Schema::Compile(
      R"({"type":"object","additionalProperties":false,"required":["label"],
          "properties":{"label":{"enum":["good","bad"]}}})");
  ASSERT_TRUE(schema.ok());
  const auto decode = [&schema](std::string_view text) {
    return Decode(text, {"a", "b"}, Ending::kWhole, &*schema);
  };
  EXPECT_EQ(decode(R"([{"id":"a","label":"good"},{"id":"b","label":"bad"}])"),
            R"(a={"label":"good"} b={"label":"bad"})");
  EXPECT_EQ(decode(R"([{"id":"a","label":"so-so"},{"id":"b","label":"bad"}])"),
            R"(a:invalid b={"label":"bad"})");
  EXPECT_EQ(decode(R"([{"id":"a"},{"id":"b","label":"bad","more":1}])"), "a:invalid b:invalid");
  EXPECT_EQ(decode(R"([{"id":"a","label":"x"},{"id":"a","label":"good"}])"),
            "a:duplicate b:missing");
}

TEST(Decoder, NoItemsNeedNoAnswers) {
  EXPECT_EQ(Decode("[]", {}), "");
  EXPECT_EQ(Decode(R"([{"id":"a"}])", {}), " foreign=1");
}

TEST(Decoder, NullForAPropertyThatMayBeMissingCountsAsMissing) {
  const auto schema = json::Schema::Compile(
      R"({"type":"object","required":["x"],"properties":{"x":{"type":"integer"},
          "y":{"type":"string"},"z":{"type":["string","null"]}}})");
  ASSERT_TRUE(schema.ok());
  const auto decode = [&schema](std::string_view text) {
    return Decode(text, {"a"}, Ending::kWhole, &*schema);
  };
  EXPECT_EQ(decode(R"([{"id":"a","x":1,"y":null,"z":null}])"), R"(a={"x":1,"z":null})");
  EXPECT_EQ(decode(R"([{"id":"a","x":1,"y":"s","z":null}])"), R"(a={"x":1,"y":"s","z":null})");
  EXPECT_EQ(decode(R"([{"id":"a","x":null,"y":null}])"), "a:invalid");
  EXPECT_EQ(decode(R"([{"id":"a","x":"1","y":null}])"), "a:invalid");
}

}  // namespace
}  // namespace llmbatch::answers
