#include "providers/openapi_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmbatch::providers {
namespace {

std::string Told(std::string_view schema) { return OpenApiSchema(schema).value_or("none"); }

std::string Object(std::string_view property, std::string_view definitions = "") {
  return R"({"type":"object","properties":{"p":)" + std::string(property) + "}" +
         std::string(definitions) + "}";
}

std::string ToldProperty(std::string_view told) {
  return R"({"type":"OBJECT","properties":{"p":)" + std::string(told) +
         R"(},"required":[],"propertyOrdering":["p"]})";
}

TEST(OpenApiSchema, TellsTypesInUpperCaseAndTheOrder) {
  EXPECT_EQ(Told(R"({"type":"object","required":["b"],"properties":{"b":{"type":"array",
                     "items":{"type":"integer"}},"a":{"type":"boolean"}}})"),
            R"({"type":"OBJECT","properties":{"b":{"type":"ARRAY","items":{"type":"INTEGER"}},)"
            R"("a":{"type":"BOOLEAN"}},"required":["b"],"propertyOrdering":["b","a"]})");
}

TEST(OpenApiSchema, TellsEachKeywordItsOwnWay) {
  struct Case {
    std::string_view property;
    std::string_view told;
  };
  const Case cases[] = {
      {R"({"type":["string","null"]})", R"({"type":"STRING","nullable":true})"},
      {R"({"type":"null"})", R"({"type":"NULL"})"},
      {R"({"type":["string","integer"]})", R"({"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]})"},
      {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", R"({"type":"STRING","nullable":true})"},
      {R"({"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}],"description":"D"})",
       R"({"description":"D","nullable":true,"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]})"},
      {R"({"enum":["a","b",null]})", R"({"type":"STRING","nullable":true,"enum":["a","b"]})"},
      {R"({"enum":[1,2]})", R"({"type":"NUMBER"})"},
      {R"({"const":"a"})", R"({"type":"STRING","enum":["a"]})"},
      {R"({"type":"string","format":"date-time"})", R"({"type":"STRING","format":"date-time"})"},
      {R"({"type":"string","format":"date"})", R"({"type":"STRING"})"},
      {R"({"type":"string","title":"T","description":"D","maxLength":9})",
       R"x({"type":"STRING","title":"T","description":"D (maxLength 9)"})x"},
      {R"({"type":"array","minItems":1,"items":{"type":"string"}})",
       R"({"type":"ARRAY","items":{"type":"STRING"},"minItems":1})"},
  };
  for (const Case& c : cases) EXPECT_EQ(Told(Object(c.property)), ToldProperty(c.told));
}

TEST(OpenApiSchema, ReferencesArePutIn) {
  EXPECT_EQ(Told(Object(R"({"$ref":"#/$defs/a"})",
                        R"(,"$defs":{"a":{"anyOf":[{"$ref":"#/definitions/b"},{"type":"null"}]}},)"
                        R"("definitions":{"b":{"type":"string"}})")),
            ToldProperty(R"({"type":"STRING","nullable":true})"));
}

TEST(OpenApiSchema, WhatCannotBeToldIsNot) {
  for (const std::string& schema : {
           std::string(R"({"type":"object"})"),
           Object(R"({"$ref":"#/$defs/none"})"),
           Object(R"({"$ref":"x"})"),
           Object(R"({"$ref":"#/$defs/a"})", R"(,"$defs":{"a":{"$ref":"#/$defs/a"}})"),
           Object(R"({"$ref":"#/$defs/a"})",
                  R"(,"$defs":{"a":{"type":"object","properties":{"l":{"$ref":"#/$defs/a"},)"
                  R"("r":{"$ref":"#/$defs/a"}}}})"),
           Object(R"({"type":["array","string"],"items":{"type":"string"}})"),
           Object(R"({"anyOf":[]})"),
       }) {
    EXPECT_EQ(Told(schema), "none") << schema;
  }
}

TEST(OpenApiSchema, WhatItLoosensIsNamed) {
  using Keywords = std::vector<std::string>;
  const std::pair<std::string, Keywords> rows[] = {
      {Object(R"({"type":"string","format":"date-time"})"), {}},
      {Object(R"({"enum":["a",null]})"), {}},
      {Object(R"({"type":"string","format":"date"})"), {"format"}},
      {Object(R"({"enum":["a",2]})"), {"enum"}},
      {Object(R"({"type":"array","items":{"const":7},"maxItems":3})"), {"maxItems", "enum"}},
      {"no json", {}},
  };
  for (const auto& [schema, keywords] : rows) {
    EXPECT_EQ(WhatOpenApiLoosens(schema), keywords) << schema;
  }
}

}  // namespace
}  // namespace llmbatch::providers
