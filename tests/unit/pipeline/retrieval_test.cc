#include "pipeline/retrieval.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace llmbatch::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr model::RequestId kFirst{1};
constexpr model::RequestId kSecond{2};

class RetrievalTest : public testing::Test {
 protected:
  std::unique_ptr<Retrieval::Share> Begin(model::RequestId job, std::vector<std::string> names,
                                          int priority = 5,
                                          std::optional<base::WallTime> deadline = {}) {
    Retrieval::Wanted wanted{
        .job = job, .priority = priority, .user_id = "u", .deadline = deadline, .references = {}};
    for (std::string& name : names) {
      const std::string field = "documents[" + std::to_string(wanted.references.size()) + "].ref";
      wanted.references.push_back(
          {.field = field, .document_id = name, .place = {.store = {}, .name = name}});
    }
    return retrieval_.Begin(std::move(wanted));
  }

  // The names of what is asked for now.
  std::vector<std::string> Asked() {
    ports::Commands commands;
    retrieval_.Advance(now_, commands);
    std::vector<std::string> names;
    for (const ports::Command& command : commands) {
      const auto* fetch = std::get_if<ports::FetchDocument>(&command);
      if (fetch == nullptr) continue;
      names.push_back(fetch->place.name);
      open_[fetch->place.name] = fetch->fetch;
    }
    return names;
  }

  void Answer(const std::string& name, base::Result<std::string> text) {
    ports::DocumentFetched event{.fetch = open_.at(name), .text = std::move(text)};
    ports::Commands commands;
    retrieval_.On(event, now_.steady, rng_, commands);
  }

  // "1/0 text", "2/1 code: message"
  std::vector<std::string> Arrivals() {
    std::vector<std::string> shown;
    for (const auto& arrival : retrieval_.TakeArrivals()) {
      std::string text =
          std::to_string(arrival.job.value) + "/" + std::to_string(arrival.reference) + " ";
      const auto& error = arrival.fetched.error;
      text +=
          error ? std::string(ToString(error->code)) + ": " + error->message : arrival.fetched.text;
      shown.push_back(std::move(text));
    }
    return shown;
  }

  void Pass(base::Duration time) {
    now_.steady += time;
    now_.wall += time;
  }

  static base::Error Away() { return base::MakeError(base::ErrorKind::kUnavailable, "away"); }

  DocumentLimits limits_{.max_bytes = 10,
                         .max_job_bytes = 15,
                         .max_held_bytes = 25,
                         .max_parallel = 2,
                         .max_attempts = 3};
  Retrieval retrieval_{limits_, {}};
  base::Now now_{};
  base::Rng rng_{1};
  std::map<std::string, model::FetchId> open_;
};

TEST_F(RetrievalTest, FetchesFewAtATimeAndHandsOnInOrder) {
  const auto share = Begin(kFirst, {"a", "b", "c"});
  EXPECT_THAT(Asked(), ElementsAre("a", "b"));
  Answer("b", std::string("B"));
  EXPECT_THAT(Arrivals(), IsEmpty());
  // It is as far ahead of the first as it may be.
  EXPECT_THAT(Asked(), IsEmpty());
  Answer("a", std::string("A"));
  EXPECT_THAT(Arrivals(), ElementsAre("1/0 A", "1/1 B"));
  EXPECT_THAT(Asked(), ElementsAre("c"));
  Answer("c", std::string("C"));
  EXPECT_THAT(Arrivals(), ElementsAre("1/2 C"));
}

TEST_F(RetrievalTest, TriesAgainWhatMayPass) {
  const auto share = Begin(kFirst, {"a"});
  for (int attempt = 1; attempt <= 3; ++attempt) {
    EXPECT_THAT(Asked(), ElementsAre("a")) << attempt;
    Answer("a", Away());
    EXPECT_THAT(Asked(), IsEmpty());
    if (attempt < 3) {
      EXPECT_THAT(Arrivals(), IsEmpty());
    }
    Pass(std::chrono::minutes(1));
  }
  EXPECT_THAT(Arrivals(),
              ElementsAre("1/0 document_unavailable: documents[0].ref: document \"a\": away"));
}

TEST_F(RetrievalTest, WaitsAsLongAsItIsAsked) {
  const auto share = Begin(kFirst, {"a"});
  Asked();
  base::Error busy = Away();
  busy.retry_after = std::chrono::seconds(40);
  Answer("a", busy);
  Asked();
  EXPECT_EQ(retrieval_.Deadline(now_.steady), now_.steady + std::chrono::seconds(40));
  Pass(std::chrono::seconds(39));
  EXPECT_THAT(Asked(), IsEmpty());
  Pass(std::chrono::seconds(1));
  EXPECT_THAT(Asked(), ElementsAre("a"));
}

TEST_F(RetrievalTest, WhatCannotPassEndsAtOnce) {
  const struct {
    base::Result<std::string> text;
    const char* told;
  } kCases[] = {
      {base::MakeError(base::ErrorKind::kNotFound, "none"), "document_unavailable"},
      {base::MakeError(base::ErrorKind::kDenied, "not allowed"), "forbidden"},
      {base::MakeError(base::ErrorKind::kTooLarge, "long"), "item_too_large"},
      {std::string("more than ten bytes"), "item_too_large"},
      {std::string(), "document_unavailable"},
      {std::string("\xff"), "document_unavailable"},
  };
  for (const auto& each : kCases) {
    const auto share = Begin(kFirst, {"a"});
    Asked();
    Answer("a", each.text);
    const auto arrivals = Arrivals();
    ASSERT_THAT(arrivals, SizeIs(1));
    EXPECT_THAT(arrivals[0], HasSubstr(each.told));
  }
}

TEST_F(RetrievalTest, NeverHoldsMoreOfAJobThanItMayHave) {
  // Whatever comes first, it is the second that is one too many, and all behind it.
  for (const bool second_first : {true, false}) {
    const auto share = Begin(kFirst, {"a", "b", "c"});
    Asked();
    Answer(second_first ? "b" : "a", std::string(8, 'x'));
    Answer(second_first ? "a" : "b", std::string(8, 'x'));
    EXPECT_THAT(Arrivals(),
                ElementsAre("1/0 xxxxxxxx", testing::StartsWith("1/1 item_too_large: documents[1]"),
                            testing::StartsWith("1/2 item_too_large: documents[2]")));
    EXPECT_THAT(Asked(), IsEmpty());
    EXPECT_EQ(retrieval_.held_bytes(), 8);
  }
  EXPECT_EQ(retrieval_.held_bytes(), 0);
}

TEST_F(RetrievalTest, JobsWaitForRoomTheUrgentOnesFirst) {
  auto first = Begin(kFirst, {"a", "b"});
  EXPECT_THAT(Asked(), ElementsAre("a", "b"));
  EXPECT_EQ(retrieval_.held_bytes(), 15);
  const auto second = Begin(kSecond, {"c", "d"});
  const auto third = Begin(model::RequestId{3}, {"e", "f"}, 9);
  EXPECT_THAT(Asked(), IsEmpty());
  Answer("a", std::string("A"));
  Answer("b", std::string("B"));
  Arrivals();
  // It holds what it has, no longer what it might have had.
  EXPECT_EQ(retrieval_.held_bytes(), 2);
  EXPECT_THAT(Asked(), ElementsAre("e", "f"));
  EXPECT_EQ(retrieval_.held_bytes(), 17);
  first.reset();
  EXPECT_THAT(Asked(), IsEmpty());
}

TEST_F(RetrievalTest, NothingIsFetchedForAJobThatIsGone) {
  auto first = Begin(kFirst, {"a", "b", "c"});
  Asked();
  first.reset();
  EXPECT_EQ(retrieval_.held_bytes(), 0);
  Answer("a", std::string("A"));
  Answer("b", Away());
  Pass(std::chrono::minutes(1));
  EXPECT_THAT(Asked(), IsEmpty());
  EXPECT_THAT(Arrivals(), IsEmpty());
}

TEST_F(RetrievalTest, AJobWaitsNoLongerThanItsDeadline) {
  const auto share = Begin(kFirst, {"a", "b"}, 5, now_.wall + std::chrono::seconds(10));
  Asked();
  Answer("a", std::string("A"));
  EXPECT_THAT(Arrivals(), ElementsAre("1/0 A"));
  Answer("b", Away());
  Pass(std::chrono::seconds(10));
  Asked();
  EXPECT_THAT(Arrivals(), ElementsAre(HasSubstr("1/1 deadline_exceeded: documents[1].ref")));
}

}  // namespace
}  // namespace llmbatch::pipeline
