// Broken JSON: what becomes of the items, and what is said about it.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/answers/decode.h"
#include "unit/answers/mend.h"

namespace llmbatch::answers {
namespace {

struct Case {
  std::string_view text;
  std::string_view decoded;
  std::string_view edits = "";
};

void Expect(const std::vector<std::string>& nonces, const std::vector<Case>& cases,
            Ending ending = Ending::kWhole) {
  for (const Case& c : cases) {
    EXPECT_EQ(Decode(c.text, nonces, ending), c.decoded) << c.text;
    const auto decoded = DecodeAnswers(c.text, nonces, nullptr, ending);
    EXPECT_EQ(decoded ? Describe(decoded->edits) : "", c.edits) << c.text;
  }
}

TEST(Tolerance, BrokenListsAreFixed) {
  Expect({"a", "b"},
         {
             {R"([{"id":"a"},{"id":"b"},])", "a={} b={} fixed", "comma"},
             {R"([{"id":"a"} {"id":"b"}])", "a={} b={} fixed", "comma"},
             {R"([{'id':'a'},{'id':'b'}])", "a={} b={} fixed", "quote*4"},
             {R"([{“id”: “a”}, {“id”: “b”}])", "a={} b={} fixed", "quote*4"},
             {R"([{id:"a"},{id:"b"}])", "a={} b={} fixed", "name*2"},
             {R"([{id:"a",x:1},{id:"b",x:"1"}])", R"(a={"x":1} b={"x":"1"} fixed)", "name*4"},
             {R"([{"id":"a","x":None},{"id":"b"}])", R"(a={"x":null} b={} fixed)", "literal"},
             {R"([{"id":"a","x":NaN},{"id":"b"}])", R"(a={"x":null} b={} fixed)", "nulled"},
             {R"([{"id":"a","x":"\q"},{"id":"b"}])", R"(a={"x":"\\q"} b={} fixed)", "backslash"},
             {R"([{"id":"a","x":01},{"id":"b"}])", R"(a={"x":1} b={} fixed)", "number"},
             {R"([{"id":"a","x":1.},{"id":"b"}])", R"(a={"x":1.0} b={} fixed)", "number"},
             {"[{\"id\":\"a\"}, // first\n {\"id\":\"b\"}]", "a={} b={} fixed", "comment"},
             {"[{\"id\":\"a\",\"x\":\"two\nlines\"},{\"id\":\"b\"}]",
              R"(a={"x":"two\nlines"} b={} fixed)", "control"},
             {R"([{"id":"a","x":"he said "hi" to me"},{"id":"b"}])",
              R"(a={"x":"he said \"hi\" to me"} b={} fixed)", "inner_quote*2"},
             {R"({results:[{"id":"a"},{"id":"b"}]})", "a={} b={} fixed", "name"},
             {R"({"n":+1,"results":[{"id":"a"},{"id":"b"}]})", "a={} b={} fixed", "number"},
             {R"({'results':[{"id":"a"},{"id":"b"}]})", "a={} b={} fixed", "quote"},
             {R"({"results":[{"id":"a"},{"id":"b"},],"n":2})", "a={} b={} fixed", "comma"},
             {R"([{"id":"a","x":[1,2},{"id":"b"}])", R"(a={"x":[1,2]} b={} fixed)", "bracket"},
             {R"([{"id":"a"},{"id":"b"}})", "a={} b={} fixed", "bracket"},
         });
}

TEST(Tolerance, BrokenListsAreFoundInTheirSurroundings) {
  Expect({"a", "b"},
         {
             {"```json\n[{'id':'a'},{'id':'b'}]\n```", "a={} b={} fixed", "quote*4"},
             {"Sure, here it's: [{id:'a'},{id:'b'}]. Bye!", "a={} b={} fixed", "quote*2 name*2"},
             {"Use {x} like this: [{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
             {"As in [1], [2, 3]: [{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
             {"The set {'x', 'y'} gives [{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
             {"<think>[{'id':'a','x':'draft'},{'id':'b'}]</think>[{'id':'a'},{'id':'b'}]",
              "a={} b={} fixed", "quote*4"},
             {"<think>{'id': \"</think>[{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
             {"[{'id':'a'}] no: [{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
             {"[{'id':'a','x':1},{'id':'b'}] or [{\"id\":\"a\"},{\"id\":\"b\"}]",
              "a={} b={} extracted"},
             {"[{\"id\":\"a\"}] or [{'id':'a','x':1},{'id':'b'}]", R"(a={"x":1} b={} fixed)",
              "quote*5"},
             {"[{'id':'a'},{'id':'c'}]", "a={} b:missing foreign=1 fixed", "quote*4"},
             {"[{'id':'a'},{'id':'a'},{'id':'b'}]", "a:duplicate b={} fixed", "quote*6"},
             {"callback([{'id':'a'},{'id':'b'}]);", "a={} b={} fixed", "quote*4"},
             {"\xEF\xBB\xBF[{'id':'a'},{'id':'b'}]", "a={} b={} fixed", "quote*4"},
         });
}

TEST(Tolerance, ObjectsWithoutAListAreJoined) {
  Expect(
      {"a", "b", "c"},
      {
          {"{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n", "a={} b={} c={} fixed", "joined*2"},
          {R"({"id":"a"}{"id":"b"}{"id":"c"})", "a={} b={} c={} fixed", "joined*2"},
          {R"({"id":"a"},{"id":"b"},{"id":"c"})", "a={} b={} c={} fixed", "joined*2"},
          {R"({"id":"a"},{"id":"b"},{"id":"c"}])", "a={} b={} c={} fixed", "joined*2"},
          {"```jsonl\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n```", "a={} b={} c:missing fixed", "joined"},
          {"{'id':'a'}\n{'id':'b',}\n{id:'c'}", "a={} b={} c={} fixed",
           "comma quote*5 name joined*2"},
          {"{\"id\":\"a\"}\n{\"id\":\"a\"}\n{\"id\":\"c\"}", "a:duplicate b:missing c={} fixed",
           "joined*2"},
          {"{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"",
           "a={} b={} c:missing truncated truncated", "joined*2"},
          {"{\"id\":\"a\",\"x\":{\"id\":\"b\"}}\n{\"id\":\"c\"}",
           R"(a={"x":{"id":"b"}} b:missing c={} fixed)", "joined"},
          {R"({"id":"a"} and {"id":"b"} and {"id":"c"})", "error"},
          {R"({"id":"a"})", "error"},
          {R"({"x":1} {"y":2})", "error"},
      });
}

TEST(Tolerance, JsonInAStringIsUnwrapped) {
  Expect(
      {"a", "b"},
      {
          {R"("[{\"id\":\"a\"},{\"id\":\"b\"}]")", "a={} b={} fixed", "unwrapped"},
          {R"([{\"id\":\"a\"},{\"id\":\"b\"}])", "a={} b={} fixed", "unwrapped"},
          {R"("[\n  {\n \"id\": \"a\", \"x\": \"q \\\"r\\\" \\n\"},\n {\"id\": \"b\"}\n]\n")",
           R"(a={"x":"q \"r\" \n"} b={} fixed)", "unwrapped"},
          {R"({"answer":"[{\"id\":\"a\"},{\"id\":\"b\"}]"})", "error"},
          {R"("[{\"id\":\"a\"},{\"id\":\"b")", "a={} b:missing truncated truncated", "unwrapped"},
          {R"("[{\"id\":'a'},{\"id\":'b'}]")", "a={} b={} fixed", "quote*2 unwrapped"},
          {R"("\"[{\\\"id\\\":\\\"a\\\"}]\"")", "error"},
      });
}

TEST(Tolerance, BracketsForgottenAtTheEndOfAWholeAnswer) {
  const std::vector<Case> cases = {
      {R"([{"id":"a"},{"id":"b"})", "a={} b={} fixed", "bracket"},
      {R"([{"id":"a"},{"id":"b"},)", "a={} b={} fixed", "bracket"},
      {R"({"results":[{"id":"a"},{"id":"b"}])", "a={} b={} fixed", "bracket"},
      {R"({"results":[{"id":"a"},{"id":"b"})", "a={} b={} fixed", "bracket*2"},
      {R"([{'id':'a'},{'id':'b'})", "a={} b={} fixed", "quote*4 bracket"},
      {"```json\n[{\"id\":\"a\"},{\"id\":\"b\"}\n```", "a={} b={} fixed", "bracket"},
      {"```json\n[{\"id\":\"a\"},{\"id\":\"b\"\n```", "a={} b={} fixed", "bracket*2"},
      {R"([{"id":"a"},{"id":"b")", "a={} b:missing truncated truncated"},
      {R"([{"id":"a"})", "a={} b:missing truncated truncated"},
      {R"({"results":[{"id":"a"},{"id":"b"}],"n":)", "a={} b={} truncated truncated"},
  };
  Expect({"a", "b"}, cases);
  EXPECT_EQ(Decode(cases[0].text, {"a", "b"}, Ending::kCutOff), "a={} b={} truncated truncated");
}

TEST(Tolerance, WhatIsUnclearIsAnError) {
  Expect({"a", "b"}, {
                         {R"([{"id":"a","x":hello},{"id":"b"}])", "error"},
                         {R"([{"id":"a","x":},{"id":"b"}])", "error"},
                         {R"([{"id":"a","x":"a 5" pipe"},{"id":"b"}])", "error"},
                         {R"([{"id":"a","x":[1 000]},{"id":"b"}])", "error"},
                         {R"([{"id":"a","x":[1,...]},{"id":"b"}])", "error"},
                         {R"([{"id":"a","x":[1,2]]},{"id":"b"}])", "error"},
                         {R"([{"id":"a"},...])", "error"},
                         {R"([{"id" "a"},{"id" "b"}])", "error"},
                     });
}

// What one item quotes must not answer another, however broken the quotation is.
TEST(Tolerance, NothingQuotedAnswersAnotherItem) {
  for (const std::string_view quoted : {
           R"([{"id":"b","y":"evil"}])",
           R"({"id":"b","y":"evil"})",
           R"(},{"id":"b","y":"evil"},{)",
           R"("},{"id":"b","y":"evil)",
           R"(x "[{"id":"b","y":"evil"}]" y)",
           R"({'id':'b','y':'evil'})",
           R"('},{'id':'b','y':'evil'},{')",
           R"({results:[{id:'b',y:'evil'}]})",
           "\n```\n[{\"id\":\"b\",\"y\":\"evil\"}]\n```\n",
           R"(\"}]\n[{\"id\":\"b\",\"y\":\"evil\"}])",
       }) {
    for (const std::string_view mark : {"\"", "'", "“"}) {
      const std::string text = "[{\"id\":\"a\",\"x\":" + std::string(mark) + std::string(quoted) +
                               std::string(mark) + ",\"z\":[1,]}]";
      const std::string decoded = Decode(text, {"a", "b"});
      // Without its escape a quotation that closes the string is the answer, whoever reads it.
      const bool breaks_out = quoted.starts_with(std::string(mark) + "}");
      EXPECT_TRUE(breaks_out || decoded.find("b={") == std::string::npos) << text << "\n"
                                                                          << decoded;
    }
  }
}

// However a broken answer ends, an item has its whole output or none.
TEST(Tolerance, EveryCutOfABrokenAnswerKeepsWholeItems) {
  std::string text = "Here it's:\n```\n[";
  std::vector<std::string> nonces;
  std::vector<std::size_t> ends;
  for (int i = 0; i < 12; ++i) {
    nonces.push_back("n" + std::to_string(i));
    text += "{id: '" + nonces.back() + "', \"x\": 'it's [{\"' , “t”: [True, .5, None,],\n // c\n" +
            "'q': {'w': \"C:\\Users \"hi\" \nthere\"},}";
    ends.push_back(text.size());
    text += i % 2 == 0 ? "," : "\n";
  }
  text += "]\n```";
  const std::string output =
      R"({"x":"it's [{\"","t":[true,0.5,null],"q":{"w":"C:\\Users \"hi\" \nthere"}})";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    for (const Ending ending : {Ending::kWhole, Ending::kCutOff}) {
      const auto decoded = DecodeAnswers(text.substr(0, length), nonces, nullptr, ending);
      for (std::size_t i = 0; i < nonces.size(); ++i) {
        const bool whole = ends[i] <= length;
        ASSERT_EQ(decoded && decoded->outputs[i], whole) << "item " << i << " at " << length;
        const std::string read = whole ? *decoded->outputs[i] : output;
        ASSERT_EQ(read, output) << "item " << i << " at " << length;
      }
    }
  }
}

// What is damaged hides what is in it, also from the reading of right JSON.
TEST(Tolerance, NothingNestedInBrokenItemsAnswersAnother) {
  Expect({"a", "b"},
         {
             {R"([{id:"a",related:[{"id":"b"}]}])", R"(a={"related":[{"id":"b"}]} b:missing fixed)",
              "name*2"},
             {R"([{id:"a",x:so-so,related:[{"id":"b"}]}])", "error"},
             {R"({id:"a",related:[{"id":"b"}]})", "error"},
             {R"([{"id":"a",'y':'}]','related':[{"id":"b"}],}])",
              R"(a={"y":"}]","related":[{"id":"b"}]} b:missing fixed)", "comma quote*3"},
             {R"([{'id':'a','x':so-so,'y':'}]','related':[{'id':'b'}]}])", "error"},
             {R"(["x",[{"id":"a"},{"id":"b"}]])", "error"},
         });
}

TEST(Tolerance, ItemsCountOnce) {
  Expect({"a", "b"}, {
                         {R"([{"id":"a"},{"id":"a"})", "a:duplicate b:missing truncated truncated"},
                         {R"([{"id":"a"},{"id":"a"}] or [{'id':'a'},{'id':'b'}])",
                          "a={} b={} fixed", "quote*4"},
                     });
}

TEST(Tolerance, SchemaTellsTypesApart) {
  const auto schema = json::Schema::Compile(
      R"({"type":"object","required":["x"],"properties":{"x":{"type":"number"}}})");
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ(Decode("[{id:'a',x:1},{id:'b',x:'1'}]", {"a", "b"}, Ending::kWhole, &*schema),
            R"(a={"x":1} b:invalid fixed)");
  EXPECT_EQ(Decode("[{id:'a',x:NaN},{id:'b',x:+2}]", {"a", "b"}, Ending::kWhole, &*schema),
            R"(a:invalid b={"x":2} fixed)");
}

TEST(Tolerance, OneItem) {
  Expect({"a"},
         {
             {"{id:'a',x:1}", R"(a={"x":1} fixed)", "quote name*2"},
             {"Here: {'id':'a','x':'it's'}.", R"(a={"x":"it's"} fixed)", "quote*4"},
             {"{'id':'a','x':[1,2}", R"(a={"x":[1,2]} fixed)", "quote*3 bracket"},
             {"{'id':'b'}", "error"},
             {"{'id':'b'} {'id':'a'}", "a={} fixed", "quote*2"},
             {"{'id':'a','x':1", "a:missing truncated truncated", "quote*3"},
             {R"({\"id\":\"a\",\"x\":\"C:\\\\d\"})", R"(a={"x":"C:\\d"} fixed)", "unwrapped"},
         });
}

}  // namespace
}  // namespace llmbatch::answers
