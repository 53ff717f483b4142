#include "twin/schema_filler.h"

#include <gtest/gtest.h>
#include <rapidjson/schema.h>

#include <set>
#include <string>

namespace llmbatch::twin {
namespace {

std::string Filled(std::string_view schema_text, std::string_view key = "c-1") {
  const auto schema = ParseJson(schema_text);
  if (!schema) return "the schema is no JSON";
  rapidjson::StringBuffer buffer;
  JsonWriter writer(buffer);
  FillSchema(*schema, *schema, Subject{.hash = HashText(key), .key = key, .id = "n-1"}, writer);
  return TakeText(buffer);
}

bool Satisfies(std::string_view value, std::string_view schema_text) {
  const auto schema = ParseJson(schema_text);
  rapidjson::Document document;
  document.Parse(value.data(), value.size());
  const rapidjson::SchemaDocument compiled(*schema);
  rapidjson::SchemaValidator validator(compiled);
  return !document.HasParseError() && document.Accept(validator);
}

TEST(FillSchema, SatisfiesTheSchemaForEveryItem) {
  for (
      const char* schema : {
          R"({"type":"object","required":["id","label"],"properties":
               {"id":{"type":"string"},"label":{"enum":["good","bad","ugly"]}}})",
          R"({"type":["string","null"],"minLength":20,"maxLength":25})",
          R"({"type":"string","maxLength":3})",
          R"({"type":"integer","minimum":3,"maximum":5})",
          R"({"type":"integer","minimum":-4,"maximum":-4})",
          R"({"type":"number","minimum":0.25,"maximum":0.75})",
          R"({"type":"array","minItems":2,"maxItems":4,"items":{"type":"boolean"}})",
          R"({"type":"array","items":{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}})",
          R"({"anyOf":[{"type":"null"},{"type":"array","items":{"type":"string"}}]})",
          R"({"type":"null"})",
      }) {
    for (int i = 0; i < 50; ++i) {
      const std::string value = Filled(schema, "c-" + std::to_string(i));
      EXPECT_TRUE(Satisfies(value, schema)) << value << " for " << schema;
    }
  }
}

TEST(FillSchema, KeepsLimitsThatAreToldInWords) {
  struct Case {
    const char* told;
    const char* meant;
  };
  const Case cases[] = {
      {R"x({"type":"string","description":"A code. (minLength 2, maxLength 3)"})x",
       R"({"type":"string","minLength":2,"maxLength":3})"},
      {R"({"type":"integer","description":"minimum 3, maximum 5"})",
       R"({"type":"integer","minimum":3,"maximum":5})"},
      {R"({"type":"array","description":"minItems 2","items":{"type":"null"}})",
       R"({"type":"array","minItems":2})"},
      {R"({"type":"string","description":"maxLength x, minLength 1e99, minLength"})",
       R"({"type":"string"})"},
  };
  for (const Case& c : cases) {
    for (int i = 0; i < 50; ++i) {
      const std::string value = Filled(c.told, "c-" + std::to_string(i));
      EXPECT_TRUE(Satisfies(value, c.meant)) << value << " for " << c.told;
    }
  }
}

TEST(FillSchema, EchoesTheIdAndNamesTheItem) {
  EXPECT_EQ(Filled(R"({"properties":{"id":{"type":"string"},"summary":{"type":"string"}}})"),
            R"({"id":"n-1","summary":"summary of c-1"})");
}

TEST(FillSchema, TakesConstantsAndReferences) {
  EXPECT_EQ(Filled(R"({"const":[1,2]})"), "[1,2]");
  EXPECT_EQ(Filled(R"({"$ref":"#/$defs/kind","$defs":{"kind":{"const":"one"}}})"), R"("one")");
}

TEST(FillSchema, DrawsEveryValueOfAnEnum) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    seen.insert(Filled(R"({"enum":["a","b","c"]})", "c-" + std::to_string(i)));
  }
  EXPECT_EQ(seen.size(), 3U);
}

TEST(FillSchema, EndsOnASchemaThatRefersToItself) {
  EXPECT_FALSE(Filled(R"({"$ref":"#"})").empty());
  EXPECT_FALSE(Filled(R"({"properties":{"next":{"$ref":"#"}}})").empty());
  EXPECT_FALSE(Filled(R"({"anyOf":[{"$ref":"#"}]})").empty());
}

TEST(FillSchema, TakesSchemasThatMakeNoSense) {
  for (const char* schema :
       {R"({"type":7})", R"({"enum":[]})", R"({"properties":[]})", R"({"type":"array"})",
        R"({"type":"array","items":3,"minItems":1e300})", R"({"$ref":"#x//~"})", R"([])",
        R"({"type":"integer","minimum":1e308})", R"({"type":"string","minLength":-5})",
        R"({"type":[]})", R"({"anyOf":[1,"x"]})",
        R"({"type":"integer","minimum":9,"maximum":1})"}) {
    EXPECT_FALSE(Filled(schema).empty()) << schema;
  }
}

TEST(FillSchema, BoundsWhatASchemaCanAskFor) {
  EXPECT_LT(
      Filled(
          R"({"type":"array","minItems":1000000000,"items":{"type":"string","minLength":1000000000}})")
          .size(),
      2'000'000U);
  // Each level has four times what the one above has.
  EXPECT_LT(
      Filled(
          R"({"properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"},"d":{"$ref":"#"}}})")
          .size(),
      2'000'000U);
}

}  // namespace
}  // namespace llmbatch::twin
