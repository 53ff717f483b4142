#include "pipeline/degradations.h"

#include <gtest/gtest.h>

namespace llmbatch::pipeline {
namespace {

using std::chrono::seconds;
using Texts = std::vector<std::string>;

constexpr base::Timestamp kStart{seconds(100)};

TEST(Degradations, TellEachChangeOnce) {
  Degradations degradations;
  EXPECT_FALSE(degradations.OnAsked("ledger", true, kStart));
  EXPECT_TRUE(degradations.OnAsked("ledger", false, kStart));
  EXPECT_FALSE(degradations.OnAsked("ledger", false, kStart));
  EXPECT_TRUE(degradations.OnAsked("jobs", false, kStart));
  EXPECT_EQ(degradations.Parts(), Texts({"jobs", "ledger"}));
  EXPECT_TRUE(degradations.OnAsked("ledger", true, kStart));
  EXPECT_EQ(degradations.Parts(), Texts{"jobs"});
}

TEST(Degradations, PartsThatGoUntriedAreSoundWhenAnythingIsAnswered) {
  Degradations degradations;
  degradations.OnAsked("ledger", false, kStart);
  degradations.OnAsked("jobs", false, kStart + seconds(9));

  EXPECT_EQ(degradations.OnAnswers(kStart + seconds(9)), Texts{});
  EXPECT_EQ(degradations.OnAnswers(kStart + seconds(10)), Texts{"ledger"});
  EXPECT_TRUE(degradations.any());
  EXPECT_EQ(degradations.OnAnswers(kStart + seconds(19)), Texts{"jobs"});
  EXPECT_FALSE(degradations.any());
}

TEST(Degradations, APartThatKeepsFailingStaysTold) {
  Degradations degradations;
  for (int second = 0; second < 60; second += 5) {
    degradations.OnAsked("ledger", false, kStart + seconds(second));
    EXPECT_EQ(degradations.OnAnswers(kStart + seconds(second + 5)), Texts{}) << second;
  }
}

}  // namespace
}  // namespace llmbatch::pipeline
