#include "json/object_reader.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace llmbatch::json {
namespace {

// The error that `read` leaves behind with {"x": `value`}; "" if none.
std::string ErrorOf(std::string_view value, const std::function<void(ObjectReader&)>& read) {
  const auto document = Document::Parse("{\"x\":" + std::string(value) + "}");
  LLMBATCH_CHECK(document.ok());
  ObjectReader reader(document->root(), "at");
  read(reader);
  return reader.ok() ? "" : reader.error()->message;
}

struct Getter {
  std::string_view name;
  std::function<void(ObjectReader&)> read;
  bool required;
  std::string_view accepts;  // letters of kKinds
};

struct Sample {
  char letter;
  std::string_view json;
};

// n null, b boolean, i whole number, d other number, l number too large for 64 bits, s string,
// c string with a control character, a array, o object
constexpr Sample kKinds[] = {{'n', "null"},
                             {'b', "true"},
                             {'i', "7"},
                             {'d', "0.5"},
                             {'l', "9223372036854775808"},
                             {'s', "\"text\""},
                             {'c', R"("a\u0007")"},
                             {'a', "[]"},
                             {'o', "{}"}};

std::vector<Getter> Getters() {
  const StringLimits plain{.allow_control_characters = false};
  return {
      {"String", [](ObjectReader& r) { r.String("x"); }, true, "sc"},
      {"String without control characters", [plain](ObjectReader& r) { r.String("x", plain); },
       true, "s"},
      {"OptionalString", [](ObjectReader& r) { r.OptionalString("x"); }, false, "nsc"},
      {"Int", [](ObjectReader& r) { r.Int("x"); }, true, "i"},
      {"OptionalInt", [](ObjectReader& r) { r.OptionalInt("x"); }, false, "ni"},
      {"OptionalDouble", [](ObjectReader& r) { r.OptionalDouble("x"); }, false, "nidl"},
      {"OptionalBool", [](ObjectReader& r) { r.OptionalBool("x"); }, false, "nb"},
      {"Optional array", [](ObjectReader& r) { r.Optional("x", Kind::kArray); }, false, "na"},
      {"Required object", [](ObjectReader& r) { r.Required("x", Kind::kObject); }, true, "o"},
      {"Required boolean", [](ObjectReader& r) { r.Required("x", Kind::kBool); }, true, "b"},
      {"Any", [](ObjectReader& r) { r.Any("x"); }, false, "nbidlscao"},
  };
}

TEST(ObjectReader, EveryGetterTakesItsKindsAndNamesTheFieldForTheOthers) {
  for (const Getter& getter : Getters()) {
    for (const Sample& sample : kKinds) {
      const bool accepted = getter.accepts.find(sample.letter) != std::string_view::npos;
      const std::string error = ErrorOf(sample.json, getter.read);
      EXPECT_EQ(error.empty(), accepted) << getter.name << " of " << sample.json << ": " << error;
      EXPECT_EQ(error.substr(0, 6), accepted ? "" : "at.x: ") << getter.name;
    }
  }
}

TEST(ObjectReader, AMissingMemberIsAnErrorOnlyWhereItIsRequired) {
  const auto document = Document::Parse("{}");
  for (const Getter& getter : Getters()) {
    ObjectReader reader(document->root(), "");
    getter.read(reader);
    EXPECT_EQ(reader.ok(), !getter.required) << getter.name;
    if (!reader.ok()) {
      EXPECT_EQ(reader.error()->message, "x: missing");
      EXPECT_EQ(reader.problem(), FieldProblem::kMissing);
    }
  }
}

TEST(ObjectReader, GivesTheValues) {
  const auto document = Document::Parse(R"({"s":"text","i":-3,"d":0.25,"b":false,"a":[1]})");
  ObjectReader reader(document->root(), "");
  EXPECT_EQ(reader.String("s"), "text");
  EXPECT_EQ(reader.OptionalString("s"), "text");
  EXPECT_EQ(reader.Int("i"), -3);
  EXPECT_EQ(reader.OptionalInt("i"), -3);
  EXPECT_EQ(reader.OptionalDouble("d"), 0.25);
  EXPECT_EQ(reader.OptionalBool("b"), false);
  EXPECT_EQ(reader.Required("a", Kind::kArray)->size(), 1U);
  EXPECT_EQ(reader.OptionalString("none"), std::nullopt);
  EXPECT_TRUE(reader.ok());
}

TEST(ObjectReader, KeepsTheFirstErrorAndThenGivesDefaults) {
  const auto document = Document::Parse(R"({"a":1,"b":"text"})");
  ObjectReader reader(document->root(), "items[3]");
  EXPECT_EQ(reader.String("a"), "");
  EXPECT_EQ(reader.String("b"), "");
  EXPECT_EQ(reader.Int("c"), 0);
  EXPECT_EQ(reader.Required("d", Kind::kArray), std::nullopt);
  reader.Fail("e", "wrong");
  EXPECT_EQ(reader.error()->message, "items[3].a: must be of type string, is number");
  EXPECT_EQ(reader.error()->kind, base::ErrorKind::kInvalid);
  EXPECT_EQ(reader.problem(), FieldProblem::kWrongKind);
}

TEST(ObjectReader, LengthsAreInCodePoints) {
  const auto read = [](ObjectReader& r) {
    r.String("x", {.min_code_points = 1, .max_code_points = 3});
  };
  EXPECT_EQ(ErrorOf(R"("")", read), "at.x: shorter than 1 characters");
  EXPECT_EQ(ErrorOf(R"("a")", read), "");
  EXPECT_EQ(ErrorOf("\"\xE2\x82\xAC\xE2\x82\xAC\xE2\x82\xAC\"", read), "");
  EXPECT_EQ(ErrorOf(R"("abcd")", read), "at.x: longer than 3 characters");
}

TEST(ObjectReader, ControlCharactersAreRefusedOnlyWhereAsked) {
  const auto read = [](ObjectReader& r) { r.String("x", {.allow_control_characters = false}); };
  for (const char* text : {R"("\u0000")", R"("a\n")", R"("\u001f")", R"("\u007f")"}) {
    EXPECT_EQ(ErrorOf(text, read), "at.x: has control characters") << text;
  }
  EXPECT_EQ(ErrorOf(R"(" ~\u0080")", read), "");
}

TEST(ObjectReader, NumbersAreBoundedInclusively) {
  const auto read = [](ObjectReader& r) { r.Int("x", {.min = 0, .max = 9}); };
  EXPECT_EQ(ErrorOf("0", read), "");
  EXPECT_EQ(ErrorOf("9", read), "");
  EXPECT_EQ(ErrorOf("10", read), "at.x: must be from 0 to 9");
  EXPECT_EQ(ErrorOf("-1", read), "at.x: must be from 0 to 9");
}

TEST(ObjectReader, WhatIsNoObjectIsTheFirstError) {
  const auto document = Document::Parse("[]");
  EXPECT_EQ(ObjectReader(document->root(), "").error()->message,
            "message: must be of type object, is array");
  ObjectReader reader(document->root(), "items[0]");
  EXPECT_EQ(reader.String("a"), "");
  EXPECT_EQ(reader.error()->message, "items[0]: must be of type object, is array");
  EXPECT_EQ(reader.problem(), FieldProblem::kWrongKind);
}

}  // namespace
}  // namespace llmbatch::json
