#include "json/value.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace llmbatch::json {
namespace {

using namespace std::string_literals;

Document Parsed(std::string_view text) {
  auto document = Document::Parse(text);
  LLMBATCH_CHECK(document.ok());
  return *std::move(document);
}

std::string Rewritten(std::string_view text) { return Parsed(text).root().ToJson(); }

TEST(JsonValue, KnowsItsKind) {
  const Document document = Parsed(R"([null,true,1,"a",[],{}])");
  const Kind kinds[] = {Kind::kNull,   Kind::kBool,  Kind::kNumber,
                        Kind::kString, Kind::kArray, Kind::kObject};
  ASSERT_EQ(document.root().size(), std::size(kinds));
  for (std::size_t i = 0; i < std::size(kinds); ++i) {
    EXPECT_EQ(document.root().At(i).kind(), kinds[i]) << ToString(kinds[i]);
  }
}

TEST(JsonValue, GivesMembersInTheOrderWritten) {
  const Document document = Parsed(R"({"b":1,"a":{"c":true},"":null})");
  ASSERT_EQ(document.root().size(), 3U);
  EXPECT_EQ(document.root().MemberAt(0).name, "b");
  EXPECT_EQ(document.root().MemberAt(1).name, "a");
  EXPECT_EQ(document.root().MemberAt(2).name, "");
  EXPECT_TRUE(document.root().Find("a")->Find("c")->AsBool());
  EXPECT_TRUE(document.root().Find("")->is(Kind::kNull));
  EXPECT_FALSE(document.root().Find("c").has_value());
  EXPECT_FALSE(document.root().Find("b")->Find("c").has_value());
}

TEST(JsonValue, StringsAreDecodedAndMayHoldNul) {
  const Document document = Parsed(R"(["a\u0000b","\ud83d\ude00","\"\\\/\b\f\n\r\t"])");
  EXPECT_EQ(document.root().At(0).AsString(), "a\0b"s);
  EXPECT_EQ(document.root().At(1).AsString(), "\xF0\x9F\x98\x80");
  EXPECT_EQ(document.root().At(2).AsString(), "\"\\/\b\f\n\r\t");
}

TEST(JsonValue, NumbersKeepEveryDigit) {
  for (const char* number :
       {"0", "-0", "1.0", "1.10", "1e5", "1E+05", "123456789012345678901234567890",
        "18446744073709551616", "0.1000000000000000000000000000001", "9007199254740993", "1e-400",
        "-0.0"}) {
    EXPECT_EQ(Parsed(number).root().AsNumberText(), number);
    EXPECT_EQ(Rewritten("[" + std::string(number) + "]"), "[" + std::string(number) + "]");
  }
}

TEST(JsonValue, WholeNumbersAreGivenOnlyIfTheyAreOnes) {
  EXPECT_EQ(Parsed("9223372036854775807").root().AsInt64(), INT64_MAX);
  EXPECT_EQ(Parsed("-9223372036854775808").root().AsInt64(), INT64_MIN);
  EXPECT_EQ(Parsed("-0").root().AsInt64(), 0);
  for (const char* number : {"9223372036854775808", "-9223372036854775809", "1.0", "1e2", "0.5"}) {
    EXPECT_EQ(Parsed(number).root().AsInt64(), std::nullopt) << number;
  }
}

TEST(JsonValue, DoublesAreReadExactly) {
  EXPECT_EQ(Parsed("0.1").root().AsDouble(), 0.1);
  EXPECT_EQ(Parsed("1.7976931348623157e308").root().AsDouble(), 1.7976931348623157e308);
  EXPECT_EQ(Parsed("5e-324").root().AsDouble(), 5e-324);
  EXPECT_EQ(Parsed("-2").root().AsDouble(), -2.0);
  EXPECT_EQ(Parsed("1e-400").root().AsDouble(), std::nullopt);
}

TEST(JsonValue, IsWrittenCompactAndTheSame) {
  EXPECT_EQ(Rewritten(" { \"b\" : [ 1 , 2.50 ] , \"a\" : { } , \"c\" : [ ] } "),
            R"({"b":[1,2.50],"a":{},"c":[]})");
  EXPECT_EQ(Rewritten(R"("\u0000\u001f\/\u00e9\u007f\"\\\b\f\n\r\t")"),
            "\"\\u0000\\u001f/\xC3\xA9\x7F\\\"\\\\\\b\\f\\n\\r\\t\"");
  EXPECT_EQ(Rewritten(R"({"a\nb":[[],{},null,true,false]})"),
            R"({"a\nb":[[],{},null,true,false]})");
}

TEST(JsonValue, WhatWasWrittenReadsBackAsTheSame) {
  const std::string once = Rewritten(R"({"a":[1,"x\u2028\ud83d\ude00",{"b":[[[1e2]]]}],"c":-0.0})");
  EXPECT_EQ(Rewritten(once), once);
}

TEST(JsonValue, StaysValidWhenItsDocumentMoves) {
  Document first = Parsed(R"({"a":["value"]})");
  const Value value = first.root().Find("a")->At(0);
  const Document second = std::move(first);
  EXPECT_EQ(value.AsString(), "value");
  EXPECT_EQ(second.root().Find("a")->At(0).AsString(), "value");
}

TEST(JsonValue, DoesNotKeepTheTextItWasReadFrom) {
  std::string text = R"(["value"])";
  const Document document = Parsed(text);
  text.assign(text.size(), 'x');
  EXPECT_EQ(document.root().At(0).AsString(), "value");
}

TEST(Value, AppendsItselfWithoutAMember) {
  struct Case {
    std::string_view text;
    std::string_view written;
  };
  const Case cases[] = {
      {R"({"id":"a"})", "{}"},
      {R"({"id":"a","x":1})", R"({"x":1})"},
      {R"({"x":1,"id":[1,{"y":2}]})", R"({"x":1})"},
      {R"({"x":{"id":"b"},"id":"a","y":[{"id":"c"}]})", R"({"x":{"id":"b"},"y":[{"id":"c"}]})"},
      {R"({"x":[],"y":{}})", R"({"x":[],"y":{}})"},
      {R"(["id",{"id":1}])", R"(["id",{"id":1}])"},
      {R"("id")", R"("id")"},
  };
  for (const Case& c : cases) {
    std::string out = "before ";
    Parsed(c.text).root().AppendWithout("id", out);
    EXPECT_EQ(out, "before " + std::string(c.written)) << c.text;
  }
}

}  // namespace
}  // namespace llmbatch::json
