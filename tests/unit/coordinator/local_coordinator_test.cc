#include "coordinator/local_coordinator.h"

#include <gtest/gtest.h>

#include "unit/coordinator/asker.h"
#include "unit/coordinator/conformance.h"
#include "unit/coordinator/job_conformance.h"

namespace llmbatch::coordinator {
namespace {

class LocalCoordinatorTest : public ::testing::Test {
 protected:
  Asker<LocalCoordinator> Ask() { return {coordinator_, inbox_}; }

  base::Timestamp now_;
  runtime::Inbox inbox_;
  LocalCoordinator coordinator_{{.clock = [this] { return now_; }}, inbox_};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Local, ConformanceTest, LocalCoordinatorTest);
INSTANTIATE_TYPED_TEST_SUITE_P(Local, JobConformanceTest, LocalCoordinatorTest);

TEST_F(LocalCoordinatorTest, AnOutcomeIsGoneWhenItsTimeIsOver) {
  auto ask = Ask();
  ASSERT_TRUE(ask.Store({{"key", "value"}}, std::chrono::seconds(10)).ok());
  now_ += std::chrono::seconds(9);
  EXPECT_EQ(*ask.LookUp({"key"}), Outcomes{"value"});
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(*ask.LookUp({"key"}), Outcomes{std::nullopt});
}

TEST_F(LocalCoordinatorTest, CompletionsAreThereAtOnceInOrder) {
  coordinator_.Execute(
      ports::LookUpOutcomes{.lookup = model::LookupId{1}, .keys = {}, .claim_ttl = {}});
  coordinator_.Execute(
      ports::LookUpOutcomes{.lookup = model::LookupId{2}, .keys = {}, .claim_ttl = {}});
  const auto events = inbox_.WaitUntil(base::Timestamp{});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::get<ports::OutcomesLookedUp>(events[0]).lookup, model::LookupId{1});
  EXPECT_EQ(std::get<ports::OutcomesLookedUp>(events[1]).lookup, model::LookupId{2});
}

TEST(LocalCoordinator, AnOutcomeThatCanNeverFitIsRefused) {
  runtime::Inbox inbox;
  LocalCoordinator coordinator({.max_ledger_bytes = 1000}, inbox);
  Asker ask(coordinator, inbox);
  const auto stored = ask.Store({{"key", std::string(1000, 'x')}}, std::chrono::hours(1));
  ASSERT_FALSE(stored.ok());
  EXPECT_EQ(stored.error().kind, base::ErrorKind::kTooLarge);
}

}  // namespace
}  // namespace llmbatch::coordinator
