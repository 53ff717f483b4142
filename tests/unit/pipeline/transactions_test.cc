#include "pipeline/transactions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace llmbatch::pipeline {
namespace {

using Company = Transactions::Company;
using Haste = Transactions::Haste;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr base::Timestamp kStart{std::chrono::hours(1)};
constexpr base::Duration kInterval = std::chrono::milliseconds(100);
const model::TopicPartition kZero{.topic = "t", .partition = 0};
const model::TopicPartition kOne{.topic = "t", .partition = 1};

// The partitions 0 and 1 from offset 0 on, and transactions that begin with messages of theirs.
class TransactionsTest : public testing::Test {
 protected:
  TransactionsTest() { Assign({kZero, kOne}); }

  void Assign(const std::vector<model::TopicPartition>& names) {
    std::vector<ports::AssignedPartition> assigned;
    for (const auto& name : names) {
      assigned.push_back({.partition = name, .committed_offset = 0, .metadata = {}});
    }
    partitions_.Assign(assigned);
  }

  RecordId Record(const model::TopicPartition& partition, std::int64_t offset) {
    return partitions_
        .Begin({.partition = partition, .offset = offset, .key = {}, .value = {}, .headers = {}},
               kStart)
        .value();
  }

  const ports::Message* Add(RecordId record, const std::string& value,
                            Company company = Company::kRecord) {
    return transactions_.Add(partitions_, record,
                             {.topic = "results", .key = {}, .value = value, .headers = {}},
                             company);
  }

  // The values of the next transaction, then its offsets as "0@4".
  std::vector<std::string> Next(base::Duration after = std::chrono::seconds(1),
                                Haste haste = Haste::kNone) {
    now_ += after;
    last_ = transactions_.Next(partitions_, model::CommitId{++ids_}, now_, haste);
    std::vector<std::string> texts;
    if (!last_) return texts;
    for (const auto& each : last_->records) texts.push_back(each.message->value.value());
    for (const auto& each : last_->offsets) {
      texts.push_back(std::to_string(each.partition.partition) + "@" + std::to_string(each.offset));
    }
    return texts;
  }

  std::vector<Transactions::Refused> End(base::Result<void> outcome,
                                         std::vector<model::PublishId> too_large = {}) {
    auto ended = transactions_.OnEnded(
        {.commit = last_->commit, .outcome = std::move(outcome), .too_large = std::move(too_large)},
        partitions_, now_, rng_);
    committed_.clear();
    for (const auto& each : ended.committed) committed_.push_back(each.get());
    return std::move(ended.refused);
  }

  static base::Error Away() {
    return base::MakeError(base::ErrorKind::kUnavailable, "the broker is away");
  }

  Partitions partitions_{Limits{}, std::chrono::seconds(1)};
  Transactions transactions_{admission::BackoffOptions{}, kInterval};
  base::Rng rng_{1};
  base::Timestamp now_ = kStart;
  std::uint64_t ids_ = 0;
  std::optional<ports::RunTransaction> last_;
  std::vector<const ports::Message*> committed_;  // by the last one
};

TEST_F(TransactionsTest, AMessageGoesWithTheOffsetThatItFinishes) {
  Add(Record(kZero, 0), "a");
  EXPECT_THAT(Next(), ElementsAre("a", "0@1"));
  EXPECT_FALSE(transactions_.empty());

  End({});

  EXPECT_TRUE(transactions_.empty());
  EXPECT_FALSE(transactions_.Deadline(partitions_));
  EXPECT_THAT(Next(), IsEmpty());
}

TEST_F(TransactionsTest, OneIsUnderWayAtATimeAndTheyBeginAnIntervalApart) {
  Add(Record(kZero, 0), "a");
  Next();
  Add(Record(kZero, 1), "b");
  EXPECT_THAT(Next(), IsEmpty()) << "one is under way";
  End({});
  EXPECT_THAT(Next(), ElementsAre("b", "0@2"));
  End({});

  Add(Record(kZero, 2), "c");
  EXPECT_THAT(Next(kInterval / 2), IsEmpty());
  EXPECT_EQ(transactions_.Deadline(partitions_), now_ + kInterval / 2);
  EXPECT_THAT(Next({}, Haste::kAtOnce), ElementsAre("c", "0@3"));
}

TEST_F(TransactionsTest, AFailedOneHandsItsMessagesOnBeforeAnyOthers) {
  const RecordId a = Record(kZero, 0);
  Add(Record(kOne, 0), "b");
  EXPECT_THAT(Next(), ElementsAre("b", "1@1"));
  Add(a, "a");

  EXPECT_THAT(End(Away()), IsEmpty());

  EXPECT_GT(transactions_.Deadline(partitions_), now_) << "not at once";
  EXPECT_THAT(Next(std::chrono::minutes(2)), ElementsAre("b", "a", "0@1", "1@1"));
}

TEST_F(TransactionsTest, WhatIsNotOursAnyMoreIsDroppedAlsoAfterItJoined) {
  Add(Record(kZero, 0), "a");
  Add(Record(kOne, 0), "b");
  Next();
  End(Away());
  partitions_.Revoke({kZero});

  EXPECT_THAT(Next(std::chrono::minutes(2)), ElementsAre("b", "1@1"));
}

TEST_F(TransactionsTest, WhatCameFromAnEarlierTenureIsDropped) {
  Add(Record(kZero, 0), "a");
  Next();
  End(Away());
  partitions_.Revoke({kZero});
  Assign({kZero});
  Add(Record(kZero, 0), "a again");

  EXPECT_THAT(Next(std::chrono::minutes(2)), ElementsAre("a again", "0@1"));
}

TEST_F(TransactionsTest, ProgressGoesAtOnceAndResultsOfARecordTogether) {
  const RecordId job = Record(kZero, 0);
  partitions_.Expect(job, 1);
  Add(job, "progress", Company::kNone);
  partitions_.Expect(job, 1);
  Add(job, "first item");
  // The offset stays, and comes along all the same: it shows that we are the group's member.
  EXPECT_THAT(Next(), ElementsAre("progress", "0@0"));
  End({});
  EXPECT_TRUE(transactions_.empty()) << "what is held back doesn't wait for a transaction";

  Add(job, "job result");

  EXPECT_THAT(Next(), ElementsAre("first item", "job result", "0@1"));
}

TEST_F(TransactionsTest, ResultsOfOneRecordAreNeverDivided) {
  constexpr int kMessages = 6'000;  // more than a transaction takes
  const RecordId job = Record(kZero, 0);
  partitions_.Expect(job, kMessages - 1);
  for (int i = 0; i < kMessages; ++i) Add(job, "item");
  Add(Record(kOne, 0), "another");

  EXPECT_EQ(Next().size(), kMessages + 1U);
  End({});
  EXPECT_THAT(Next(), ElementsAre("another", "1@1"));
}

TEST_F(TransactionsTest, AMessageThatIsTooLargeIsReplacedAndTheRestGoesOnAtOnce) {
  Add(Record(kZero, 0), "large");
  Add(Record(kZero, 1), "small");
  Next();

  const auto refused = End(Away(), {last_->records[0].publish});

  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].message->value, "large");
  transactions_.Replace(
      refused[0].publish,
      ports::Message{.topic = "dead-letters", .key = {}, .value = "letter", .headers = {}});
  EXPECT_THAT(Next({}, Haste::kAtOnce), ElementsAre("letter", "small", "0@2"));
}

TEST_F(TransactionsTest, ItsEndTellsWhichMessagesWereCommitted) {
  const auto* a = Add(Record(kZero, 0), "a");
  Next();
  const auto* b = Add(Record(kZero, 1), "b");
  End(Away());
  EXPECT_THAT(committed_, IsEmpty());
  Next(std::chrono::minutes(2));
  Add(Record(kZero, 2), "c");
  End({});
  EXPECT_THAT(committed_, ElementsAre(a, b));

  const RecordId lost = Record(kOne, 0);
  partitions_.Revoke({kOne});
  EXPECT_EQ(Add(lost, "lost"), nullptr);
}

TEST_F(TransactionsTest, WhatIsHeldBackCanBeDroppedAndMadeAnew) {
  const RecordId job = Record(kZero, 0);
  partitions_.Expect(job, 2);
  Add(job, "progress", Company::kNone);
  Add(job, "item");

  EXPECT_EQ(transactions_.DropHeld(job), 1);
  EXPECT_EQ(transactions_.DropHeld(job), 0);

  EXPECT_THAT(Next(), ElementsAre("progress", "0@0"));
  End({});
  Add(job, "item again");
  EXPECT_THAT(Next(), IsEmpty());
  Add(job, "job result");
  EXPECT_THAT(Next(), ElementsAre("item again", "job result", "0@1"));
}

TEST_F(TransactionsTest, WhatFinishedWithoutAMessageIsCommittedAsWell) {
  partitions_.Acknowledge(Record(kZero, 0));

  EXPECT_THAT(Next(), ElementsAre("0@1"));
}

}  // namespace
}  // namespace llmbatch::pipeline
