#include "json/writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "json/value.h"

namespace llmbatch::json {
namespace {

using namespace std::string_literals;

TEST(JsonWriter, PutsCommasAndColonsIn) {
  Writer writer;
  writer.BeginObject();
  writer.Key("a").BeginArray().Int(1).Int(2).BeginObject().EndObject().EndArray();
  writer.Key("b").BeginObject().Key("c").Null().Key("d").Bool(true).EndObject();
  writer.Key("e").Raw(R"([0])").Key("f").String("x").EndObject();
  EXPECT_EQ(writer.Take(), R"({"a":[1,2,{}],"b":{"c":null,"d":true},"e":[0],"f":"x"})");
}

TEST(JsonWriter, WritesAScalarAsTheWholeText) {
  EXPECT_EQ(Writer().Int(INT64_MIN).Take(), "-9223372036854775808");
  EXPECT_EQ(Writer().String("").Take(), "\"\"");
}

TEST(JsonWriter, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(Quote("a\"\\\b\f\n\r\t/\x7F"), "\"a\\\"\\\\\\b\\f\\n\\r\\t/\x7F\"");
  EXPECT_EQ(Quote("\0\x1F"s), R"("\u0000\u001f")");
  EXPECT_EQ(Quote("\xE2\x82\xAC"), "\"\xE2\x82\xAC\"");
  EXPECT_EQ(Writer().BeginObject().Key("\n").Int(1).EndObject().Take(), R"({"\n":1})");
}

TEST(JsonWriter, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(Quote("a\xFF"
                  "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
  EXPECT_EQ(Quote("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  EXPECT_EQ(Quote("\xC3\xA9\x80\xF0\x9F\x98\x80"), "\"\xC3\xA9\xEF\xBF\xBD\xF0\x9F\x98\x80\"");
}

TEST(JsonWriter, WritesDoublesShortestAndExact) {
  for (const double number :
       {0.0, -0.0, 0.1, 1.0 / 3, 1e22, 1e-7, 5e-324, 1.7976931348623157e308, -2.5}) {
    const std::string text = Writer().Double(number).Take();
    const auto document = Document::Parse(text);
    ASSERT_TRUE(document.ok()) << text;
    EXPECT_EQ(document->root().AsDouble(), number) << text;
  }
  EXPECT_EQ(Writer().Double(0.1).Take(), "0.1");
  EXPECT_EQ(Writer().Double(3.0).Take(), "3");
  EXPECT_EQ(Writer().Double(std::numeric_limits<double>::infinity()).Take(), "null");
  EXPECT_EQ(Writer().Double(std::numeric_limits<double>::quiet_NaN()).Take(), "null");
}

TEST(JsonWriter, WritesBehindItsBufferAndIsEmptyAfterwards) {
  Writer writer("data: ");
  writer.BeginArray().EndArray();
  EXPECT_EQ(writer.Take(), "data: []");
  writer.Int(1);
  EXPECT_EQ(writer.Take(), "1");
}

TEST(JsonWriterDeathTest, CallsThatGiveNoJsonAreFaultsOfOurs) {
  EXPECT_DEATH(Writer().BeginObject().Int(1), "");
  EXPECT_DEATH(Writer().BeginObject().Key("a").Key("b"), "");
  EXPECT_DEATH(Writer().BeginObject().Key("a").EndObject(), "");
  EXPECT_DEATH(Writer().BeginObject().EndArray(), "");
  EXPECT_DEATH(Writer().BeginArray().Key("a"), "");
  EXPECT_DEATH(Writer().BeginArray().Take(), "");
  EXPECT_DEATH(Writer().Take(), "");
  EXPECT_DEATH(Writer().Int(1).Int(2), "");
  EXPECT_DEATH(Writer().EndObject(), "");
}

}  // namespace
}  // namespace llmbatch::json
