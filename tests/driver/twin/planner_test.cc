#include "twin/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace llmbatch::twin {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<Item> kItems = {{.id = "n1", .key = "1", .text = "sound"},
                                  {.id = "n2", .key = "2", .text = "some \"poison\""},
                                  {.id = "n3", .key = "3", .text = "sound"}};

Planner PlannerFor(std::string_view script) {
  const auto behaviour = ParseScript(script, Behaviour{});
  EXPECT_TRUE(behaviour.ok()) << script;
  return Planner(behaviour ? *behaviour : Behaviour{});
}

std::string NextFault(Planner& planner, std::string_view prompt = "prompt") {
  return FaultName(planner.Next(prompt, kItems).fault);
}

TEST(Planner, TakesStepsInOrderAndThenGoesOn) {
  Planner planner = PlannerFor(R"({"next":[{"fault":"429"},{"fault":"reset","times":2}]})");
  EXPECT_EQ(NextFault(planner), "429");
  EXPECT_EQ(NextFault(planner), "reset");
  EXPECT_EQ(NextFault(planner), "reset");
  EXPECT_EQ(NextFault(planner), "none");
}

TEST(Planner, AppliesARuleToEveryRequestThatFits) {
  Planner planner = PlannerFor(R"({"match":[{"text_contains":"bad","fault":"content_filter"}]})");
  EXPECT_EQ(NextFault(planner, "a bad one"), "content_filter");
  EXPECT_EQ(NextFault(planner, "a good one"), "none");
  EXPECT_EQ(NextFault(planner, "bad again"), "content_filter");
}

TEST(Planner, ForgetsARuleThatIsUsedUp) {
  Planner planner = PlannerFor(R"({"match":[{"text_contains":"bad","fault":"500","times":2}]})");
  EXPECT_EQ(NextFault(planner, "bad"), "500");
  EXPECT_EQ(NextFault(planner, "bad"), "500");
  EXPECT_EQ(NextFault(planner, "bad"), "none");
}

TEST(Planner, LooksIntoTheItemsAsTheyAreBeforeEscaping) {
  Planner planner =
      PlannerFor(R"({"match":[{"text_contains":"some \"poison\"","fault":"missing"}]})");
  const Plan plan = planner.Next("prompt", kItems);
  EXPECT_EQ(plan.fault.kind, FaultKind::kMissing);
  EXPECT_THAT(plan.targets, ElementsAre(1));
}

TEST(Planner, SavesARequestFromChanceByAStepWithoutFault) {
  Planner planner = PlannerFor(R"({"error_rate":"500=1","next":[{"fault":"none"}]})");
  EXPECT_EQ(NextFault(planner), "none");
  EXPECT_EQ(NextFault(planner), "500");
}

TEST(Planner, SwapsTwoDifferentItems) {
  Planner planner = PlannerFor(R"({"answer_fault":"swapped=1"})");
  for (int i = 0; i < 100; ++i) {
    const Plan plan = planner.Next("prompt", kItems);
    ASSERT_EQ(plan.targets.size(), 2U);
    EXPECT_NE(plan.targets[0], plan.targets[1]);
    EXPECT_LT(std::max(plan.targets[0], plan.targets[1]), kItems.size());
  }
}

TEST(Planner, HasNoFaultWhereThereIsNothingToSpoil) {
  Planner planner = PlannerFor(R"({"answer_fault":"swapped=1"})");
  EXPECT_EQ(planner.Next("prompt", {kItems[0]}).fault.kind, FaultKind::kNone);
  Planner missing = PlannerFor(R"({"next":[{"fault":"missing"}]})");
  EXPECT_EQ(missing.Next("prompt", {}).fault.kind, FaultKind::kNone);
}

TEST(Planner, DrawsTheMissingItemByItem) {
  Planner planner = PlannerFor(R"({"answer_fault":"missing=0.25"})");
  std::size_t missing = 0;
  for (int i = 0; i < 1000; ++i) missing += planner.Next("prompt", kItems).targets.size();
  EXPECT_NEAR(static_cast<double>(missing), 750, 100);
}

TEST(Planner, RepeatsItselfWithTheSameSeed) {
  const char* script = R"({"seed":9,"latency":"uniform:1-900","error_rate":"500=0.3,reset=0.3"})";
  Planner one = PlannerFor(script);
  Planner two = PlannerFor(script);
  for (int i = 0; i < 100; ++i) {
    const Plan first = one.Next("prompt", kItems);
    const Plan second = two.Next("prompt", kItems);
    EXPECT_EQ(first.fault, second.fault);
    EXPECT_EQ(first.latency, second.latency);
  }
}

// Faults of these questions, each told by its items, with the keys of what they are about.
std::map<std::string, std::string> FaultsOf(Planner& planner,
                                            const std::vector<std::vector<Item>>& questions) {
  std::map<std::string, std::string> faults;
  for (const std::vector<Item>& items : questions) {
    const Plan plan = planner.Next("prompt", items);
    std::set<std::string> asked;
    std::set<std::string> hit;
    for (const Item& item : items) asked.insert(item.key);
    for (const std::size_t target : plan.targets) hit.insert(items[target].key);
    std::string text = FaultName(plan.fault);
    for (const std::string& key : hit) text += " " + key;
    std::string name;
    for (const std::string& key : asked) name += key + " ";
    faults[name] += text + "; ";
  }
  return faults;
}

TEST(Planner, MeetsTheSameItemsWithTheSameFaultsInAnyOrder) {
  const char* script =
      R"({"seed":7,"error_rate":"500=0.2","answer_fault":"swapped=0.3,missing=0.2,garbled=0.1"})";
  std::vector<std::vector<Item>> questions;
  for (int i = 0; i < 60; ++i) {
    std::vector<Item> items;
    for (int j = 0; j < 5; ++j) {
      const std::string key = std::to_string(i) + "-" + std::to_string(j);
      items.push_back({.id = "n" + key, .key = key, .text = "sound"});
    }
    questions.push_back(items);
    if (i % 3 == 0) questions.push_back(items);  // asked again
  }
  Planner one = PlannerFor(script);
  const auto faults = FaultsOf(one, questions);
  std::set<std::string> kinds;
  for (const auto& [name, fault] : faults) kinds.insert(fault);
  EXPECT_GT(kinds.size(), 20U);

  // As after a restart, with other ids, from the last question to the first, each back to front.
  std::reverse(questions.begin(), questions.end());
  for (std::vector<Item>& items : questions) {
    std::reverse(items.begin(), items.end());
    for (Item& item : items) item.id = "other " + item.id;
  }
  Planner another = PlannerFor(script);
  EXPECT_EQ(FaultsOf(another, questions), faults);
}

TEST(Planner, TakesTheLatencyOfTheStep) {
  Planner planner = PlannerFor(R"({"latency_ms":100,"next":[{"latency_ms":5}]})");
  EXPECT_EQ(planner.Next("prompt", kItems).latency, std::chrono::milliseconds(5));
  EXPECT_EQ(planner.Next("prompt", kItems).latency, std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace llmbatch::twin
