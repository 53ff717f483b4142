#include "pipeline/job_commands.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace llmbatch::pipeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = wire::JobCommand::Kind;
using State = ports::CommandedJob::State;

constexpr base::Now kStart{.steady = base::Timestamp(std::chrono::hours(1)),
                           .wall = base::WallTime(std::chrono::hours(500'000))};
const model::TopicPartition kControl{.topic = "llm.control", .partition = 0};

base::Now After(base::Duration passed) {
  return {.steady = kStart.steady + passed, .wall = kStart.wall + passed};
}

ports::CommandedJob Done() {
  return {.state = State::kDone,
          .status = model::JobStatus::kFailed,
          .request = R"({"kind":"job","job_id":"j"})",
          .topic = "llm.requests",
          .identity = "llm.requests/0@7"};
}

ports::CommandedJob Unknown() { return {.state = State::kUnknown}; }

std::string HeaderOf(const ports::Message& message, std::string_view name) {
  for (const model::Header& header : message.headers) {
    if (header.name == name) return header.value;
  }
  return "none";
}

class Commands : public testing::Test {
 protected:
  Commands() {
    options_.topics.progress = "llm.progress";
    partitions_.Assign({{.partition = kControl, .committed_offset = 0, .metadata = {}}});
    record_ = *partitions_.Begin({.partition = kControl,
                                  .offset = 3,
                                  .key = std::nullopt,
                                  .value = "a command",
                                  .headers = {}},
                                 kStart.steady);
  }

  void Ask(Kind kind, const std::string& job_id = "j") {
    commands_.Ask({.kind = kind, .job_id = job_id, .user_id = "u"}, record_,
                  {.partition = kControl, .offset = 3, .index = {}}, kStart, out_);
  }
  // The question that was asked last.
  const ports::CommandJobRecord& Asked() const {
    return std::get<ports::CommandJobRecord>(out_.back());
  }
  std::optional<JobCommands::Answer> Told(base::Result<ports::CommandedJob> outcome,
                                          base::Duration passed = {}) {
    return commands_.OnCommanded({.command = Asked().command, .outcome = std::move(outcome)},
                                 partitions_, kStart.steady + passed);
  }
  // What is published in answer.
  std::string Published(base::Result<ports::CommandedJob> outcome, base::Duration passed = {}) {
    const auto answer = Told(std::move(outcome), passed);
    if (!answer || !answer->message) return "nothing";
    return answer->message->topic + " " + answer->message->value.value_or("");
  }

  Options options_;
  Partitions partitions_{Limits{}, seconds(1)};
  RecordId record_;
  base::IdSequence<model::JobRecordId> ids_;
  JobCommands commands_{options_, ids_};
  ports::Commands out_;
};

TEST_F(Commands, AreAskedOfTheJobsRecord) {
  Ask(Kind::kCancel);
  ASSERT_EQ(out_.size(), 1U);
  EXPECT_EQ(Asked().kind, ports::CommandJobRecord::Kind::kCancel);
  EXPECT_EQ(Asked().job_id, "j");
  EXPECT_EQ(Asked().user_id, "u");
  EXPECT_EQ(Asked().now, kStart.wall);
  Ask(Kind::kRetry);
  EXPECT_EQ(Asked().kind, ports::CommandJobRecord::Kind::kRetry);
}

TEST_F(Commands, CancelTheJobWithoutAMessage) {
  Ask(Kind::kCancel);
  const auto answer = Told(Done());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->record, record_);
  EXPECT_EQ(answer->job_id, "j");
  EXPECT_FALSE(answer->message.has_value());
}

TEST_F(Commands, RetryTheJobAsANewOneWhereItCameFrom) {
  Ask(Kind::kRetry);
  const auto answer = Told(Done());
  ASSERT_TRUE(answer && answer->message);
  EXPECT_EQ(answer->message->topic, "llm.requests");
  EXPECT_TRUE(answer->message->key.value_or("").starts_with("j~")) << *answer->message->key;
  const std::string value = answer->message->value.value_or("");
  EXPECT_NE(value.find(R"("retry_of":"j")"), std::string::npos) << value;
  EXPECT_EQ(HeaderOf(*answer->message, "llmbatch-origin"), "llm.requests/0@7");
  EXPECT_EQ(HeaderOf(*answer->message, "content-type"), "application/json");
}

TEST_F(Commands, AreAnsweredTheSameWhenTheirRecordIsReadAgain) {
  Ask(Kind::kRetry);
  const auto first = Told(Done());
  Ask(Kind::kRetry);
  const auto again = Told(Done());
  ASSERT_TRUE(first && first->message && again && again->message);
  EXPECT_EQ(first->message->key, again->message->key);
  EXPECT_EQ(first->message->value, again->message->value);
  EXPECT_EQ(HeaderOf(*first->message, "llmbatch-id"), HeaderOf(*again->message, "llmbatch-id"));
}

TEST_F(Commands, ThatCannotBeCarriedOutAreRefused) {
  const struct {
    Kind kind;
    ports::CommandedJob told;
    const char* code;
  } cases[] = {
      {Kind::kCancel, {.state = State::kOtherUser}, "forbidden"},
      {Kind::kRetry, {.state = State::kOtherUser}, "forbidden"},
      {Kind::kRetry, {.state = State::kUnknown}, "unknown_job"},
      {Kind::kCancel, {.state = State::kIllegal}, "invalid_message"},
      {Kind::kRetry, {.state = State::kIllegal}, "invalid_message"},
      {Kind::kRetry, {.state = State::kDone, .request = "no job"}, "job_state_lost"},
  };
  for (const auto& each : cases) {
    Ask(each.kind);
    const std::string published = Published(each.told);
    EXPECT_TRUE(published.starts_with("llm.progress ")) << published;
    EXPECT_NE(published.find("\"" + std::string(each.code) + "\""), std::string::npos) << published;
  }
}

TEST_F(Commands, WaitForAJobThatIsToBeCancelledToCome) {
  Ask(Kind::kCancel);
  EXPECT_EQ(Published(Unknown()), "nothing");
  EXPECT_EQ(commands_.Deadline(), kStart.steady + seconds(1));
  commands_.AskAgain(After(milliseconds(999)), out_);
  EXPECT_EQ(out_.size(), 1U);
  commands_.AskAgain(After(seconds(1)), out_);
  ASSERT_EQ(out_.size(), 2U);
  EXPECT_EQ(commands_.Deadline(), std::nullopt);
  EXPECT_EQ(Asked().job_id, "j");
  EXPECT_NE(Published(Unknown(), options_.unknown_job_after).find("unknown_job"),
            std::string::npos);
}

TEST_F(Commands, WaitForTheRecordsToBeInReach) {
  const base::Error away = base::MakeError(base::ErrorKind::kUnavailable, "simulated");
  Ask(Kind::kRetry);
  EXPECT_EQ(Published(away), "nothing");
  commands_.AskAgain(After(seconds(1)), out_);
  EXPECT_NE(Published(away, options_.max_wait).find("internal"), std::string::npos);
}

TEST_F(Commands, OfARecordThatIsNotOursAnyMoreAreDropped) {
  Ask(Kind::kCancel);
  partitions_.Revoke({kControl});
  EXPECT_FALSE(Told(Done()).has_value());
  Ask(Kind::kCancel);
  EXPECT_FALSE(Told(Unknown()).has_value());
  EXPECT_EQ(commands_.Deadline(), std::nullopt) << "nobody waits for it";
}

TEST_F(Commands, ThatNobodyAskedForAreLeftAlone) {
  Ask(Kind::kCancel);
  EXPECT_TRUE(Told(Done()).has_value());
  EXPECT_FALSE(Told(Done()).has_value());
}

TEST_F(Commands, RefuseARetryWhoseIdWouldBeTooLong) {
  Ask(Kind::kRetry, std::string(wire::kMaxIdCodePoints, 'j'));
  EXPECT_NE(Published(Done()).find("too long"), std::string::npos);
}

}  // namespace
}  // namespace llmbatch::pipeline
