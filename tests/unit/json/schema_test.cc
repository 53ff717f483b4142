#include "json/schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::json {
namespace {

std::string CompileError(std::string_view schema) {
  const auto compiled = Schema::Compile(schema);
  return compiled ? "" : compiled.error().message;
}

// "" if `json` meets `schema`.
std::string Finding(std::string_view schema, std::string_view json) {
  const auto compiled = Schema::Compile(schema);
  if (!compiled) return "schema: " + compiled.error().message;
  const auto outcome = compiled->Validate(json);
  return outcome ? "" : outcome.error().message;
}

struct Case {
  std::string_view schema;
  std::string_view json;
  std::string_view finding;  // "" if it meets the schema
};

constexpr Case kCases[] = {
    {"{}", "1", ""},
    {"true", "[]", ""},
    {"false", "1", R"("" doesn't meet false)"},
    {R"({"type":"null"})", "null", ""},
    {R"({"type":"null"})", "0", R"("" doesn't meet type)"},
    {R"({"type":"boolean"})", "true", ""},
    {R"({"type":"boolean"})", "\"true\"", R"("" doesn't meet type)"},
    {R"({"type":"integer"})", "3", ""},
    {R"({"type":"integer"})", "3.0", ""},
    {R"({"type":"integer"})", "3e2", ""},
    {R"({"type":"integer"})", "123456789012345678901234567890", ""},
    {R"({"type":"integer"})", "3.5", R"("" doesn't meet type)"},
    {R"({"type":"number"})", "3", ""},
    {R"({"type":"number"})", "3.5", ""},
    {R"({"type":"number"})", "\"3\"", R"("" doesn't meet type)"},
    {R"({"type":"string"})", "\"\"", ""},
    {R"({"type":"array"})", "{}", R"("" doesn't meet type)"},
    {R"({"type":"object"})", "[]", R"("" doesn't meet type)"},
    {R"({"type":["string","null"]})", "null", ""},
    {R"({"type":["string","null"]})", "1", R"("" doesn't meet type)"},
    {R"({"enum":["a",1,null,{"x":[1]}]})", "\"a\"", ""},
    {R"({"enum":["a",1,null,{"x":[1]}]})", "1.0", ""},
    {R"({"enum":["a",1,null,{"x":[1]}]})", R"({"x":[1]})", ""},
    {R"({"enum":["a",1,null,{"x":[1]}]})", R"({"x":[2]})", R"("" doesn't meet enum)"},
    {R"({"enum":["a"]})", "\"A\"", R"("" doesn't meet enum)"},
    {R"({"const":{"a":1,"b":2}})", R"({"b":2,"a":1})", ""},
    {R"({"const":9007199254740993})", "9007199254740992", R"("" doesn't meet const)"},
    {R"({"minimum":1})", "1", ""},
    {R"({"minimum":1})", "0.99", R"("" doesn't meet minimum)"},
    {R"({"maximum":1})", "1", ""},
    {R"({"maximum":1})", "2", R"("" doesn't meet maximum)"},
    {R"({"exclusiveMinimum":1})", "1", R"("" doesn't meet exclusiveMinimum)"},
    {R"({"exclusiveMinimum":1})", "1.1", ""},
    {R"({"exclusiveMaximum":1})", "1", R"("" doesn't meet exclusiveMaximum)"},
    {R"({"minimum":1})", "\"a\"", ""},
    {R"({"multipleOf":0.1})", "0.3", ""},
    {R"({"multipleOf":5})", "7", R"("" doesn't meet multipleOf)"},
    {R"({"minLength":2})", "\"\xE2\x82\xAC\"", R"("" doesn't meet minLength)"},
    {R"({"maxLength":1})", "\"\xE2\x82\xAC\"", ""},
    {R"({"maxLength":1})", "\"ab\"", R"("" doesn't meet maxLength)"},
    {R"({"items":{"type":"string"}})", R"(["a","b"])", ""},
    {R"({"items":{"type":"string"}})", R"(["a",1])", R"("/1" doesn't meet type)"},
    {R"({"minItems":1})", "[]", R"("" doesn't meet minItems)"},
    {R"({"maxItems":1})", "[1,2]", R"("" doesn't meet maxItems)"},
    {R"({"uniqueItems":true})", "[1,2,[1],[2]]", ""},
    {R"({"uniqueItems":true})", R"([{"a":1},{"a":1.0}])", R"("" doesn't meet uniqueItems)"},
    {R"({"uniqueItems":false})", "[1,1]", ""},
    {R"({"required":["a"]})", R"({"a":null})", ""},
    {R"({"required":["a"]})", R"({"b":1})", R"("" doesn't meet required)"},
    {R"({"properties":{"a":{"type":"string"}}})", R"({"b":1})", ""},
    {R"({"properties":{"a":{"type":"string"}}})", R"({"a":1})", R"("/a" doesn't meet type)"},
    {R"({"properties":{"a/b~":{"items":{"maximum":1}}}})", R"({"a/b~":[1,2]})",
     R"("/a~1b~0/1" doesn't meet maximum)"},
    {R"({"additionalProperties":false})", "{}", ""},
    {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"geheim":1})",
     R"("" doesn't meet additionalProperties)"},
    {R"({"additionalProperties":{"type":"integer"}})", R"({"a":1})", ""},
    {R"({"additionalProperties":{"type":"integer"}})", R"({"geheim":"x"})",
     R"("/*" doesn't meet type)"},
    {R"({"minProperties":1})", "{}", R"("" doesn't meet minProperties)"},
    {R"({"maxProperties":1})", R"({"a":1,"b":2})", R"("" doesn't meet maxProperties)"},
    {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "2", ""},
    {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "4", R"("" doesn't meet maximum)"},
    {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "null", ""},
    {R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1", R"("" doesn't meet anyOf)"},
    {R"({"oneOf":[{"minimum":1},{"minimum":3}]})", "2", ""},
    {R"({"oneOf":[{"minimum":1},{"minimum":3}]})", "4", R"("" doesn't meet oneOf)"},
    {R"({"not":{"type":"string"}})", "1", ""},
    {R"({"not":{"type":"string"}})", "\"a\"", R"("" doesn't meet not)"},
    {R"({"not":{}})", "1", R"("" doesn't meet not)"},
    {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}})", "1", ""},
    {R"({"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}})", "\"1\"",
     R"("" doesn't meet type)"},
    {R"({"properties":{"a":{"$ref":"#/definitions/n"}},"definitions":{"n":{"maximum":1}}})",
     R"({"a":2})", R"("/a" doesn't meet maximum)"},
    {R"({"properties":{"next":{"$ref":"#"},"v":{"type":"integer"}}})",
     R"({"v":1,"next":{"v":2,"next":{"v":"x"}}})", R"("/next/next/v" doesn't meet type)"},
    {R"({"title":"t","description":"d","default":1,"examples":[1],"format":"date","$comment":"c",
        "$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://example.org/x"})",
     "1", ""},
    {R"({"type":"string"})", "not json", "not JSON at byte 1"},
};

TEST(Schema, TellsTheFirstThingThatIsNotMet) {
  for (const Case& c : kCases)
    EXPECT_EQ(Finding(c.schema, c.json), c.finding) << c.schema << c.json;
}

TEST(Schema, NamesKeywordsThatReadAsIfTheyHadAnEffect) {
  const auto ignored = [](std::string_view schema) {
    return Schema::Compile(schema)->IgnoredKeywords();
  };
  using Keywords = std::vector<std::string_view>;
  EXPECT_EQ(ignored(R"({"items":{"format":"date","default":1}})"), (Keywords{"default", "format"}));
  EXPECT_EQ(ignored(R"({"properties":{"format":{"format":"date"}}})"), Keywords{"format"});
  EXPECT_EQ(ignored(R"({"properties":{"format":{},"default":{}},"title":"t"})"), Keywords{});
}

TEST(Schema, RefusesKeywordsThatItDoesNotCheck) {
  for (const char* keyword : {"if",
                              "then",
                              "else",
                              "prefixItems",
                              "contains",
                              "minContains",
                              "pattern",
                              "patternProperties",
                              "propertyNames",
                              "dependentRequired",
                              "dependentSchemas",
                              "dependencies",
                              "unevaluatedItems",
                              "unevaluatedProperties",
                              "additionalItems",
                              "contentEncoding",
                              "contentMediaType",
                              "$dynamicRef",
                              "$anchor",
                              "$vocabulary",
                              "typo"}) {
    const std::string inner = "{\"" + std::string(keyword) + "\":true}";
    EXPECT_EQ(CompileError(inner), "/" + std::string(keyword) + ": this keyword is not supported");
    EXPECT_EQ(CompileError(R"({"properties":{"a":{"items":)" + inner + "}}}"),
              "/properties/a/items/" + std::string(keyword) + ": this keyword is not supported");
  }
  EXPECT_EQ(CompileError(R"({"items":{"$id":"x"}})"), "/items/$id: this keyword is not supported");
}

TEST(Schema, APropertyMayHaveTheNameOfAKeyword) {
  EXPECT_EQ(
      Finding(R"({"properties":{"if":{"type":"string"},"$ref":{}}})", R"({"if":"x","$ref":1})"),
      "");
}

TEST(Schema, NamesTheKeywordThatIsWrong) {
  struct Wrong {
    std::string_view schema, error;
  };
  for (const Wrong& c : std::initializer_list<Wrong>{
           {"[]", "schema: must be an object or a boolean"},
           {R"({"items":[{}]})", "/items: must be an object or a boolean"},
           {R"({"type":"text"})", "/type: must be the name of a type, or a list of them"},
           {R"({"type":[]})", "/type: must be the name of a type, or a list of them"},
           {R"({"enum":"a"})", "/enum: must be an array"},
           {R"({"properties":[]})", "/properties: must be an object"},
           {R"({"$defs":[]})", "/$defs: must be an object"},
           {R"({"required":"a"})", "/required: must be an array of strings"},
           {R"({"required":[1]})", "/required: must be an array of strings"},
           {R"({"minimum":"1"})", "/minimum: must be a number"},
           {R"({"exclusiveMinimum":true})", "/exclusiveMinimum: must be a number"},
           {R"({"minLength":-1})", "/minLength: must be a whole number that isn't negative"},
           {R"({"maxItems":1.5})", "/maxItems: must be a whole number that isn't negative"},
           {R"({"multipleOf":0})", "/multipleOf: must be a number above 0"},
           {R"({"uniqueItems":1})", "/uniqueItems: must be a boolean"},
           {R"({"anyOf":[]})", "/anyOf: must be an array of schemas"},
           {R"({"oneOf":{}})", "/oneOf: must be an array of schemas"},
           {R"({"$ref":1})", "/$ref: must be a string"},
           {R"({"$ref":"#/$defs/none"})", "/$ref: refers to no schema"},
           {R"({"$ref":"https://example.org/x"})",
            "/$ref: must be a JSON pointer into this schema, \"#/…\""},
           {R"({"$ref":"other.json"})", "/$ref: must be a JSON pointer into this schema, \"#/…\""},
           {R"({"$ref":"#anchor"})", "/$ref: must be a JSON pointer into this schema, \"#/…\""},
           {R"({"$ref":"#"})", "schema: a $ref leads back to itself"},
           {R"({"anyOf":[{"type":"string"},{"$ref":"#"}]})", "schema: a $ref leads back to itself"},
           {R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"not":{"$ref":"#/$defs/a"}}}})",
            "schema: a $ref leads back to itself"},
           {R"({"type":"string","type":"null"})", "the same name twice in an object at byte 30"},
       }) {
    EXPECT_EQ(CompileError(c.schema), c.error) << c.schema;
  }
}

TEST(Schema, IsBoundedItself) {
  EXPECT_NE(CompileError("{\"title\":\"" + std::string(Schema::kMaxBytes, 'x') + "\"}"), "");
  std::string deep = "{}";
  for (int i = 0; i < 64; ++i) deep = R"({"items":)" + deep + "}";
  EXPECT_EQ(CompileError(deep).substr(0, 15), "nested too deep");
}

TEST(Schema, SharedPartsAreNoLoop) {
  EXPECT_EQ(
      CompileError(R"({"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{}}})"),
      "");
}

TEST(Schema, ACheckThatExplodesIsEnded) {
  std::string definitions = R"("d30":{"type":"string"})";
  for (int i = 0; i < 30; ++i) {
    const std::string next = R"({"$ref":"#/$defs/d)" + std::to_string(i + 1) + "\"}";
    definitions += ",\"d" + std::to_string(i) + R"(":{"anyOf":[)" + next + "," + next + "]}";
  }
  const auto schema = Schema::Compile(R"({"$ref":"#/$defs/d0","$defs":{)" + definitions + "}}");
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  const auto outcome = schema->Validate(std::string_view("1"));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind, base::ErrorKind::kTooLarge);
}

TEST(Schema, DeepValuesAreNoDanger) {
  constexpr std::size_t kDepth = 100'000;
  const std::string text = std::string(kDepth, '[') + std::string(kDepth, ']');
  const auto document = Document::Parse("[" + text + "," + text + "]",
                                        {.max_depth = kDepth + 1, .max_nodes = 3 * kDepth});
  ASSERT_TRUE(document.ok());
  for (const char* schema : {R"({"items":{"$ref":"#"}})", R"({"uniqueItems":true})"}) {
    const auto outcome = Schema::Compile(schema)->Validate(document->root());
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.error().kind, base::ErrorKind::kTooLarge);
  }
}

TEST(Schema, CopiesShareWhatWasCompiled) {
  auto first = Schema::Compile(R"({"enum":["a"]})");
  const Schema copy = *first;
  first = Schema::Compile("true");
  EXPECT_FALSE(copy.Validate(std::string_view("\"b\"")).ok());
}

TEST(SchemaNulls, ThoseThatStandForSomethingMissingAreTakenOut) {
  const auto schema = Schema::Compile(R"({"type":"object","required":["r"],"properties":{
      "r":{"type":"string"},"o":{"type":"string"},"n":{"type":["string","null"]},
      "e":{"enum":["a"]},"any":{},"d":{"$ref":"#/$defs/d"},
      "list":{"type":"array","items":{"$ref":"#/$defs/d"}}},
      "$defs":{"d":{"type":"object","properties":{"x":{"type":"integer"}}}}})");
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  struct Row {
    std::string_view json;
    std::string_view without;
  };
  const Row rows[] = {
      {R"({"r":"x","o":null})", R"({"r":"x"})"},
      {R"({"r":null,"o":null})", R"({"r":null})"},
      {R"({"o":null,"n":null,"e":null,"any":null,"d":null})", R"({"n":null,"any":null})"},
      {R"({"d":{"x":null,"y":null}})", R"({"d":{"y":null}})"},
      {R"({"list":[{"x":null},{"x":1.0},null]})", R"({"list":[{},{"x":1.0},null]})"},
      {R"({"other":null,"o":null})", R"({"other":null})"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(schema->WithoutForeignNulls(row.json).value_or("none"), row.without) << row.json;
  }
}

TEST(SchemaNulls, WhereThereIsNoneNothingIsChanged) {
  for (const std::string_view text :
       {R"({"type":"object","properties":{"o":{"type":"string"}}})", R"({"$ref":"#"})", "true"}) {
    const auto schema = Schema::Compile(text);
    if (!schema) continue;
    for (const std::string_view json : {R"({"o":"x"})", "{}", "[]", "null", "", "{"}) {
      EXPECT_EQ(schema->WithoutForeignNulls(json), std::nullopt) << text << json;
    }
  }
}

}  // namespace
}  // namespace llmbatch::json
