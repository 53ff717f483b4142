#include "admission/fair_turns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace llmbatch::admission {
namespace {

using Part = FairTurns::Part;

// Calls that wait, served one after the other.
class Line {
 public:
  void Push(const std::string& name, const std::vector<Part>& parts) {
    waiting_.emplace(std::pair(turns_.Next(parts), ++last_), name);
  }
  std::string Serve(int calls) {
    std::string served;
    for (; calls > 0 && !waiting_.empty(); --calls) {
      const auto first = waiting_.begin();
      turns_.OnServed(first->first.first);
      served += (served.empty() ? "" : " ") + first->second;
      waiting_.erase(first);
    }
    return served;
  }

 private:
  FairTurns turns_;
  std::map<std::pair<FairTurns::Turn, int>, std::string> waiting_;
  int last_ = 0;
};

TEST(FairTurns, OneUserIsServedInTheOrderOfArrival) {
  Line line;
  for (const char* name : {"1", "2", "3"}) line.Push(name, {{"u", 100}});
  EXPECT_EQ(line.Serve(3), "1 2 3");
}

TEST(FairTurns, WhoComesLateDoesNotWaitForAllThatWasThereBefore) {
  Line line;
  for (int i = 1; i <= 100; ++i) line.Push("flood" + std::to_string(i), {{"big", 100}});
  EXPECT_EQ(line.Serve(3), "flood1 flood2 flood3");
  for (const char* name : {"a1", "a2"}) line.Push(name, {{"a", 100}});
  line.Push("b1", {{"b", 100}});
  EXPECT_EQ(line.Serve(5), "a1 b1 flood4 a2 flood5");
}

TEST(FairTurns, SharesAreEqualInTokensAndNotInCalls) {
  Line line;
  for (int i = 0; i < 100; ++i) {
    line.Push("L", {{"large", 300}});
    line.Push("s", {{"small", 100}});
  }
  const std::string served = line.Serve(40);
  const auto large = std::count(served.begin(), served.end(), 'L');
  const auto small = std::count(served.begin(), served.end(), 's');
  EXPECT_NEAR(static_cast<double>(small) / static_cast<double>(large), 3, 0.4);
}

TEST(FairTurns, AUserOfThreeTimesTheWeightIsServedThreeTimesAsMuch) {
  Line line;
  for (int i = 0; i < 100; ++i) {
    line.Push("G", {{.user = "gold", .amount = 100, .weight = 3}});
    line.Push("p", {{"plain", 100}});
  }
  const std::string served = line.Serve(40);
  EXPECT_EQ(std::count(served.begin(), served.end(), 'G'), 30);
}

TEST(FairTurns, WhoWasAwayHasSavedNothingUp) {
  Line line;
  line.Push("a", {{"a", 100}});
  line.Serve(1);
  for (int i = 0; i < 50; ++i) line.Push("b", {{"b", 100}});
  line.Serve(50);
  for (int i = 0; i < 3; ++i) line.Push("b", {{"b", 100}});
  for (int i = 0; i < 3; ++i) line.Push("a", {{"a", 100}});
  EXPECT_EQ(line.Serve(6), "a b a b a b");
}

TEST(FairTurns, ASharedCallGoesWhenTheFirstOfItsUsersIsDue) {
  Line line;
  for (int i = 1; i <= 10; ++i) line.Push("flood" + std::to_string(i), {{"big", 100}});
  line.Push("both", {{"big", 90}, {"a", 10}});
  EXPECT_EQ(line.Serve(2), "flood1 both");
}

TEST(FairTurns, TenWithTenItemsEachAreNotHeldUpByOneWithAHundredThousand) {
  Line line;
  for (int i = 0; i < 100'000; ++i) line.Push("f", {{"big", 100}});
  for (int user = 0; user < 10; ++user) {
    for (int i = 0; i < 10; ++i) line.Push("s", {{"u" + std::to_string(user), 100}});
  }
  // Alone they need 100 turns; an equal share for the big one makes it 110.
  const std::string served = line.Serve(111);
  EXPECT_EQ(std::count(served.begin(), served.end(), 's'), 100);
}

TEST(FairTurns, UsersWhoHaveLeftAreForgotten) {
  FairTurns turns;
  for (int i = 0; i < 100'000; ++i) {
    const std::vector<Part> parts{{std::to_string(i), 1}};
    turns.OnServed(turns.Next(parts) + 1);
  }
  EXPECT_LT(turns.users(), 3'000U);
}

}  // namespace
}  // namespace llmbatch::admission
