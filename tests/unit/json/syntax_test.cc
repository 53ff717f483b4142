// What is JSON and what isn't: one line a case.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "json/value.h"

namespace llmbatch::json {
namespace {

using namespace std::string_literals;

std::string Verdict(std::string_view text) {
  const auto outcome = Document::Read(text);
  if (const auto* failure = std::get_if<ParseFailure>(&outcome)) {
    return std::string(ToString(failure->problem));
  }
  return "JSON";
}

std::vector<std::string> Accepted() {
  return {
      // literals and white space
      "null",
      "true",
      "false",
      " null",
      "null ",
      "\t\n\r null\r\n\t",
      "\nnull",
      // numbers
      "0",
      "-0",
      "1",
      "-1",
      "10",
      "123456789",
      "0.0",
      "-0.0",
      "0.5",
      "1.25",
      "1e5",
      "1E5",
      "1e+5",
      "1e-5",
      "1.5e+10",
      "-1.5E-10",
      "0e0",
      "0e+1",
      "1e308",
      "1.7976931348623157e308",
      "5e-324",
      "9223372036854775807",
      "-9223372036854775808",
      "18446744073709551616",
      "123456789012345678901234567890",
      "0.1234567890123456789012345678901234567890",
      "1e-400",
      "1e00",
      "1e-0",
      "20e1",
      "123.456e78",
      "-123",
      "1e22",
      // strings
      R"("")",
      R"("a")",
      R"(" ")",
      R"("\"")",
      R"("\\")",
      R"("\/")",
      R"("/")",
      R"("\b\f\n\r\t")",
      R"("\u0000")",
      R"("\u001f")",
      R"("\u0020")",
      R"("\u00e9")",
      R"("\u00E9")",
      R"("\u20ac")",
      R"("\ud83d\ude00")",
      R"("\uD834\uDD1E")",
      R"("\uFFFF")",
      R"("\uFDD0")",
      R"("\\u0000")",
      R"("\\\\")",
      "\"\x7F\"",
      "\"\xC3\xA9\"",
      "\"\xE2\x82\xAC\"",
      "\"\xF0\x9F\x98\x80\"",
      "\"\xEF\xBB\xBF\"",
      "\"\xE2\x80\xA8\"",
      "\"\xF4\x8F\xBF\xBF\"",
      R"("// no comment")",
      R"("a,b:c]d}e")",
      // arrays
      "[]",
      "[ ]",
      "[1]",
      "[1,2]",
      "[ 1 , 2 ]",
      "[[]]",
      "[[],[]]",
      "[[[]]]",
      "[null]",
      R"(["",""])",
      "[1\n,\r2]",
      "[true,false,null]",
      R"([{},{}])",
      "[1.0,-2e3]",
      "[[1],[2,[3]]]",
      // objects
      "{}",
      "{ }",
      R"({"a":1})",
      R"({"a":1,"b":2})",
      R"({ "a" : 1 , "b" : 2 })",
      R"({"":0})",
      R"({"a":{}})",
      R"({"a":{"a":{"a":1}}})",
      R"({"a":[],"b":{}})",
      R"({"\u0000":1})",
      R"({"a":1,"A":2})",
      R"({"a":1,"a ":2})",
      R"({"a":null})",
      R"({"a":"a"})",
      R"({"1":1})",
      R"({"é":"é"})",
      R"({"a":1,"b":{"a":1}})",
      R"([{"a":1},{"a":1}])",
  };
}

TEST(JsonSyntax, AcceptsWhatRfc8259Allows) {
  const auto cases = Accepted();
  EXPECT_GE(cases.size(), 90U);
  for (const std::string& text : cases) EXPECT_EQ(Verdict(text), "JSON") << text;
}

std::vector<std::string> NoJson() {
  return {
      // nothing, or more than one value
      "",
      " ",
      "\n",
      "1 2",
      "1,2",
      "{}{}",
      "[][]",
      "[]]",
      "{}}",
      "null null",
      "true1",
      "\"a\"\"b\"",
      "[1]x",
      "{} //",
      "1\n2",
      "nulll",
      // literals
      "nul",
      "n",
      "nUll",
      "NULL",
      "True",
      "TRUE",
      "tru",
      "t",
      "fals",
      "f",
      "False",
      "undefined",
      "NaN",
      "nan",
      "Infinity",
      "-Infinity",
      "+Infinity",
      "Inf",
      "-Inf",
      "-NaN",
      "None",
      "yes",
      // numbers
      "+1",
      "01",
      "-01",
      "00",
      "-",
      "--1",
      "1.",
      ".5",
      "-.5",
      "1.e5",
      "1e",
      "1e+",
      "1e-",
      "1E",
      "1ee5",
      "1e5.5",
      "0x10",
      "1_000",
      "1,000",
      "1 000",
      "- 1",
      "1.2.3",
      "0e",
      "-e5",
      "1a",
      "1f",
      "0b1",
      "0o7",
      "1e400",
      "-1e400",
      "1e99999999999",
      "\xEF\xBC\x91",
      "1/2",
      "$1",
      "1%",
      // strings
      "\"",
      "\"a",
      "a\"",
      "'a'",
      "a",
      "\"\\\"",
      R"("\x41")",
      R"("\a")",
      R"("\v")",
      R"("\0")",
      R"("\'")",
      R"("\u")",
      R"("\u0")",
      R"("\u00")",
      R"("\u000")",
      R"("\u00g0")",
      R"("\U0041")",
      R"("\u+041")",
      R"("\ud800")",
      R"("\ud800a")",
      R"("\ud800\n")",
      R"("\ud800\u0041")",
      R"("\ud800\ud800")",
      R"("\ )",
      "\"\t\"",
      "\"\n\"",
      "\"\r\"",
      "\"\x1F\"",
      "\"\x01\"",
      "\"\b\"",
      "`a`",
      "\"a\nb\"",
      "\"a\" \"b\"",
      // arrays
      "[",
      "]",
      "[1",
      "[1,",
      "[,",
      "[,1]",
      "[1,]",
      "[1,,2]",
      "[1 2]",
      "[1;2]",
      "[1:2]",
      "[}",
      "[1}",
      "[\"a\"",
      "[\"a",
      "[[]",
      "[]]",
      "[1]]",
      "[,]",
      "[\"a\":1]",
      "[x",
      "[-]",
      "[*]",
      "(1)",
      "[1,2,]",
      "[...]",
      // objects
      "{",
      "}",
      "{]",
      R"({"a")",
      R"({"a":)",
      R"({"a":1)",
      R"({"a":1,)",
      R"({"a":1,})",
      R"({,})",
      R"({,"a":1})",
      R"({"a" 1})",
      R"({"a"::1})",
      R"({"a":1 "b":2})",
      R"({"a":1;"b":2})",
      R"({"a":1,,"b":2})",
      R"({a:1})",
      R"({'a':1})",
      R"({1:1})",
      R"({null:1})",
      R"({"a"=1})",
      R"({"a":})",
      R"({:1})",
      R"({"a"})",
      R"({"a","b"})",
      R"({"a":1}})",
      R"({[]:1})",
      R"({"a":1:2})",
      R"({"a":x})",
      R"({"a":1,"b"})",
      R"({"a":1,2})",
      R"({{}:1})",
      // what other readers put up with
      "// c\n1",
      "/* c */1",
      "1 // c",
      "1 /* c */",
      "# c\n1",
      "[1 /* c */]",
      R"({"a":1 /* c */})",
      "\xEF\xBB\xBF"
      "1",
      "\xEF\xBB\xBF",
      "<a/>",
      "a=1",
      "---\na: 1",
      "```json\n{}\n```",
      "{} trailing",
      ",",
      ":",
      "\\",
      "\\u0031",
      "\x0C"
      "1",
      "\x0B"
      "1",
      "\xC2\xA0"
      "1",
      "\xE2\x80\xA8"
      "1",
      // a NUL ends nothing
      "\0"s,
      "1\0"s,
      "{}\0"s,
      "{\"a\":1}\0anything"s,
      "[1\0]"s,
      "\"a\0b\""s,
      "nul\0l"s,
      "\0{}"s,
      "{\"a\0\":1}"s,
      "{}\0{}"s,
  };
}

TEST(JsonSyntax, RefusesEverythingElse) {
  const auto cases = NoJson();
  EXPECT_GE(cases.size(), 150U);
  for (const std::string& text : cases) EXPECT_EQ(Verdict(text), "not JSON") << text;
}

TEST(JsonSyntax, RefusesWhatIsNotUtf8) {
  for (const std::string& inner : {"\x80"s,
                                   "\xBF"s,
                                   "\xC0\x80"s,
                                   "\xC0\xAF"s,
                                   "\xC1\xBF"s,
                                   "\xC3"s,
                                   "\xC3\x28"s,
                                   "\xE0\x80\x80"s,
                                   "\xE0\x9F\xBF"s,
                                   "\xE2\x82"s,
                                   "\xE2\x28\xA1"s,
                                   "\xED\xA0\x80"s,
                                   "\xED\xBF\xBF"s,
                                   "\xED\xA0\xBD\xED\xB8\x80"s,
                                   "\xF0\x80\x80\x80"s,
                                   "\xF0\x8F\xBF\xBF"s,
                                   "\xF0\x9F\x98"s,
                                   "\xF4\x90\x80\x80"s,
                                   "\xF5\x80\x80\x80"s,
                                   "\xF8\x88\x80\x80\x80"s,
                                   "\xFE"s,
                                   "\xFF"s,
                                   "caf\xE9"s,
                                   "aaaaaaaaaaaaaaaa\xFF"s}) {
    EXPECT_EQ(Verdict('"' + inner + '"'), "not UTF-8") << inner;
    EXPECT_EQ(Verdict("{\"" + inner + "\":1}"), "not UTF-8") << inner;
    EXPECT_EQ(Verdict("[\"" + inner + "\"]"), "not UTF-8") << inner;
    EXPECT_EQ(Verdict(inner), "not UTF-8") << inner;
  }
}

TEST(JsonSyntax, RefusesTheSecondHalfOfASurrogatePairAlone) {
  for (const char* text : {R"("\udc00")", R"("\uDFFF")", R"("a\udc00b")", R"({"\udead":1})",
                           R"("\udc00\ud800\udc00")", R"(["\udc00"])"}) {
    EXPECT_EQ(Verdict(text), "not UTF-8") << text;
  }
}

TEST(JsonSyntax, RefusesANameTwiceInOneObject) {
  for (
      const char* text :
      {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"":1,"":2})", R"({"a":1,"\u0061":2})",
       R"([{"a":1,"a":2}])", R"({"x":{"a":1,"a":2}})", R"({"a":{},"a":[]})",
       R"({"é":1,"\u00e9":2})",
       R"({"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"a":14})",
       R"({"/":1,"\/":2})"}) {
    EXPECT_EQ(Verdict(text), "the same name twice in an object") << text;
  }
}

}  // namespace
}  // namespace llmbatch::json
