// Numbers, words and strings of broken JSON, each of them in every place where a value can stand.
#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "unit/answers/mend.h"

namespace llmbatch::answers {
namespace {

struct Case {
  std::string_view written;
  std::string_view read;  // "broken": the value around it is
};

struct Place {
  std::string_view before;
  std::string_view behind;
};

constexpr Place kPlaces[] = {
    {R"({"k":)", "}"},       {R"({"k":)", R"(,"l":1})"}, {R"([{"k":[)", "]}]"},
    {R"([{"k":[)", ",2]}]"}, {"{\"k\": ", "\n}"},        {"{\"k\":\n", " , \"l\" : 1 }"},
};

std::string WithoutBlanksAround(std::string_view part) {
  std::string kept;
  for (const char c : part) {
    if (c != ' ' && c != '\n') kept += c;
  }
  return kept;
}

void ExpectEverywhere(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    for (const Place& place : kPlaces) {
      const std::string text =
          std::string(place.before) + std::string(c.written) + std::string(place.behind);
      const std::string expected = c.read == "broken"
                                       ? "broken"
                                       : WithoutBlanksAround(place.before) + std::string(c.read) +
                                             WithoutBlanksAround(place.behind);
      EXPECT_EQ(Mend(text), expected) << text;
    }
  }
}

TEST(MenderValues, NumbersStayNumbers) {
  ExpectEverywhere({
      {"0", "0"},
      {"-0", "-0"},
      {"12345678901234567890123", "12345678901234567890123"},
      {"0.10", "0.10"},
      {"-1.5e-7", "-1.5e-7"},
      {"1E+2", "1E+2"},
      {"+1", "1"},
      {"+0.5", "0.5"},
      {".5", "0.5"},
      {"-.5", "-0.5"},
      {"+.5", "0.5"},
      {"1.", "1.0"},
      {"-1.", "-1.0"},
      {"1.e5", "1.0e5"},
      {"007", "7"},
      {"-007.50", "-7.50"},
      {"00", "0"},
      {"0x1F", "31"},
      {"0XfF", "255"},
      {"-0x10", "-16"},
      {"0xFFFFFFFFFFFFFFFF", "18446744073709551615"},
  });
}

TEST(MenderValues, WhatIsNoNumberIsNotMadeOne) {
  ExpectEverywhere({
      {".", "broken"},          {"+", "broken"},     {"-", "broken"},
      {"--1", "broken"},        {"+-1", "broken"},   {"1e", "broken"},
      {"1e+", "broken"},        {"1.2.3", "broken"}, {"1-2", "broken"},
      {"2026-11-21", "broken"}, {"12:30", "broken"}, {"5%", "broken"},
      {"$5", "broken"},         {"1_000", "broken"}, {"0x", "broken"},
      {"0xG", "broken"},        {"0x1.8", "broken"}, {"0x10000000000000000", "broken"},
      {"0b11", "broken"},       {"5kg", "broken"},   {"5 kg", "broken"},
      {"1/2", "broken"},        {"10n", "broken"},
  });
}

TEST(MenderValues, WordsOfOtherLanguages) {
  ExpectEverywhere({
      {"true", "true"},
      {"false", "false"},
      {"null", "null"},
      {"True", "true"},
      {"False", "false"},
      {"None", "null"},
      {"TRUE", "true"},
      {"FALSE", "false"},
      {"NULL", "null"},
      {"Null", "null"},
      {"NaN", "null"},
      {"nan", "null"},
      {"Infinity", "null"},
      {"-Infinity", "null"},
      {"+Infinity", "null"},
      {"inf", "null"},
      {"-inf", "null"},
      {"undefined", "null"},
  });
}

TEST(MenderValues, OtherWordsAreNotMadeStrings) {
  ExpectEverywhere({
      {"hello", "broken"},
      {"yes", "broken"},
      {"no", "broken"},
      {"tru", "broken"},
      {"trueish", "broken"},
      {"true false", "broken"},
      {"...", "broken"},
      {"…", "broken"},
      {"<missing>", "broken"},
      {"(1)", "broken"},
      {"f(x)", "broken"},
      {"`x`", "broken"},
      {"größer", "broken"},
      {"@x", "broken"},
      {"=", "broken"},
      {":", "broken"},
      {"N/A", "broken"},
      {"not null", "broken"},
  });
}

TEST(MenderValues, QuotationMarks) {
  ExpectEverywhere({
      {R"("x")", R"("x")"},
      {"''", R"("")"},
      {"'x'", R"("x")"},
      {"'it's'", R"("it's")"},
      {"'it\\'s'", R"("it's")"},
      {R"('say "hi"')", R"("say \"hi\"")"},
      {R"('say \"hi\"')", R"("say \"hi\"")"},
      {"'rock 'n' roll'", R"("rock 'n' roll")"},
      {"'größe's'", R"("größe's")"},
      {"'a, b'", R"("a, b")"},
      {"'{[1]}'", R"("{[1]}")"},
      {"“x”", R"("x")"},
      {"”x”", R"("x")"},
      {"„x“", R"("x")"},
      {"„x”", R"("x")"},
      {"‟x”", R"("x")"},
      {"“x\"", R"("x")"},
      {"‘x’", R"("x")"},
      {"‚x‘", R"("x")"},
      {"‘x'", R"("x")"},
      {"‘it’s’", R"("it’s")"},
      {"“it’s”", R"("it’s")"},
      {"«x»", R"("x")"},
      {"»x«", R"("x")"},
      {"“a “b” c”", R"("a “b” c")"},
      {"“a \"b\" c”", R"("a \"b\" c")"},
      {"“– €”", R"("– €")"},
      {"«à»", R"("à")"},
      {R"("a “b” c")", R"("a “b” c")"},
      {R"("it's")", R"("it's")"},
  });
}

TEST(MenderValues, InnerQuotationMarksInPairs) {
  ExpectEverywhere({
      {R"("he said "hi" to me")", R"("he said \"hi\" to me")"},
      {R"(""hi" he said")", R"("\"hi\" he said")"},
      {R"("a "b" c "d" e")", R"("a \"b\" c \"d\" e")"},
      {R"("a \"b\" c "d" e")", R"("a \"b\" c \"d\" e")"},
      {R"("see "x"; then go")", R"("see \"x\"; then go")"},
      {R"("see "x", then go")", R"("see \"x\", then go")"},
      {R"("the ("x") of it")", R"("the (\"x\") of it")"},
      {R"("a "größer" b")", R"("a \"größer\" b")"},
  });
}

TEST(MenderValues, InnerQuotationMarksThatCanBeReadInTwoWays) {
  ExpectEverywhere({
      {R"("a 5" pipe")", "broken"},
      {R"("set {"a"} now")", "broken"},
      {R"("list ["a"] now")", "broken"},
      {R"("a "b" c" d")", "broken"},
      {R"('the boys' toys')", "broken"},
      {R"('set {'a'} now')", "broken"},
      {R"(“a "b c”)", "broken"},
  });
}

TEST(MenderValues, ControlCharacters) {
  ExpectEverywhere({
      {"\"two\nlines\"", R"("two\nlines")"},
      {"\"two\r\nlines\"", R"("two\r\nlines")"},
      {"\"a\tb\"", R"("a\tb")"},
      {"\"a\fb\"", R"("a\u000cb")"},
      {"\"a\x01\x1F\"", R"("a\u0001\u001f")"},
      {std::string_view("\"a\0b\"", 5), R"("a\u0000b")"},
      {"\"\n\"", R"("\n")"},
      {"'two\nlines'", R"("two\nlines")"},
      {"\"a\x7F\"", "\"a\x7F\""},
  });
}

TEST(MenderValues, Backslashes) {
  ExpectEverywhere({
      {R"("\"")", R"("\"")"},
      {R"("\\")", R"("\\")"},
      {R"("\/\b\f\n\r\t")", R"("\/\b\f\n\r\t")"},
      {R"("\u00e4")", R"("\u00e4")"},
      {R"("\ud83d\ude00")", R"("\ud83d\ude00")"},
      {R"("C:\Users\x")", R"("C:\\Users\\x")"},
      {R"("\q")", R"("\\q")"},
      {R"("\d+\s*\.")", R"("\\d+\\s*\\.")"},
      {R"("\u12")", R"("\\u12")"},
      {R"("\u12g4")", R"("\\u12g4")"},
      {R"("\U0001F600")", R"("\\U0001F600")"},
      {R"("\x41")", R"("\\x41")"},
      {R"("it\'s")", R"("it's")"},
      {R"("\(x^2\) ")", R"("\\(x^2\\) ")"},
      {R"("a\ b")", R"("a\\ b")"},
      {R"("\größer")", R"("\\größer")"},
      {"\"a\\\nb\"", R"("a\\\nb")"},
  });
}

}  // namespace
}  // namespace llmbatch::answers
