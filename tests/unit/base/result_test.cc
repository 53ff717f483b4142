#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace llmbatch::base {
namespace {

TEST(Result, HoldsAValue) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(*std::move(result).value(), 7);
}

TEST(Result, HoldsAnErrorThatTellsWhetherARetryHelps) {
  const Result<int> invalid = Invalid("items[3].id: missing");
  EXPECT_EQ(invalid.error().message, "items[3].id: missing");
  EXPECT_FALSE(invalid.error().retryable());
  EXPECT_TRUE(MakeError(ErrorKind::kTimeout, "no answer").retryable());
}

TEST(ResultDeathTest, AskingAnErrorForItsValueEndsTheProcess) {
  const Result<int> result = Invalid("no");
  EXPECT_DEATH(static_cast<void>(result.value()), "broken invariant");
}

}  // namespace
}  // namespace llmbatch::base
