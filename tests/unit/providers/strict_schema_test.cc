#include "providers/strict_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmbatch::providers {
namespace {

std::string Closed(std::string_view schema,
                   OptionalProperties optional = OptionalProperties::kStay) {
  return ClosedSchema(schema, optional).value_or("none");
}

// A schema whose only property, which is required, is this.
std::string Around(std::string_view property, std::string_view required = R"("p")") {
  return R"({"type":"object","properties":{"p":)" + std::string(property) + R"(},"required":[)" +
         std::string(required) + R"(],"additionalProperties":false})";
}

TEST(ClosedSchema, ClosesEveryObject) {
  EXPECT_EQ(Closed(R"({"type":"object","properties":{"a":{"type":"array","items":
                       {"properties":{"b":{"type":"string"}},"required":["b"]}}}})"),
            R"({"type":"object","properties":{"a":{"type":"array","items":{"type":"object",)"
            R"("properties":{"b":{"type":"string"}},"required":["b"],)"
            R"("additionalProperties":false}}},"required":[],"additionalProperties":false})");
}

TEST(ClosedSchema, OptionalPropertiesBecomeNullableWhereAllMustBeThere) {
  struct Case {
    std::string_view property;
    std::string_view nullable;
  };
  const Case cases[] = {
      {R"({"type":"string"})", R"({"type":["string","null"]})"},
      {R"({"type":["string","null"]})", R"({"type":["string","null"]})"},
      {R"({"type":["string","integer"]})", R"({"type":["string","integer","null"]})"},
      {R"({"type":"string","enum":["a","b"]})",
       R"({"type":["string","null"],"enum":["a","b",null]})"},
      {R"({"enum":["a"]})", R"({"anyOf":[{"type":"string","enum":["a"]},{"type":"null"}]})"},
      {R"({"const":3})", R"({"anyOf":[{"type":"number","enum":[3]},{"type":"null"}]})"},
      {R"({"anyOf":[{"type":"string"},{"type":"integer"}]})",
       R"({"anyOf":[{"anyOf":[{"type":"string"},{"type":"integer"}]},{"type":"null"}]})"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Closed(Around(c.property, ""), OptionalProperties::kBecomeNullable),
              Around(c.nullable))
        << c.property;
  }
  EXPECT_EQ(Closed(Around(R"({"type":"string"})", ""), OptionalProperties::kStay),
            Around(R"({"type":"string"})", ""));
}

TEST(ClosedSchema, RequiredPropertiesStayAsTheyAre) {
  EXPECT_EQ(Closed(Around(R"({"type":"string"})"), OptionalProperties::kBecomeNullable),
            Around(R"({"type":"string"})"));
}

TEST(ClosedSchema, LimitsStandInTheDescription) {
  struct Case {
    std::string_view property;
    std::string_view closed;
  };
  const Case cases[] = {
      {R"({"type":"integer","minimum":1,"maximum":5})",
       R"({"type":"integer","description":"minimum 1, maximum 5"})"},
      {R"({"type":"string","description":"A label.","maxLength":20})",
       R"x({"type":"string","description":"A label. (maxLength 20)"})x"},
      {R"({"type":"array","items":{"type":"string"},"minItems":1,"maxItems":3})",
       R"({"type":"array","description":"maxItems 3","items":{"type":"string"},"minItems":1})"},
      {R"({"type":"array","items":{"type":"string"},"minItems":2})",
       R"({"type":"array","description":"minItems 2","items":{"type":"string"}})"},
      {R"({"type":"string","format":"date"})", R"({"type":"string","format":"date"})"},
      {R"({"type":"string","not":{"enum":["a"]}})",
       R"x({"type":"string","description":"not {\"enum\":[\"a\"]}"})x"},
      {R"({"type":"string","format":"postcode"})",
       R"({"type":"string","description":"format \"postcode\""})"},
  };
  for (const Case& c : cases) EXPECT_EQ(Closed(Around(c.property)), Around(c.closed));
}

TEST(ClosedSchema, WhatOnlyExplainsIsLeftOut) {
  EXPECT_EQ(Closed(Around(R"({"type":"string","default":"x","examples":["y"],"title":"T",
                              "$comment":"c","deprecated":true})")),
            Around(R"({"type":"string","title":"T"})"));
}

TEST(ClosedSchema, EnumsHaveTheirTypes) {
  EXPECT_EQ(Closed(Around(R"({"enum":["a",1,null,"b"]})")),
            Around(R"({"type":["string","number","null"],"enum":["a",1,null,"b"]})"));
  EXPECT_EQ(Closed(Around(R"({"const":true})")), Around(R"({"type":"boolean","enum":[true]})"));
}

TEST(ClosedSchema, DefinitionsAreClosedAndReferencesStandAlone) {
  EXPECT_EQ(Closed(R"({"type":"object","properties":{"p":{"$ref":"#/$defs/d","description":"x"}},
                       "required":["p"],"$defs":{"d":{"type":"object",
                       "properties":{"q":{"type":"null"}}}}})"),
            R"({"type":"object","properties":{"p":{"$ref":"#/$defs/d"}},"required":["p"],)"
            R"("additionalProperties":false,"$defs":{"d":{"type":"object",)"
            R"("properties":{"q":{"type":"null"}},"required":[],"additionalProperties":false}}})");
}

TEST(ClosedSchema, OneOfBecomesAnyOf) {
  EXPECT_EQ(Closed(Around(R"({"oneOf":[{"type":"string"},{"type":"null"}]})")),
            Around(R"({"anyOf":[{"type":"string"},{"type":"null"}]})"));
}

TEST(ClosedSchema, WhatCannotBeClosedIsNotTold) {
  for (const std::string_view schema :
       {"", "no json", "[]", "7", "true", "{}", R"({"type":"object"})",
        R"({"type":"object","properties":{}})",
        R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":true})",
        R"({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":{}})",
        R"({"type":"object","properties":{"a":{}}})",
        R"({"type":"object","properties":{"a":true}})",
        R"({"type":"object","properties":{"a":{"type":"object"}}})",
        R"({"type":"object","properties":{"a":{"type":"array"}}})",
        R"({"type":"object","properties":{"a":{"type":"string"}},"required":["b"]})",
        R"({"type":"object","properties":{"a":{"allOf":[{"type":"string"}]}}})",
        R"({"type":"object","properties":{"a":{"enum":"x"}}})",
        R"({"type":"object","properties":{"a":{"anyOf":{}}}})"}) {
    for (const auto optional : {OptionalProperties::kStay, OptionalProperties::kBecomeNullable}) {
      EXPECT_EQ(Closed(schema, optional), "none") << schema;
    }
    EXPECT_NE(WhatCannotBeClosed(schema), "") << schema;
  }
}

TEST(ClosedSchema, WhatCannotBeClosedIsNamed) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {R"({"type":"object","properties":{"a":{"type":"string","minLength":3}}})", ""},
      {R"({"allOf":[{"type":"object"}]})", "allOf"},
      {R"({"type":"array"})", "an array without items"},
      {R"({"type":"object","properties":{"a":{}}})", "a value without type"},
      {R"({"type":"object","properties":{"a":true}})", "a schema that is true or false"},
      {R"({"type":"object"})", "an object that may have members that aren't declared"},
      {R"({"type":"object","properties":{"a":{"type":"null"}},"required":["b"]})",
       "a required property that isn't declared"},
  };
  for (const auto& [schema, what] : rows) EXPECT_EQ(WhatCannotBeClosed(schema), what) << schema;
}

TEST(ClosedSchema, WhatIsLoosenedIsNamedOnce) {
  using Keywords = std::vector<std::string>;
  const std::pair<std::string, Keywords> rows[] = {
      {Around(R"({"type":"string","title":"T","default":"x","format":"date"})"), {}},
      {Around(R"({"type":"array","minItems":1,"items":{"type":"string"}})"), {}},
      {Around(R"({"type":"array","minItems":2,"items":{"type":"string","maxLength":3}})"),
       {"minItems", "maxLength"}},
      {Around(R"({"anyOf":[{"type":"integer","minimum":1},{"type":"integer","minimum":7}]})"),
       {"minimum"}},
      {Around(R"({"oneOf":[{"type":"string"},{"type":"null"}]})"), {"oneOf"}},
      {Around(R"({"type":"string","not":{"const":"a"},"format":"postcode"})"), {"not", "format"}},
      {R"({"type":"object","properties":{"p":{"$ref":"#/$defs/d","description":"x",
           "maxLength":2}},"$defs":{"d":{"type":"string","minLength":1}}})",
       {"maxLength", "minLength"}},
      {"no json", {}},
  };
  for (const auto& [schema, keywords] : rows) EXPECT_EQ(WhatIsLoosened(schema), keywords) << schema;
}

}  // namespace
}  // namespace llmbatch::providers
