#include "wire/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace llmbatch::wire {
namespace {

model::ItemResult Answered() {
  return {.id = "i-1",
          .task = "analyze",
          .job_id = "j-1",
          .outcome = {.status = model::ResultStatus::kOk,
                      .output_json = R"({"summary":"s"})",
                      .error = {},
                      .source = model::ResultSource::kGenerated,
                      .model = "openai/gpt-6-luna",
                      .batch_id = "b-1",
                      .usage = {.input_tokens = 100,
                                .cached_input_tokens = 50,
                                .cache_write_tokens = 30,
                                .output_tokens = 20,
                                .reasoning_tokens = 5},
                      .cost = model::NanoUsd{4'215'000},
                      .duration = std::chrono::milliseconds(1'500)},
          .queued = std::chrono::milliseconds(20),
          .origin = {.partition = {.topic = "llm.requests", .partition = 3},
                     .offset = 1042,
                     .index = 7},
          .metadata_json = R"({"m":1})"};
}

TEST(EncodeItemResult, WritesEveryField) {
  EXPECT_EQ(
      EncodeItemResult(Answered()),
      R"({"kind":"item_result","id":"i-1","task":"analyze","job_id":"j-1","status":"ok",)"
      R"("output":{"summary":"s"},"source":"generated","model":"openai/gpt-6-luna","batch_id":"b-1",)"
      R"("usage":{"input_tokens":100,"cached_input_tokens":50,"cache_write_tokens":30,"output_tokens":20,"reasoning_tokens":5},)"
      R"("cost_usd":"0.004215000","queued_ms":20,"duration_ms":1500,)"
      R"("origin":{"topic":"llm.requests","partition":3,"offset":1042,"index":7},"metadata":{"m":1}})");
}

TEST(EncodeItemResult, TellsHowABrokenAnswerWasRead) {
  model::ItemResult result = Answered();
  result.outcome.repair = "fixed";
  result.outcome.repair_edits = 3;
  EXPECT_THAT(EncodeItemResult(result),
              testing::HasSubstr(R"("repair":{"kind":"fixed","edits":3},)"));
}

TEST(EncodeItemResult, TellsWhatIsInDoubtOfTheCostBesideIt) {
  model::ItemResult result = Answered();
  result.outcome.cost_in_doubt = model::NanoUsd{5};
  EXPECT_THAT(EncodeItemResult(result),
              testing::HasSubstr(R"("cost_usd":"0.004215000","cost_in_doubt_usd":"0.000000005",)"));
  result.outcome.cost_in_doubt.reset();
  EXPECT_THAT(EncodeItemResult(result),
              testing::HasSubstr(R"("cost_usd":"0.004215000","cost_in_doubt_usd":null,)"));
}

TEST(EncodeItemResult, LeavesOutWhatHasNoValue) {
  model::ItemResult result;
  result.id = "i";
  result.task = "t";
  result.origin = {.partition = {.topic = "r", .partition = 0}, .offset = 0, .index = {}};
  result.outcome.error = model::ItemError{.code = model::ErrorCode::kUnknownTask,
                                          .message = "no \"such\" task",
                                          .retryable = false,
                                          .attempts = 0};
  EXPECT_EQ(
      EncodeItemResult(result),
      R"({"kind":"item_result","id":"i","task":"t","status":"error",)"
      R"("error":{"code":"unknown_task","message":"no \"such\" task","retryable":false,"attempts":0},)"
      R"("source":"generated",)"
      R"("usage":{"input_tokens":0,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":0,"reasoning_tokens":0},)"
      R"("cost_usd":null,"queued_ms":0,"duration_ms":0,)"
      R"("origin":{"topic":"r","partition":0,"offset":0}})");
}

TEST(EncodeJobResult, WritesItsResultsInOrderAndTheSummary) {
  model::JobResult job;
  job.job_id = "j-1";
  job.workflow = "map";
  job.task = "analyze";
  job.user_id = "u";
  job.partial = true;
  job.results = {EncodeMemberResult(Answered())};
  job.summary = {{.name = "total_fields", .json = "2"}};
  job.items = {.total = 2, .done = 2, .failed = 1, .cached = 0};
  job.usage = Answered().outcome.usage;
  job.calls = 3;
  job.total_time = std::chrono::seconds(2);
  job.efficiency = 2.0 / 3;
  EXPECT_EQ(
      EncodeJobResult(job),
      R"({"kind":"job_result","job_id":"j-1","workflow":"map","task":"analyze","user_id":"u",)"
      R"("status":"completed","partial":true,"results":[{"id":"i-1","status":"ok",)"
      R"("output":{"summary":"s"},"source":"generated","model":"openai/gpt-6-luna","batch_id":"b-1",)"
      R"("usage":{"input_tokens":100,"cached_input_tokens":50,"cache_write_tokens":30,"output_tokens":20,"reasoning_tokens":5},)"
      R"("cost_usd":"0.004215000","queued_ms":20,"duration_ms":1500,)"
      R"("origin":{"topic":"llm.requests","partition":3,"offset":1042,"index":7},"metadata":{"m":1}}],)"
      R"("summary":{"items":{"total":2,"done":2,"failed":1,"cached":0},"total_tokens":120,)"
      R"("usage":{"input_tokens":100,"cached_input_tokens":50,"cache_write_tokens":30,"output_tokens":20,"reasoning_tokens":5},)"
      R"("cost_usd":null,"calls":3,"total_time_ms":2000,"efficiency":0.667,"total_fields":2}})");
}

TEST(EncodeJobResult, TheSummaryTellsWhatIsInDoubtOfTheCost) {
  model::JobResult job;
  job.cost = model::NanoUsd{1};
  job.cost_in_doubt = model::NanoUsd{2};
  EXPECT_THAT(EncodeJobResult(job),
              testing::HasSubstr(R"("cost_usd":"0.000000001","cost_in_doubt_usd":"0.000000002",)"));
}

TEST(EncodeJobResult, AJobThatFailedTellsWhy) {
  model::JobResult job;
  job.status = model::JobStatus::kFailed;
  job.error = model::ItemError{
      .code = model::ErrorCode::kForbidden, .message = "m", .retryable = false, .attempts = 0};
  const std::string text = EncodeJobResult(job);
  EXPECT_NE(text.find(R"("status":"failed","partial":false,"results":[])"), std::string::npos)
      << text;
  EXPECT_NE(
      text.find(R"("error":{"code":"forbidden","message":"m","retryable":false,"attempts":0}})"),
      std::string::npos)
      << text;
}

TEST(EncodeProgress, WritesEveryField) {
  model::Progress progress;
  progress.job_id = "j";
  progress.user_id = "u";
  progress.workflow = "map";
  progress.status = model::JobStatus::kProcessing;
  progress.sequence = 2;
  progress.step = "map";
  progress.percent = 40;
  progress.message = "4 of 10 items";
  progress.items = {.total = 10, .done = 4, .failed = 1, .cached = 2};
  progress.cost = model::NanoUsd{1};
  progress.eta_seconds = 12;
  progress.waiting_for = "provider openai: tokens per minute, about 12 s";
  progress.at = *base::ParseRfc3339("2026-11-21T07:51:21.042Z");
  const std::string front =
      R"({"kind":"progress","job_id":"j","user_id":"u","workflow":"map","status":"processing","sequence":2,)"
      R"("step":"map","percent":40,"message":"4 of 10 items",)"
      R"("items":{"total":10,"done":4,"failed":1,"cached":2},)"
      R"("usage":{"input_tokens":0,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":0,"reasoning_tokens":0},)"
      R"("cost_usd":"0.000000001",)";
  EXPECT_EQ(
      EncodeProgress(progress),
      front +
          R"("eta_seconds":12,"waiting_for":"provider openai: tokens per minute, about 12 s",)" +
          R"("at":"2026-11-21T07:51:21.042Z"})");
  progress.eta_seconds.reset();
  progress.waiting_for.clear();
  EXPECT_EQ(EncodeProgress(progress), front + R"("at":"2026-11-21T07:51:21.042Z"})");
  EXPECT_EQ(ItemsTold(EncodeProgress(progress)), 10);
  EXPECT_EQ(ItemsTold(""), 0);
  EXPECT_EQ(ItemsTold("[1]"), 0);
  EXPECT_EQ(ItemsTold(R"({"items":7})"), 0);
}

}  // namespace
}  // namespace llmbatch::wire
