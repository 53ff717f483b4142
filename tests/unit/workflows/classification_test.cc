#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "base/rng.h"
#include "json/schema.h"
#include "json/value.h"
#include "wire/result.h"
#include "workflows/classification/classification_workflow.h"

namespace llmbatch::workflows {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string SessionJson(int index) {
  const char* const kinds[] = {"agent", "selfService", "dropOff"};
  return R"({"user_id":"u)" + std::to_string(index) + R"(","transcript":"t)" +
         std::to_string(index) + R"(","containment_type":")" + kinds[index % 3] + R"("})";
}

std::string Request(int sessions, const std::string& config) {
  std::string text = R"({"sessions":[)";
  for (int i = 0; i < sessions; ++i) text += (i > 0 ? "," : "") + SessionJson(i);
  return text + R"(],"config":)" + config + "}";
}

model::Task TaskWithSteps() {
  model::Task task;
  task.workflow = "classification";
  task.steps = {{"resolve", "same"}};
  return task;
}

Made MakeOf(std::string input, const model::Task& task = TaskWithSteps()) {
  model::Job job;
  job.workflow = "classification";
  job.input_json = std::move(input);
  return Make(job, task);
}

std::unique_ptr<Workflow> Sound(std::string input) {
  Made made = MakeOf(std::move(input));
  if (auto* malformed = std::get_if<wire::Malformed>(&made)) ADD_FAILURE() << malformed->detail;
  return std::get<std::unique_ptr<Workflow>>(std::move(made));
}

std::string Refusal(std::string input, const model::Task& task = TaskWithSteps()) {
  Made made = MakeOf(std::move(input), task);
  const auto* malformed = std::get_if<wire::Malformed>(&made);
  return malformed == nullptr ? "none" : malformed->detail;
}

model::ItemResult Answer(std::string output, const std::string& batch = "b") {
  model::ItemResult result;
  result.outcome.status = model::ResultStatus::kOk;
  result.outcome.output_json = std::move(output);
  result.outcome.batch_id = batch;
  result.outcome.usage.input_tokens = 10;
  result.outcome.cost = model::NanoUsd{5};
  result.outcome.duration = std::chrono::seconds(1);
  return result;
}

model::ItemResult Intent(const std::string& name) {
  return Answer(R"({"generalIntent":")" + name + R"(","transferReason":"","summary":"s"})");
}

model::ItemResult Failure(model::ErrorCode code) {
  model::ItemResult result;
  result.outcome.error = model::ItemError{
      .code = code, .message = "m", .retryable = model::IsRetryable(code), .attempts = 8};
  result.outcome.cost = model::NanoUsd{};
  return result;
}

// A provider that answers all steps that are open, in an order of its own.
class Play {
 public:
  using Reply = std::function<model::ItemResult(const Step& step)>;

  Play(std::unique_ptr<Workflow> workflow, std::uint64_t seed)
      : workflow_(std::move(workflow)), rng_(seed) {}

  void Run(const Reply& reply) {
    Take(workflow_->Begin());
    while (!open_.empty()) {
      const std::size_t at = rng_.Below(open_.size());
      const std::size_t step = open_[at];
      open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
      const int before = workflow_->standing().percent;
      Take(workflow_->OnOutcome(step, reply(steps_[step])));
      EXPECT_GE(workflow_->standing().percent, before);
    }
    EXPECT_TRUE(workflow_->done());
  }

  const Steps& steps() const { return steps_; }
  const std::vector<std::size_t>& rounds() const { return rounds_; }  // steps asked at a time
  Workflow& workflow() { return *workflow_; }

 private:
  void Take(Steps steps) {
    if (!steps.empty()) rounds_.push_back(steps.size());
    for (Step& step : steps) {
      EXPECT_TRUE(paths_.insert(step.path).second) << step.path;
      open_.push_back(steps_.size());
      steps_.push_back(std::move(step));
    }
  }

  std::unique_ptr<Workflow> workflow_;
  base::Rng rng_;
  Steps steps_;
  std::set<std::string> paths_;
  std::vector<std::size_t> open_;
  std::vector<std::size_t> rounds_;
};

std::map<std::string, std::string> SummaryOf(const jobs::Ending& ending) {
  std::map<std::string, std::string> summary;
  for (const auto& member : ending.summary) summary[member.name] = member.json;
  return summary;
}

constexpr const char* kSmall =
    R"({"discovery_min_sessions":2,"discovery_max_sessions":2,"parallel_stream_count":2,"sessions_per_stream":3})";

TEST(Classification, ReadsSessionsThatAreElsewhere) {
  const std::string ref = R"({"sessions_ref":"redis:s","config":{"discovery_min_sessions":1}})";
  std::string lines;
  for (int i = 0; i < 5; ++i) lines += SessionJson(i) + "\n";
  const auto elsewhere = Sound(ref);
  EXPECT_THAT(elsewhere->Begin(), IsEmpty());
  ASSERT_THAT(elsewhere->references(), SizeIs(1));
  EXPECT_EQ(elsewhere->references()[0].field, "sessions_ref");
  EXPECT_EQ(elsewhere->standing().message, "the sessions are being fetched");
  EXPECT_FALSE(elsewhere->done());
  const Steps steps = elsewhere->OnFetched(0, {.text = lines});
  // As if they had been in the message; but a text that reads differently is another question.
  const Steps inline_steps = Sound(Request(5, R"({"discovery_min_sessions":1})"))->Begin();
  ASSERT_EQ(steps.size(), inline_steps.size());
  EXPECT_EQ(steps[0].path, inline_steps[0].path);
  EXPECT_EQ(steps[0].input.value, inline_steps[0].input.value);
  EXPECT_THAT(steps[0].references, ElementsAre(0U));
  EXPECT_THAT(inline_steps[0].references, IsEmpty());
}

TEST(Classification, FailsWithWhatIsWrongWithSessionsThatAreElsewhere) {
  const std::pair<std::string, std::string> rows[] = {
      {"[7]", "sessions_ref: [0]: must be of type object, is number"},
      {"[" + SessionJson(0) + R"(,{"user_id":"u"}])", "sessions_ref: [1].transcript: missing"},
      {SessionJson(0) + "\n{}", "sessions_ref: line 2: user_id: missing"},
      {"no json", "sessions_ref: line 1: not JSON at byte 1"},
  };
  for (const auto& [text, error] : rows) {
    const auto job = Sound(R"({"sessions_ref":"redis:s"})");
    job->Begin();
    EXPECT_THAT(job->OnFetched(0, {.text = text}), IsEmpty());
    ASSERT_TRUE(job->done());
    const jobs::Ending ending = job->End({}, {});
    EXPECT_EQ(ending.status, model::JobStatus::kFailed);
    EXPECT_EQ(ending.error->message, error);
    EXPECT_EQ(ending.error->code, model::ErrorCode::kInvalidMessage);
  }
  EXPECT_EQ(Refusal(R"({"sessions_ref":"s"})"),
            "sessions_ref: must be redis: and a name, or begin with https://");
  EXPECT_EQ(Refusal(R"({"sessions_ref":"redis:s","sessions":[]})"),
            "sessions_ref: given besides sessions");
}

TEST(Classification, RefusesWhatItCannotDo) {
  const std::string one = R"({"sessions":[{"user_id":"u",)";
  EXPECT_EQ(Refusal("{}"), "sessions: missing");
  EXPECT_EQ(Refusal(R"({"sessions":[]})"), "sessions: must have from 1 to 10000 elements");
  EXPECT_EQ(Refusal(one + R"("containment_type":"agent"}]})"), "sessions[0].transcript: missing");
  EXPECT_EQ(Refusal(one + R"("transcript":1,"containment_type":"agent"}]})"),
            "sessions[0].transcript: must be of type string, is number");
  EXPECT_EQ(Refusal(one + R"("transcript":"t","containment_type":"lost"}]})"),
            "sessions[0].containment_type: must be agent, selfService or dropOff");
  EXPECT_EQ(Refusal(one + R"("transcript":"t","containment_type":"agent","started_at":"soon"}]})"),
            "sessions[0].started_at: must be a time as in RFC 3339");
  EXPECT_THAT(Refusal(Request(1, R"({"sessions_per_stream":0})")),
              HasSubstr("config.sessions_per_stream: "));
  EXPECT_THAT(Refusal(Request(1, R"({"discovery_min_sessions":9,"discovery_max_sessions":8})")),
              HasSubstr("config.discovery_min_sessions: more than discovery_max_sessions"));
  EXPECT_EQ(Refusal(Request(1, "{}"), {}), "task: has no steps.resolve");
  EXPECT_EQ(Refusal(Request(1, "{}")), "none");
}

TEST(Classification, DiscoversInSequenceTellingEachCallWhatTheOthersFound) {
  const auto job = Sound(Request(20, kSmall));
  Steps steps = job->Begin();
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_EQ(job->standing().step, "discovery");
  EXPECT_EQ(steps[0].company->context_json,
            R"({"known":{"generalIntents":[],"transferReasons":[],"dropOffLocations":[]}})");
  steps = job->OnOutcome(0, Intent(" refund "));
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_THAT(steps[0].company->context_json, HasSubstr(R"("generalIntents":["refund"])"));
}

TEST(Classification, DealsTheRestToStreamsThatMeetAfterEachRound) {
  Play play(Sound(Request(16, kSmall)), 1);
  play.Run([](const Step& step) {
    if (step.kind == kResolveStep) return Answer(R"({"groups":[]})");
    return Intent("intent of " + step.id);
  });
  // Two calls of discovery, 14 sessions in rounds of six, and the comparison of the intents.
  EXPECT_THAT(play.rounds(), ElementsAre(1, 1, 6, 6, 2, 1));
  std::map<std::string, int> companies;
  for (const Step& step : play.steps())
    if (step.company) ++companies[step.company->name];
  EXPECT_EQ(companies["round 1/0"], 3);
  EXPECT_EQ(companies["round 1/1"], 3);
  EXPECT_EQ(companies["round 3/0"], 1);
  EXPECT_EQ(companies["round 3/1"], 1);
  // A round knows what all streams of the one before found, and its streams know the same.
  const auto known = [&](std::size_t step) { return play.steps()[step].company->context_json; };
  EXPECT_EQ(known(2), known(7));
  for (std::size_t i = 2; i < 8; ++i)
    EXPECT_THAT(known(8), HasSubstr("\"intent of " + play.steps()[i].id + "\""));
}

TEST(Classification, OneSessionIsItsDiscovery) {
  Play play(Sound(Request(1, "{}")), 1);
  play.Run([](const Step&) { return Intent("refund"); });
  EXPECT_THAT(play.rounds(), ElementsAre(1));
  const auto ending = play.workflow().End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_THAT(ending.results, SizeIs(1));
}

TEST(Classification, ReplacesWhatMeansTheSameInEverySession) {
  Play play(Sound(Request(30, kSmall)), 3);
  play.Run([](const Step& step) {
    if (step.kind != kResolveStep) return Intent(step.id < "u2" ? "refund" : "money back");
    EXPECT_EQ(step.input.value,
              R"({"kind":"generalIntents","classifications":["money back","refund"]})");
    return Answer(R"({"groups":[{"canonical":"refund","aliases":["money back","unheard of"]}]})");
  });
  const auto ending = play.workflow().End({}, {});
  EXPECT_THAT(ending.results, Each(HasSubstr(R"("generalIntent":"refund","transferReason":"")")));
  auto summary = SummaryOf(ending);
  EXPECT_THAT(summary["classifications"], HasSubstr(R"("generalIntents":["refund"])"));
  EXPECT_EQ(summary["resolutions"],
            R"([{"kind":"generalIntents","canonical":"refund","aliases":["money back"]}])");
  EXPECT_THAT(summary["stats"],
              HasSubstr(R"("conflicts_found":1,"conflicts_resolved":1,"mappings":1)"));
}

TEST(Classification, TheOrderOfOutcomesDoesNotMatter) {
  const auto reply = [](const Step& step) {
    if (step.kind == kResolveStep) return Answer(R"({"groups":[]})");
    if (step.id == "u7" && step.path.ends_with("/0"))
      return Failure(model::ErrorCode::kProviderUnavailable);
    return Intent("intent of " + step.id);
  };
  std::set<std::vector<std::string>> results;
  std::set<std::multiset<std::string>> asked;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Play play(Sound(Request(25, kSmall)), seed);
    play.Run(reply);
    std::multiset<std::string> questions;
    for (const Step& step : play.steps())
      questions.insert(step.path + (step.company ? step.company->context_json : ""));
    asked.insert(questions);
    results.insert(play.workflow().End({}, {}).results);
  }
  EXPECT_EQ(asked.size(), 1U);
  EXPECT_EQ(results.size(), 1U);
}

TEST(Classification, AFailingStreamRestsAndItsSessionsGoToTheOthers) {
  Play play(Sound(Request(14, kSmall)), 1);
  int failures = 0;
  play.Run([&](const Step& step) {
    if (step.kind == kResolveStep) return Answer(R"({"groups":[]})");
    if (step.company->name == "round 1/1") {
      ++failures;
      return Failure(model::ErrorCode::kProviderUnavailable);
    }
    return Intent("same");
  });
  EXPECT_EQ(failures, 3);
  // The other stream goes on alone, until this one has rested for a round.
  EXPECT_THAT(play.rounds(), ElementsAre(1, 1, 6, 3, 6));
  const auto ending = play.workflow().End({}, {});
  EXPECT_FALSE(ending.partial);
  EXPECT_THAT(ending.results, Each(HasSubstr(R"("status":"ok")")));
  EXPECT_THAT(SummaryOf(ending)["stats"], HasSubstr(R"("retries":3)"));
}

TEST(Classification, ASessionIsGivenUpAfterThreeCallsOrAtOnceWhenNoneWillDo) {
  Play play(Sound(Request(10, kSmall)), 1);
  std::map<std::string, int> asked;
  play.Run([&](const Step& step) {
    ++asked[step.id];
    if (step.id == "u4") return Failure(model::ErrorCode::kProviderUnavailable);
    if (step.id == "u5") return Failure(model::ErrorCode::kContentFiltered);
    if (step.id == "u6") {
      auto fallback = Failure(model::ErrorCode::kAnswerMissingItem);
      fallback.outcome.status = model::ResultStatus::kFallback;
      fallback.outcome.output_json = R"({"generalIntent":"unclassified"})";
      return fallback;
    }
    return Intent("same");
  });
  EXPECT_EQ(asked["u4"], 3);
  EXPECT_EQ(asked["u5"], 1);
  EXPECT_EQ(asked["u6"], 1);
  const auto ending = play.workflow().End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_TRUE(ending.partial);
  EXPECT_THAT(ending.results[4], HasSubstr(R"("status":"error","facts":null,"error":)"));
  EXPECT_THAT(ending.results[6],
              HasSubstr(R"("status":"fallback","facts":{"generalIntent":"unclassified"})"));
  // What stands in for an answer is no classification.
  EXPECT_THAT(SummaryOf(ending)["classifications"], HasSubstr(R"("generalIntents":["same"])"));
}

TEST(Classification, FailsOnlyIfEverySessionDid) {
  Play play(Sound(Request(5, kSmall)), 1);
  play.Run([](const Step&) { return Failure(model::ErrorCode::kProviderUnavailable); });
  const auto ending = play.workflow().End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kFailed);
  ASSERT_TRUE(ending.error.has_value());
  EXPECT_EQ(ending.error->code, model::ErrorCode::kProviderUnavailable);
}

TEST(Classification, GoesOnWithoutAComparisonThatFailed) {
  Play play(Sound(Request(10, kSmall)), 1);
  play.Run([](const Step& step) {
    if (step.kind == kResolveStep) return Failure(model::ErrorCode::kAnswerInvalid);
    return Intent("intent of " + step.id);
  });
  const auto ending = play.workflow().End({}, {});
  EXPECT_EQ(ending.status, model::JobStatus::kCompleted);
  EXPECT_FALSE(ending.partial);
  EXPECT_THAT(SummaryOf(ending)["stats"], HasSubstr(R"("kinds_not_compared":1)"));
}

// Ended from outside at any moment, it has a result for each session, in the form of the schema.
TEST(Classification, MayEndAfterAnyStep) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/job_result.schema.json", std::ios::binary);
  const auto schema = json::Schema::Compile(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(schema.ok()) << schema.error().message;
  for (std::size_t after = 0; after < 14; ++after) {
    const auto job = Sound(Request(10, kSmall));
    Steps open = job->Begin();
    std::size_t ended = 0;
    std::size_t asked = open.size();
    while (ended < after && ended < asked) {
      const std::size_t step = ended++;
      asked += job->OnOutcome(step, Intent("i" + std::to_string(step))).size();
    }
    while (ended < asked) job->OnOutcome(ended++, Failure(model::ErrorCode::kCancelled));
    jobs::Ending ending = job->End(
        {},
        {.code = model::ErrorCode::kCancelled, .message = "m", .retryable = false, .attempts = 0});
    ASSERT_THAT(ending.results, SizeIs(10)) << after;
    model::JobResult result;
    result.job_id = result.workflow = result.task = result.user_id = "x";
    result.status = ending.status;
    result.results = ending.results;
    result.summary = ending.summary;
    result.error = ending.error;
    result.cost = model::NanoUsd{};
    const auto valid = schema->Validate(wire::EncodeJobResult(result));
    EXPECT_TRUE(valid.ok()) << after << ": " << valid.error().message;
  }
}

}  // namespace
}  // namespace llmbatch::workflows
