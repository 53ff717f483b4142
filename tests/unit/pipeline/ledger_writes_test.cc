#include "pipeline/ledger_writes.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace llmbatch::pipeline {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr base::Timestamp kStart{hours(1)};
constexpr base::Duration kTtl = hours(24);

Settled Outcome(const std::string& key, bool abandoned = false) {
  Settled settled;
  settled.request.ledger_key = key;
  settled.request.abandoned = abandoned;
  settled.outcome.status = model::ResultStatus::kOk;
  settled.outcome.output_json = "{}";
  return settled;
}

class Writes : public testing::Test {
 protected:
  // "store a b, release c", for what goes out.
  std::string Sent(base::Duration passed = {}) {
    ports::Commands out;
    writes_.SendOutcomes(kStart + passed, out);
    writes_.SendReleases(out);
    std::string text;
    for (const ports::Command& command : out) {
      if (!text.empty()) text += ", ";
      if (const auto* store = std::get_if<ports::StoreOutcomes>(&command)) {
        store_ = store->store;
        text += "store";
        for (const ports::StoredOutcome& each : store->outcomes) text += " " + each.key;
      }
      if (const auto* release = std::get_if<ports::ReleaseClaims>(&command)) {
        release_ = release->release;
        text += "release";
        for (const std::string& key : release->keys) text += " " + key;
      }
    }
    return text.empty() ? "nothing" : text;
  }
  // Keys of what may be published.
  std::string Stored(base::Result<void> outcome) {
    const auto published =
        writes_.OnStored({.store = store_, .outcome = std::move(outcome)}, kStart);
    if (!published) return "unknown";
    std::string text;
    for (const Settled& each : *published) text += each.request.ledger_key;
    return text;
  }
  static base::Error Away() { return base::MakeError(base::ErrorKind::kUnavailable, "simulated"); }

  LedgerWrites writes_{kTtl};
  model::StoreId store_;
  model::ReleaseId release_;
};

TEST_F(Writes, GoOutInOneCommandOfEachKind) {
  writes_.Store(Outcome("a"));
  writes_.Store(Outcome("b"));
  writes_.Release("c");
  EXPECT_EQ(Sent(), "store a b, release c");
  EXPECT_EQ(Sent(), "nothing");
}

TEST_F(Writes, GiveTheClaimBesideAReplacedOutcomeBackWhenItIsStored) {
  Settled settled = Outcome("a");
  settled.request.replaces = "failed";
  writes_.Store(settled);
  EXPECT_EQ(Sent(), "store a");
  EXPECT_EQ(Stored({}), "a");
  EXPECT_EQ(Sent(), "release a:again");
}

TEST_F(Writes, KeepThatClaimWhileAnAbandonedOutcomeIsNotStored) {
  Settled settled = Outcome("a", /*abandoned=*/true);
  settled.request.replaces = "failed";
  writes_.Store(settled);
  Sent();
  EXPECT_EQ(Stored(Away()), "");
  EXPECT_EQ(Sent(), "nothing");
  EXPECT_EQ(Sent(seconds(1)), "store a");
  EXPECT_EQ(Stored({}), "a");
  EXPECT_EQ(Sent(), "release a:again");
}

TEST_F(Writes, ArePublishedWhenTheyAreStored) {
  writes_.Store(Outcome("a"));
  EXPECT_FALSE(writes_.is_storing());
  Sent();
  EXPECT_TRUE(writes_.is_storing());
  EXPECT_EQ(Stored({}), "a");
  EXPECT_FALSE(writes_.is_storing());
  EXPECT_EQ(Stored({}), "unknown");
}

TEST_F(Writes, ArePublishedAlsoWhenTheLedgerIsAway) {
  writes_.Store(Outcome("a"));
  Sent();
  EXPECT_EQ(Stored(Away()), "a");
  EXPECT_EQ(writes_.Deadline(), std::nullopt);
}

TEST_F(Writes, OfWhatIsAbandonedAreTriedAgain) {
  writes_.Store(Outcome("a"));
  writes_.Store(Outcome("b", true));
  Sent();
  EXPECT_EQ(Stored(Away()), "a");
  ASSERT_EQ(writes_.Deadline(), kStart + seconds(1));
  EXPECT_EQ(Sent(), "nothing");
  EXPECT_EQ(Sent(seconds(1)), "store b");
  EXPECT_EQ(writes_.Deadline(), std::nullopt);
  EXPECT_EQ(Stored({}), "b");
}

TEST_F(Writes, GiveClaimsBackUntilTheyAreTaken) {
  writes_.Release("a");
  EXPECT_EQ(Sent(), "release a");
  EXPECT_TRUE(writes_.is_releasing());
  writes_.OnReleased({.release = release_, .outcome = Away()}, kStart);
  EXPECT_FALSE(writes_.is_releasing());
  EXPECT_EQ(Sent(), "nothing");
  EXPECT_EQ(Sent(seconds(1)), "release a");
  writes_.OnReleased({.release = release_, .outcome = {}}, kStart);
  EXPECT_EQ(Sent(seconds(2)), "nothing");
}

TEST_F(Writes, GiveBackTheContentThatNoAnswerCameFor) {
  Settled settled = Outcome("a");
  settled.request.leads_content = true;
  settled.request.content_key = "content";
  settled.outcome.status = model::ResultStatus::kError;
  writes_.Store(std::move(settled));
  EXPECT_EQ(Sent(), "store a, release content");
}

}  // namespace
}  // namespace llmbatch::pipeline
