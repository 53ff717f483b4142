// What is mended between the values, and how it is logged.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "unit/answers/mend.h"

namespace llmbatch::answers {
namespace {

struct Case {
  std::string_view text;
  std::string_view mended;
  std::string_view edits = "";
};

void ExpectMended(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const std::string mended = Mend(c.text);
    EXPECT_EQ(mended, c.mended) << c.text;
    if (mended == "broken" || mended == "cut") continue;
    EXPECT_EQ(Describe(MendValue(c.text, 0).edits), c.edits) << c.text;
  }
}

TEST(Mender, LeavesJsonAlone) {
  ExpectMended({
      {"[]", "[]"},
      {"{}", "{}"},
      {"[ ]", "[]"},
      {"{ }", "{}"},
      {"[{}]", "[{}]"},
      {"[{},{}]", "[{},{}]"},
      {R"({"a":1})", R"({"a":1})"},
      {R"({"a":1,"b":[1,2,{"c":null}]})", R"({"a":1,"b":[1,2,{"c":null}]})"},
      {"\n[ { \"a\" : 1 } ]" + 1, R"([{"a":1}])"},
      {"{\"a\":\"x\"} and more", R"({"a":"x"})"},
      {R"([{"a":"b, \"c\": 1"}])", R"([{"a":"b, \"c\": 1"}])"},
      {R"({"a":"# no // comment /* at all */"})", R"({"a":"# no // comment /* at all */"})"},
      {R"({"a":"{'b': None,}"})", R"({"a":"{'b': None,}"})"},
      {R"({"":""})", R"({"":""})"},
      {R"({"a":["",[]],"b":{"c":{}}})", R"({"a":["",[]],"b":{"c":{}}})"},
  });
}

TEST(Mender, CommasTooMany) {
  ExpectMended({
      {R"({"a":1,})", R"({"a":1})", "comma"},
      {R"({"a":1 , })", R"({"a":1})", "comma"},
      {R"({"a":[1,]})", R"({"a":[1]})", "comma"},
      {R"({"a":[1,2,],})", R"({"a":[1,2]})", "comma*2"},
      {R"([{"a":1},])", R"([{"a":1}])", "comma"},
      {R"([{"a":1},,{"b":2}])", R"([{"a":1},{"b":2}])", "comma"},
      {R"({"a":1,,"b":2})", R"({"a":1,"b":2})", "comma"},
      {R"({,"a":1})", R"({"a":1})", "comma"},
      {R"([,{"a":1}])", R"([{"a":1}])", "comma"},
      {R"({"a":[,1]})", R"({"a":[1]})", "comma"},
      {R"({"a":[1,,,2]})", R"({"a":[1,2]})", "comma*2"},
      {R"({"a":[,]})", R"({"a":[]})", "comma"},
      {"{,}", "{}", "comma"},
      {"[,]", "[]", "comma"},
      {R"({"a":"x",})", R"({"a":"x"})", "comma"},
      {R"({"a":["x",]})", R"({"a":["x"]})", "comma"},
      {R"({"a":{"b":{},},})", R"({"a":{"b":{}}})", "comma*2"},
      {R"({"a":"x",,"b":2})", R"({"a":"x","b":2})", "comma"},
  });
}

TEST(Mender, CommasMissing) {
  ExpectMended({
      {R"([{"a":1}{"b":2}])", R"([{"a":1},{"b":2}])", "comma"},
      {"[{\"a\":1}\n{\"b\":2}\n{\"c\":3}]", R"([{"a":1},{"b":2},{"c":3}])", "comma*2"},
      {R"({"a":1 "b":2})", R"({"a":1,"b":2})", "comma"},
      {"{\"a\":1\n\"b\":2}", R"({"a":1,"b":2})", "comma"},
      {R"({"a":"x" "b":"y"})", R"({"a":"x","b":"y"})", "comma"},
      {R"({"a":"x""b":"y"})", R"({"a":"x","b":"y"})", "comma"},
      {"{\"a\":\"x\"\n\"b\":\"y\"}", R"({"a":"x","b":"y"})", "comma"},
      {R"({"a":{} "b":[] "c":1})", R"({"a":{},"b":[],"c":1})", "comma*2"},
      {R"({"a":true "b":null})", R"({"a":true,"b":null})", "comma"},
      {R"({"a":["x" "y"]})", R"({"a":["x","y"]})", "comma"},
      {"{\"a\":[\"x\"\n\"y\"]}", R"({"a":["x","y"]})", "comma"},
      {"{\"a\":[\"x\"\n2]}", R"({"a":["x",2]})", "comma"},
      {R"({"a":[[1][2]]})", R"({"a":[[1],[2]]})", "comma"},
      {R"({"a":[[1] 2]})", R"({"a":[[1],2]})", "comma"},
      {R"({"a":[1 "x"]})", R"({"a":[1,"x"]})", "comma"},
      {R"({"a":[1 [2]]})", R"({"a":[1,[2]]})", "comma"},
      {R"({"a":1 b:2})", R"({"a":1,"b":2})", "comma name"},
      {"{\"a\":\"x\"\nb:2}", R"({"a":"x","b":2})", "comma name"},
      {R"({"a":[1 2]})", "broken"},
      {R"({"a":[1 000]})", "broken"},
      {R"({"a":[true false]})", "broken"},
      {"{\"a\":[1\n2]}", "broken"},
      {R"({"a":1 2})", "broken"},
      {R"({"a":1; "b":2})", "broken"},
      {R"({"a":["x" y]})", "cut"},
  });
}

TEST(Mender, Names) {
  ExpectMended({
      {"{a:1}", R"({"a":1})", "name"},
      {"{ a : 1 }", R"({"a":1})", "name"},
      {"{a:1,b:2}", R"({"a":1,"b":2})", "name*2"},
      {"{a_b:1,$c:2,d-e:3,F9:4}", R"({"a_b":1,"$c":2,"d-e":3,"F9":4})", "name*4"},
      {"{1:2}", R"({"1":2})", "name"},
      {"{true:false}", R"({"true":false})", "name"},
      {"{'a':1}", R"({"a":1})", "quote"},
      {"{“a”:1}", R"({"a":1})", "quote"},
      {"{‘a’:1}", R"({"a":1})", "quote"},
      {"{«a»:1}", R"({"a":1})", "quote"},
      {"[{a:{b:{c:[]}}}]", R"([{"a":{"b":{"c":[]}}}])", "name*3"},
      {"{a:'x',b:\"y\"}", R"({"a":"x","b":"y"})", "quote name*2"},
      {R"({"a\u0062":1})", R"({"a\u0062":1})"},
      {R"({"a\.b":1})", R"({"a\\.b":1})", "backslash"},
      {R"({"a":"x","it's":1})", R"({"a":"x","it's":1})"},
      {R"({"a":"x","b\"c":1})", R"({"a":"x","b\"c":1})"},
      {R"({'a':'x',"b\\":1})", R"({"a":"x","b\\":1})", "quote*2"},
      {R"({'a':'x',“b"c”:1})", "cut"},
      {"{a b:1}", "broken"},
      {"{a.b:1}", "broken"},
      {"{-a:1}", "broken"},
      {"{a=1}", "broken"},
      {"{a=>1}", "broken"},
      {"{a}", "broken"},
      {"{a,b}", "broken"},
      {R"({"a"})", "broken"},
      {R"({"a" 1})", "broken"},
      {R"({"a","b"})", "broken"},
      {R"({"a"b":1})", "broken"},
      {"{'it's':1}", "broken"},
      {"{\"a\nb\":1}", "broken"},
      {R"({:1})", "broken"},
      {R"({"a"::1})", "broken"},
      {R"({[1]:2})", "broken"},
      {R"({{"a":1}})", "broken"},
  });
}

TEST(Mender, NoValueIsMadeUp) {
  ExpectMended({
      {R"({"a":})", "broken"},
      {R"({"a":,"b":1})", "broken"},
      {R"({"a":1,"b":})", "broken"},
      {R"({"a":1,"b"})", "broken"},
      {R"({"a":1,b})", "broken"},
      {R"({"a":1,2})", "broken"},
      {R"({"a":/* none */})", "broken"},
      {R"({"a":[1,2,...]})", "broken"},
      {R"({"a":1,...})", "broken"},
      {R"([{"a":1},...])", "broken"},
      {R"({"a":"x" + "y"})", "broken"},
      {R"({"a":("x")})", "broken"},
      {R"({"a":1 or 2})", "broken"},
      {R"({"a":Decimal("1.5")})", "broken"},
  });
}

TEST(Mender, Comments) {
  ExpectMended({
      {"{\"a\":1 // one\n}", R"({"a":1})", "comment"},
      {"{\"a\":1, // one\n\"b\":2}", R"({"a":1,"b":2})", "comment"},
      {"{\"a\":1, # one\n\"b\":2}", R"({"a":1,"b":2})", "comment"},
      {"{// x\n\"a\":1}", R"({"a":1})", "comment"},
      {"{/* x */\"a\"/* y */:/* z */1/**/}", R"({"a":1})", "comment*4"},
      {"[// x\n{}]", "[{}]", "comment"},
      {"[/* x */]", "[]", "comment"},
      {"{\"a\":\"x\" // y\n}", R"({"a":"x"})", "comment"},
      {"{\"a\":\"x\" # y\n}", R"({"a":"x"})", "comment"},
      {"{\"a\":\"x\" /* y */}", R"({"a":"x"})", "comment"},
      {"{\"a\":\"x\", // y's \"z\"\n\"b\":1}", R"({"a":"x","b":1})", "comment"},
      {"{\"a\":[1, /* two */ 3]}", R"({"a":[1,3]})", "comment"},
      {"{\"a\":1 /* } */}", R"({"a":1})", "comment"},
      {"{\"a\":1 // }\n}", R"({"a":1})", "comment"},
      {"{\"a\": /* /* */ 1}", R"({"a":1})", "comment"},
      {"{\"a\":1 // no end }", "cut"},
      {"{\"a\":1 /* no end }", "cut"},
      {"{\"a\":1 / 2}", "broken"},
      {"{\"a\":1 -- two\n}", "broken"},
      {"{\"a\":1 <!-- x -->}", "broken"},
      {"{\xC2\xA0\"a\":\xC2\xA0"
       "1}",
       R"({"a":1})", "comment*2"},
      {"[\xEF\xBB\xBF{}]", "[{}]", "comment"},
      {"{\f\"a\":\v1}", R"({"a":1})", "comment*2"},
  });
}

TEST(Mender, BracketsThatOthersTell) {
  ExpectMended({
      {R"({"a":[1,2})", R"({"a":[1,2]})", "bracket"},
      {R"({"a":[1,{"b":2})", "cut"},
      {R"([{"a":1])", R"([{"a":1}])", "bracket"},
      {R"([{"a":{"b":1}])", R"([{"a":{"b":1}}])", "bracket"},
      {R"([{"a":{"b":{"c":1]) and so on)", R"([{"a":{"b":{"c":1}}}])", "bracket*3"},
      {R"([{"a":[1},{"b":2}])", R"([{"a":[1]},{"b":2}])", "bracket"},
      {R"({"results":[{"a":1})", "cut"},
      {R"({"results":[{"a":{"b":1}]})", R"({"results":[{"a":{"b":1}}]})", "bracket"},
      {R"([{"a":1}})", R"([{"a":1}])", "bracket"},
      {R"({"a":1])", R"({"a":1})", "bracket"},
      {"[}", "[]", "bracket"},
      {"{]", "{}", "bracket"},
      {R"([{"a":1}},{"b":2}])", R"([{"a":1},{"b":2}])", "bracket"},
      {R"({"a":1]})", R"({"a":1})", "bracket"},
      {R"({"a":"x"]})", R"({"a":"x"})", "bracket"},
      {R"([{"a":1}}])", R"([{"a":1}])", "bracket"},
      {"```\n[{\"a\":1}\n```" + 4, R"([{"a":1}])", "bracket"},
      {"[{\"a\":1\n```\n", R"([{"a":1}])", "bracket*2"},
      {"[{\"a\":\"x\"\n```\n", R"([{"a":"x"}])", "bracket*2"},
      {"{\"a\":[1\n```", R"({"a":[1]})", "bracket*2"},
      {"[{\"a\":1},\n```", R"([{"a":1}])", "comma bracket"},
  });
}

// A bracket too many could as well be one too few elsewhere.
TEST(Mender, BracketsThatCouldBeElsewhere) {
  ExpectMended({
      {R"([{"a":[1,2]]},{"b":1}])", "broken"},
      {R"([{"a":{"id":"b"}],"c":2},{"b":1}])", "broken"},
      {R"([{"a":{"id":"b"}]},{"b":1}])", "broken"},
      {R"([{"a":{"b":1},{"c":2}])", "broken"},
      {R"([{"a":1,{"b":2}])", "broken"},
      {R"({"a":{"b":1])", "broken"},
      {R"({"a":[{"b":1}, "c":2})", "cut"},
      {R"([{"a":[{"b":1},"c":2},{"d":1}])", "cut"},
      {R"({"a":[1,"b":2]})", "cut"},
      {R"({"a":[1,b:2]})", "broken"},
      {"[{\"a\":1,\n```", "cut"},
      {"[{\"a\":\n```", "broken"},
      {"[{\"a\"\n```", "broken"},
  });
}

TEST(Mender, TextsThatEnd) {
  ExpectMended({
      {"[", "cut"},
      {"{", "cut"},
      {"[{", "cut"},
      {"{a", "cut"},
      {"{a:", "cut"},
      {"{'a", "cut"},
      {"{'a'", "cut"},
      {"{'a':", "cut"},
      {"{'a':'", "cut"},
      {"{'a':'x", "cut"},
      {"{'a':'x'", "cut"},
      {"{'a':'x',", "cut"},
      {"{'a':1", "cut"},
      {"{'a':1,", "cut"},
      {"{'a':Tru", "cut"},
      {"{'a':True", "cut"},
      {"{'a':[", "cut"},
      {"{'a':[1", "cut"},
      {"{'a':{}", "cut"},
      {"[{'a':1}", "cut"},
      {"[{'a':1},", "cut"},
      {"[{'a':1}, {", "cut"},
      {"{'a':\"he said \"hi\"", "cut"},
      {"{'a':\"he said \"hi", "cut"},
      {"{'a':\"x\\", "cut"},
      {"{'a':\"x\\u12", "cut"},
      {"{“a”:“x", "cut"},
      {"{“a”:“x\xE2\x80", "cut"},
      {"{\"a\":\"two\nlines", "cut"},
  });
}

TEST(Mender, ProseIsNotMended) {
  ExpectMended({
      {"[1]", "broken"},
      {"[1, 2]", "broken"},
      {"[sic]", "broken"},
      {"['a', 'b']", "broken"},
      {"[\"a\"]", "broken"},
      {"[x](https://example.org)", "broken"},
      {"{x}", "broken"},
      {"{x, y}", "broken"},
      {"{{name}}", "broken"},
      {"{'a', 'b'}", "broken"},
      {"{ return 1; }", "broken"},
      {"{% if %}", "broken"},
      {"[[1,2]]", "broken"},
      {"[None]", "broken"},
  });
}

TEST(Mender, ManyKindsAtOnce) {
  ExpectMended({
      {R"({a:'x',"b":True,/* c */"c":[.5,],})", R"({"a":"x","b":true,"c":[0.5]})",
       "comment comma*2 quote name literal number"},
      {"[{'id': 'a', 'x': NaN, }\n{'id': 'b', 'x': -Infinity}]",
       R"([{"id":"a","x":null},{"id":"b","x":null}])", "comma*2 quote*6 nulled*2"},
      {"{\"a\":\"C:\\Users\nsays \"hi\" to\", b: [1, 2}",
       R"({"a":"C:\\Users\nsays \"hi\" to","b":[1,2]})",
       "name control backslash inner_quote*2 bracket"},
  });
}

TEST(Mender, EditsAreLimited) {
  std::string names = "{";
  for (std::size_t i = 0; i < kMaxEdits; ++i) names += "a" + std::to_string(i) + ":1,";
  EXPECT_EQ(Mend(names + "\"b\":1}").substr(0, 9), R"({"a0":1,")");
  EXPECT_EQ(Mend(names + "b:1}"), "broken");

  const auto quoting = [](std::size_t pairs) {
    std::string text = R"({"a":")";
    for (std::size_t i = 0; i < pairs; ++i) text += R"(a "b" c )";
    return text + R"(","b":1})";
  };
  EXPECT_NE(Mend(quoting(kMaxGuesses / 2)), "broken");
  EXPECT_EQ(Mend(quoting(kMaxGuesses / 2 + 1)), "broken");
}

TEST(Mender, DepthIsLimited) {
  const auto nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "{a:";
    return text + "1" + std::string(depth, '}');
  };
  EXPECT_NE(Mend(nested(64)), "broken");
  EXPECT_EQ(Mend(nested(65)), "broken");
}

TEST(Mender, TellsWhereTheValueEnds) {
  EXPECT_EQ(MendValue("{a:1} tail", 0).end, 5U);
  EXPECT_EQ(MendValue("see {a:1}", 4).end, 9U);
  EXPECT_EQ(MendValue("[{a:b}]", 0).end, 4U);
  EXPECT_EQ(MendValue("[{a:b}]", 0).open_brackets, 2U);
  EXPECT_TRUE(MendValue("[{a:b}]", 0).has_member);
  EXPECT_FALSE(MendValue("[{a}]", 0).has_member);
}

}  // namespace
}  // namespace llmbatch::answers
