#include "answers/answer_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "json/schema.h"

namespace llmbatch::answers {
namespace {

std::string Built(std::string_view item_schema) {
  const auto built = BuildAnswerSchema(item_schema);
  return built ? *built : "refused: " + built.error().message;
}

TEST(AnswerSchema, WrapsTheItemsSchemaAndAddsTheId) {
  EXPECT_EQ(Built(R"({"type":"object","additionalProperties":false,"required":["label"],
                      "properties":{"label":{"type":"string"}}})"),
            R"({"type":"object","additionalProperties":false,"required":["results"],)"
            R"("properties":{"results":{"type":"array","items":{)"
            R"("properties":{"id":{"type":"string"},"label":{"type":"string"}},)"
            R"("required":["id","label"],"type":"object","additionalProperties":false}}}})");
}

TEST(AnswerSchema, WorksWithoutPropertiesAndRequired) {
  EXPECT_EQ(Built(R"({"type":"object"})"),
            R"({"type":"object","additionalProperties":false,"required":["results"],)"
            R"("properties":{"results":{"type":"array","items":{)"
            R"("properties":{"id":{"type":"string"}},"required":["id"],"type":"object",)"
            R"("additionalProperties":true}}}})");
}

TEST(AnswerSchema, MovesDefinitionsToTheRoot) {
  const std::string built = Built(R"({"$schema":"x","$id":"y","type":"object",
      "properties":{"mood":{"$ref":"#/$defs/mood"}},"$defs":{"mood":{"enum":["good","bad"]}}})");
  EXPECT_TRUE(built.ends_with(R"(,"$defs":{"mood":{"enum":["good","bad"]}}})")) << built;
  EXPECT_EQ(built.find("$schema"), std::string::npos);
  const auto schema = json::Schema::Compile(built);
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  EXPECT_TRUE(schema->Validate(R"({"results":[{"id":"a","mood":"good"}]})").ok());
  EXPECT_FALSE(schema->Validate(R"({"results":[{"id":"a","mood":"fair"}]})").ok());
  EXPECT_FALSE(schema->Validate(R"({"results":[{"mood":"good"}]})").ok());
}

TEST(AnswerSchema, RefusesWhatCannotBeAnItem) {
  for (const std::string_view schema :
       {"", "no json", "[]", "true", "{}", R"({"type":"string"})", R"({"type":["object","null"]})",
        R"({"type":"object","properties":[]})", R"({"type":"object","properties":{"id":{}}})",
        R"({"type":"object","required":["id"]})",
        R"({"type":"object","properties":{"child":{"$ref":"#"}}})",
        R"({"type":"object","properties":{"child":{"$ref":"#/properties/other"}}})"}) {
    EXPECT_TRUE(Built(schema).starts_with("refused: output_schema")) << schema;
  }
}

TEST(AnswerSchema, PropertyMayBeCalledAsAKeyword) {
  EXPECT_FALSE(
      Built(R"({"type":"object","properties":{"$ref":{"type":"string"}}})").starts_with("refused"));
}

}  // namespace
}  // namespace llmbatch::answers
