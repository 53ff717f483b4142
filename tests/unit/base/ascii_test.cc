#include "base/ascii.h"

#include <gtest/gtest.h>

namespace llmbatch::base {
namespace {

TEST(ToLower, ChangesTheCapitalLettersOfAscii) {
  EXPECT_EQ(ToLower("Content-Type"), "content-type");
  EXPECT_EQ(ToLower("@AZ[`az{"), "@az[`az{");
  EXPECT_EQ(ToLower("ÄÖ İ"), "ÄÖ İ");
}

}  // namespace
}  // namespace llmbatch::base
