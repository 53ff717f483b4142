#include "model/money.h"

#include <gtest/gtest.h>

namespace llmbatch::model {
namespace {

TEST(Money, WritesNineDigits) {
  EXPECT_EQ(ToDecimal(NanoUsd{4'215'000}), "0.004215000");
  EXPECT_EQ(ToDecimal(NanoUsd{0}), "0.000000000");
  EXPECT_EQ(ToDecimal(NanoUsd{12'000'000'001}), "12.000000001");
  EXPECT_EQ(ToDecimal(NanoUsd{-1}), "-0.000000001");
}

TEST(Money, ReadsDecimals) {
  EXPECT_EQ(ParseDecimal("0.004215000"), NanoUsd{4'215'000});
  EXPECT_EQ(ParseDecimal("3"), NanoUsd{3'000'000'000});
  EXPECT_EQ(ParseDecimal("1.5"), NanoUsd{1'500'000'000});
}

TEST(Money, RefusesEverythingElse) {
  for (const char* text :
       {"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1.0000000001", "9999999999", "NaN"}) {
    EXPECT_FALSE(ParseDecimal(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace llmbatch::model
