// The published schemas: they list what the code lists, and what the code writes meets them.
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/schema.h"
#include "json/value.h"
#include "wire/request.h"
#include "wire/result.h"

namespace llmbatch::wire {
namespace {

using Names = std::set<std::string, std::less<>>;

std::string ReadSchemaFile(const std::string& name) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The strings of the array `enum` below the path of member names.
Names EnumAt(const std::string& file, const std::vector<std::string_view>& path) {
  const auto document = json::Document::Parse(ReadSchemaFile(file));
  if (!document) return {document.error().message};
  json::Value value = document->root();
  for (const std::string_view name : path) {
    const auto next = value.Find(name);
    if (!next) return {"no such member"};
    value = *next;
  }
  Names names;
  for (std::size_t i = 0; i < value.size(); ++i) names.emplace(value.At(i).AsString());
  return names;
}

// The names of a closed list in the code, whose values count from 0 to `last`.
template <typename Enum>
Names NamesUpTo(Enum last) {
  Names names;
  for (int value = 0; value <= static_cast<int>(last); ++value) {
    names.emplace(ToString(static_cast<Enum>(value)));
  }
  return names;
}

TEST(SchemaFiles, ListTheErrorCodesOfTheCode) {
  const Names codes = NamesUpTo(model::ErrorCode::kInternal);
  EXPECT_EQ(codes.size(), 19U);
  const std::vector<std::string_view> path{"$defs", "error", "properties", "code", "enum"};
  EXPECT_EQ(EnumAt("item_result.schema.json", path), codes);
  EXPECT_EQ(EnumAt("job_result.schema.json", path), codes);
}

TEST(SchemaFiles, ListTheStatusesAndSourcesOfTheCode) {
  const Names statuses = NamesUpTo(model::ResultStatus::kError);
  const Names sources = NamesUpTo(model::ResultSource::kExtracted);
  EXPECT_EQ(EnumAt("item_result.schema.json", {"properties", "status", "enum"}), statuses);
  EXPECT_EQ(EnumAt("item_result.schema.json", {"properties", "source", "enum"}), sources);
  const auto nested = [](std::string_view name) {
    return std::vector<std::string_view>{"$defs", "result", "properties", name, "enum"};
  };
  EXPECT_EQ(EnumAt("job_result.schema.json", nested("status")), statuses);
  EXPECT_EQ(EnumAt("job_result.schema.json", nested("source")), sources);
}

TEST(SchemaFiles, ListTheJobStatusesOfTheCode) {
  Names statuses = NamesUpTo(model::JobStatus::kCancelled);
  EXPECT_EQ(EnumAt("progress.schema.json", {"properties", "status", "enum"}), statuses);
  // A result is published only when the job has ended.
  statuses.erase("queued");
  statuses.erase("processing");
  EXPECT_EQ(EnumAt("job_result.schema.json", {"properties", "status", "enum"}), statuses);
}

TEST(SchemaFiles, TheAsyncApiListsTheReasonsOfDeadLetters) {
  const std::string text = ReadSchemaFile("asyncapi.yaml");
  const auto begin = text.find("enum: [", text.find("dlq-reason:"));
  ASSERT_NE(begin, std::string::npos);
  const std::string list = text.substr(begin + 7, text.find(']', begin) - begin - 7);
  Names listed;
  std::string name;
  for (const char byte : list + ",") {
    if (byte == ',') {
      listed.insert(std::exchange(name, {}));
    } else if (byte != ' ' && byte != '\n') {
      name += byte;
    }
  }
  EXPECT_EQ(listed, NamesUpTo(MalformedReason::kInvalidValue));
}

// "" if `json` meets the schema of that name.
std::string Finding(const std::string& name, std::string_view json) {
  const auto schema = json::Schema::Compile(ReadSchemaFile(name + ".schema.json"));
  if (!schema) return "schema: " + schema.error().message;
  const auto outcome = schema->Validate(json);
  return outcome ? "" : outcome.error().message;
}

model::ItemResult SomeResult() {
  model::ItemResult result;
  result.id = "i";
  result.task = "t";
  result.origin = {
      .partition = {.topic = "llm.requests", .partition = 0}, .offset = 0, .index = {}};
  return result;
}

std::vector<model::ItemResult> ResultsOfEveryKind() {
  std::vector<model::ItemResult> results;
  for (int code = 0; code <= static_cast<int>(model::ErrorCode::kInternal); ++code) {
    model::ItemResult failed = SomeResult();
    failed.outcome.error = model::ItemError{.code = static_cast<model::ErrorCode>(code),
                                            .message = "m",
                                            .retryable = true,
                                            .attempts = 3};
    results.push_back(failed);
    failed.outcome.status = model::ResultStatus::kFallback;
    failed.outcome.output_json = R"({"label":"unknown"})";
    results.push_back(failed);
  }
  for (int source = 0; source <= static_cast<int>(model::ResultSource::kExtracted); ++source) {
    model::ItemResult answered = SomeResult();
    answered.job_id = "j";
    answered.origin.index = 7;
    answered.metadata_json = "{}";
    answered.outcome = {.status = model::ResultStatus::kOk,
                        .output_json = "null",
                        .error = {},
                        .source = static_cast<model::ResultSource>(source),
                        .model = "p/m",
                        .batch_id = "b",
                        .usage = {.input_tokens = 3},
                        .cost = model::NanoUsd{1},
                        .duration = std::chrono::seconds(1)};
    results.push_back(answered);
    answered.outcome.cost_in_doubt = model::NanoUsd{1};
    results.push_back(answered);
    answered.outcome.cost_in_doubt.reset();
    results.push_back(answered);
  }
  return results;
}

TEST(SchemaFiles, EveryItemResultMeetsItsSchema) {
  for (const model::ItemResult& result : ResultsOfEveryKind()) {
    const std::string text = EncodeItemResult(result);
    EXPECT_EQ(Finding("item_result", text), "") << text;
  }
}

TEST(SchemaFiles, EveryJobResultMeetsItsSchema) {
  model::JobResult job;
  job.job_id = "j";
  job.workflow = "map";
  job.task = "t";
  job.user_id = "u";
  for (const model::ItemResult& result : ResultsOfEveryKind())
    job.results.push_back(EncodeMemberResult(result));
  job.efficiency = 2.5;
  EXPECT_EQ(Finding("job_result", EncodeJobResult(job)), "");
  job.status = model::JobStatus::kFailed;
  job.cost = model::NanoUsd{5};
  job.error = model::ItemError{};
  EXPECT_EQ(Finding("job_result", EncodeJobResult(job)), "");
}

TEST(SchemaFiles, EveryProgressEventMeetsItsSchema) {
  model::Progress progress;
  progress.job_id = "j";
  progress.user_id = "u";
  progress.workflow = "map";
  progress.sequence = 1;
  EXPECT_EQ(Finding("progress", EncodeProgress(progress)), "");
  progress.cost = model::NanoUsd{5};
  progress.eta_seconds = 0;
  progress.waiting_for = "permits";
  EXPECT_EQ(Finding("progress", EncodeProgress(progress)), "");
}

TEST(SchemaFiles, AreStrictAboutWhatIsPublished) {
  const std::string sound = EncodeItemResult(ResultsOfEveryKind().back());
  std::string extra = sound;
  extra.insert(1, "\"extra\":1,");
  EXPECT_NE(Finding("item_result", extra), "");
  std::string error = sound;
  error.replace(error.find("\"ok\""), 4, "\"error\"");
  EXPECT_NE(Finding("item_result", error), "");
}

TEST(SchemaFiles, RequestsThatAreReadMeetTheirs) {
  EXPECT_EQ(
      Finding("item", R"({"kind":"item","id":"i","task":"t","text":"","priority":0,"new":1})"), "");
  EXPECT_EQ(Finding("job", R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",
                               "items":[{"id":"a","input":{}}]})"),
            "");
  EXPECT_EQ(
      Finding("job", R"({"kind":"job","job_id":"j","workflow":"fields","task":"t","user_id":"u",
                               "fields":[{"id":"a","label":"A"}],"context":"x"})"),
      "");
  EXPECT_EQ(Finding("job", R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",
                               "item_count":10000})"),
            "");
  EXPECT_NE(Finding("job", R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",
                               "item_count":0})"),
            "");
  EXPECT_NE(Finding("job", R"({"kind":"job","job_id":"j","workflow":"map","task":"t","user_id":"u",
                               "fields":[{"id":"a","label":"A"}]})"),
            "");
  EXPECT_NE(Finding("item", R"({"kind":"item","id":"i","task":"t","text":"","input":{}})"), "");
  EXPECT_NE(Finding("item", R"({"kind":"item","id":"i","task":"t"})"), "");
}

}  // namespace
}  // namespace llmbatch::wire
