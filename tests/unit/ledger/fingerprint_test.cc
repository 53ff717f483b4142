#include "ledger/fingerprint.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <vector>

namespace llmbatch::ledger {
namespace {

using Parts = std::vector<std::string_view>;

TEST(Fingerprint, IsSha256) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// Test case 2 of RFC 4231.
TEST(KeyedHex, IsHmacSha256) {
  EXPECT_EQ(KeyedHex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_NE(KeyedHex("another", "what do ya want for nothing?"),
            KeyedHex("Jefe", "what do ya want for nothing?"));
}

TEST(Fingerprint, TellsPartsApartThatJoinToTheSameText) {
  EXPECT_NE(Fingerprint(Parts{"a", "bc"}), Fingerprint(Parts{"ab", "c"}));
  EXPECT_NE(Fingerprint(Parts{"a"}), Fingerprint(Parts{"a", ""}));
  EXPECT_NE(Fingerprint(Parts{"1:a"}), Fingerprint(Parts{"a"}));
}

TEST(TaskVersion, ChangesWithEverythingThatCanChangeAnAnswer) {
  model::Task task;
  task.name = "t";
  std::vector<model::Task> changed(7, task);
  changed[0].system = "x";
  changed[1].prompt = "x";
  changed[2].output_schema_json = "{}";
  changed[3].parameters_json = "{}";
  changed[4].variables["k"] = "v";
  changed[5].max_output_tokens = 1;
  changed[6].answer = model::AnswerForm::kText;
  std::set<std::string> versions{TaskVersion(task)};
  for (const model::Task& each : changed) versions.insert(TaskVersion(each));
  EXPECT_EQ(versions.size(), 8U);
}

TEST(TaskVersion, StaysWhenOnlyBatchingOrTheRouteChanges) {
  model::Task task;
  model::Task other = task;
  other.max_batch_items = 1;
  other.linger = std::chrono::seconds(9);
  other.route = {{.provider = "p", .model = "m"}};
  EXPECT_EQ(TaskVersion(task), TaskVersion(other));
}

TEST(TaskVersion, ChangesWithTheParametersOfModelsThatAreAsked) {
  model::Task task;
  task.route = {{.provider = "p", .model = "m"}};
  model::Task other = task;
  other.parameters_of[{.provider = "q", .model = "m"}] = R"({"seed":1})";
  EXPECT_EQ(TaskVersion(task), TaskVersion(other));
  other.parameters_of[{.provider = "p", .model = "m"}] = R"({"seed":1})";
  EXPECT_NE(TaskVersion(task), TaskVersion(other));
}

TEST(ReplayKey, TellsATextFromTheSameJson) {
  const model::ItemInput text{.kind = model::ItemInput::Kind::kText, .value = "{}"};
  const model::ItemInput json{.kind = model::ItemInput::Kind::kJson, .value = "{}"};
  EXPECT_NE(ReplayKey("t/0/1", "item", "v", text), ReplayKey("t/0/1", "item", "v", json));
  EXPECT_EQ(ReplayKey("t/0/1", "item", "v", text), ReplayKey("t/0/1", "item", "v", text));
}

TEST(MessageId, IsTheSameForARepeatAndDiffersOtherwise) {
  EXPECT_EQ(MessageId("t/0/1", "item_result", 1), MessageId("t/0/1", "item_result", 1));
  EXPECT_EQ(MessageId("t/0/1", "item_result", 1).size(), 32U);
  const std::set<std::string> ids{
      MessageId("t/0/1", "item_result", 1), MessageId("t/0/2", "item_result", 1),
      MessageId("t/0/1", "progress", 1), MessageId("t/0/1", "item_result", 2)};
  EXPECT_EQ(ids.size(), 4U);
}

TEST(ContentKey, IsOneForWhoeverAsksTheSameOfTheSameModels) {
  model::Task task;
  task.route = {{.provider = "p", .model = "m"}};
  const model::ItemInput input{.kind = model::ItemInput::Kind::kText, .value = "text"};
  EXPECT_EQ(ContentKey("", task, "v1", input), ContentKey("", task, "v1", input));

  model::Task other_route = task;
  other_route.route.push_back({.provider = "p", .model = "m2"});
  const model::ItemInput json{.kind = model::ItemInput::Kind::kJson, .value = "text"};
  const model::ItemInput other_text{.kind = model::ItemInput::Kind::kText, .value = "texts"};
  const std::set<std::string> keys{
      ContentKey("", task, "v1", input), ContentKey("user", task, "v1", input),
      ContentKey("", task, "v2", input), ContentKey("", other_route, "v1", input),
      ContentKey("", task, "v1", json),  ContentKey("", task, "v1", other_text),
      ReplayKey("", "item", "v1", input)};
  EXPECT_EQ(keys.size(), 7U);
}

}  // namespace
}  // namespace llmbatch::ledger
