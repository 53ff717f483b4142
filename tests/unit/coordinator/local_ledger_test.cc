#include "coordinator/local_ledger.h"

#include <gtest/gtest.h>

namespace llmbatch::coordinator {
namespace {

constexpr base::Timestamp kStart{};
constexpr base::Timestamp kLater = kStart + std::chrono::hours(1);

TEST(LocalLedger, TheOldestGoWhenThereIsNoRoom) {
  LocalLedger ledger(1000);
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(ledger.Store(key, std::string(100, 'x'), kLater).ok());
  }
  ASSERT_TRUE(ledger.Store("d", std::string(150, 'x'), kLater).ok());
  EXPECT_FALSE(ledger.Find("a", kStart));
  EXPECT_TRUE(ledger.Find("b", kStart));
  EXPECT_TRUE(ledger.Find("c", kStart));
  EXPECT_TRUE(ledger.Find("d", kStart));
}

TEST(LocalLedger, StoringAgainMakesAKeyTheYoungest) {
  LocalLedger ledger(1000);
  for (const char* key : {"a", "b", "c", "a"}) {
    ASSERT_TRUE(ledger.Store(key, std::string(100, 'x'), kLater).ok());
  }
  ASSERT_TRUE(ledger.Store("d", std::string(150, 'x'), kLater).ok());
  EXPECT_TRUE(ledger.Find("a", kStart));
  EXPECT_FALSE(ledger.Find("b", kStart));
}

TEST(LocalLedger, StaysWithinItsBytes) {
  LocalLedger ledger(10'000);
  for (std::size_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(ledger.Store("key" + std::to_string(i), std::string(i, 'x'), kLater).ok());
    ASSERT_LE(ledger.bytes(), 10'000U);
  }
  EXPECT_TRUE(ledger.Find("key999", kStart));
}

TEST(LocalLedger, WhatHasExpiredTakesNoRoomOnceLookedFor) {
  LocalLedger ledger(1000);
  ASSERT_TRUE(ledger.Store("a", "value", kStart).ok());
  EXPECT_FALSE(ledger.Find("a", kStart));
  EXPECT_EQ(ledger.bytes(), 0U);
}

}  // namespace
}  // namespace llmbatch::coordinator
